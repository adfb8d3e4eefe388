import IPC

/// How verifiers judged the ticket's work: their runs, the newest trial first, and what one of them printed.
struct ChecksPage: Page {
    let ticket: String
    private var row: TicketRow
    private var content = Content.unread
    /// The row that `content` was read for: whatever becomes of a run, something of it changes.
    private var version: TicketRow?
    private var asked: Asked?
    /// The run the cursor was put on; nil: on what tells most of the newest trial.
    private var chosen: String?
    /// The first line that is seen.
    private(set) var top = 0
    /// The run that was opened.
    private(set) var output: CheckOutput?

    private enum Content {
        case unread
        case failed(Answer.Failure)
        case trials([Trial])
    }

    private enum Asked {
        case checks(TicketRow)
        case output
    }

    /// A line of the list.
    enum Line: Sendable {
        case blank
        case heading(Trial, isNewest: Bool)
        case run(RunRow, isNewest: Bool)
    }

    init(_ row: TicketRow) {
        ticket = row.id
        self.row = row
    }

    private var trials: [Trial] { if case .trials(let trials) = content { trials } else { [] } }

    private var lines: [Line] {
        trials.enumerated().flatMap { index, trial -> [Line] in
            let isNewest = index == 0
            return (isNewest ? [] : [.blank]) + [.heading(trial, isNewest: isNewest)]
                + trial.runs.map { .run($0, isNewest: isNewest) }
        }
    }

    /// The run the cursor is on.
    private var selected: RunRow? {
        let runs = trials.flatMap(\.runs)
        return runs.first { $0.id == chosen } ?? trials.first?.mostTelling
    }

    // MARK: Reading

    mutating func follow(_ row: TicketRow) { self.row = row }

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        if version != row {
            asked = .checks(row)
            return .checks(ticket: ticket)
        }
        asked = .output
        return output?.nextRequest(in: room)
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        switch asked {
        case .checks(let row):
            version = row
            take(answer, room)
        case .output: output?.take(answer, in: room)
        case nil: break
        }
        asked = nil
    }

    private mutating func take(_ answer: Answer, _ room: Size) {
        switch answer {
        case .failure(let failure): content = .failed(failure)
        case .result(let value):
            guard let rows = value["runs"]?.arrayValue else {
                content = .failed(.notUnderstood)
                return
            }
            content = .trials(Trial.trials(of: rows.compactMap { try? $0.decode(RunRow.self) }))
            if let run = output?.run.id, let now = trials.lazy.flatMap(\.runs).first(where: { $0.id == run }) {
                output?.follow(now)
            }
            keepInSight(room)
        }
    }

    mutating func startOver() {
        asked = nil
        if case .failed = content { version = nil }
        output?.startOver()
    }

    mutating func grow(run: String, stream: String, size: Int) {
        output?.grow(run: run, stream: stream, size: size)
        readAgain { $0.id == run }
    }

    mutating func lookAgain() {
        output?.lookAgain()
        readAgain { _ in true }
    }

    /// That a run has begun changes nothing of its ticket; that it prints tells it all the same.
    private mutating func readAgain(where isMeant: (RunRow) -> Bool) {
        let begins = trials.first?.runs.contains { !$0.hasEnded && $0.started == nil && isMeant($0) } ?? false
        if begins { version = nil }
    }

    var watchesOutput: Bool { trials.first?.runs.contains { !$0.hasEnded } ?? false || output?.run.hasEnded == false }

    // MARK: Moving

    mutating func move(_ motion: Motion, in room: Size) {
        if output != nil {
            output?.move(motion, in: room)
            return
        }
        let runs = trials.flatMap(\.runs)
        guard !runs.isEmpty else { return }
        let here = runs.firstIndex { $0.id == selected?.id } ?? 0
        chosen = runs[motion.place(from: here, of: runs.count)].id
        keepInSight(room)
    }

    private mutating func keepInSight(_ room: Size) {
        let lines = lines
        let place = lines.firstIndex { if case .run(let run, _) = $0 { run.id == selected?.id } else { false } } ?? 0
        top = max(0, min(max(min(top, lines.count - room.rows), place - room.rows + 1), place))
        // With the first of a trial, its heading.
        if top > 0, top == place, case .heading = lines[top - 1] { top -= 1 }
    }

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        if let outcome = output?.perform(action, in: room) { return outcome }
        guard let selected else { return .refused("no verifier has run yet") }
        guard action == .open else {
            return .refused("Enter opens what \(selected.name) printed, and its failing lines")
        }
        chosen = selected.id
        output = CheckOutput(selected)
        return .done
    }

    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool? {
        output?.find(needle, forwards: forwards, in: room)
    }

    mutating func goBack() -> Bool {
        guard output != nil else { return false }
        // What was asked for it is answered to nobody.
        if case .output = asked { asked = nil }
        output = nil
        return true
    }

    // MARK: What is said

    func hint(for action: PageAction) -> String? {
        if let output { return output.hint(for: action) }
        return action == .open && selected != nil ? "open its output" : nil
    }

    var status: String {
        if let output { return output.status }
        guard let newest = trials.first else { return "" }
        let counts: [(Int, String)] = [
            (newest.runs.count { $0.hasFailed }, "failed"), (newest.runs.count { !$0.hasEnded }, "running"),
            (newest.runs.count { $0.state == "passed" }, "passed"),
        ]
        return counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " · ")
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        if let output { return output.draw(on: &canvas, in: area) }
        switch content {
        case .unread: canvas.say("reading", x: area.x, y: area.y, columns: area.columns, style: .dim)
        case .failed(let failure):
            canvas.explain("the checks cannot be read: \(failure.message)", failure.hint, in: area, style: .failed)
        case .trials(let trials) where trials.isEmpty: canvas.explain(emptiness, nil, in: area, style: .dim)
        case .trials: canvas.draw(lines, from: top, selected: selected?.id, in: area)
        }
    }

    private var emptiness: String {
        switch row.state {
        case "queued", "running", "stopped":
            "no verifier has judged \(ticket) yet: they run on what its agent leaves, merged onto the target branch"
        default: "no verifier has judged \(ticket)"
        }
    }
}
