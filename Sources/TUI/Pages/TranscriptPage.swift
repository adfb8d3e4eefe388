import IPC

/// What the ticket's agent prints: its last run, followed as it is written.
struct TranscriptPage: Page {
    let ticket: String
    /// nil: the ticket has not run yet.
    private(set) var transcript: Transcript?
    /// The ticket's newest run.
    private var newestRun: String?

    init(_ row: TicketRow) {
        ticket = row.id
        newestRun = row.run
        transcript = row.run.map(Transcript.init)
    }

    func isOutdated(by row: TicketRow) -> Bool { row.run != transcript?.run }

    mutating func follow(_ row: TicketRow) {
        newestRun = row.run
        if transcript == nil { transcript = row.run.map(Transcript.init) }
    }

    mutating func grow(run: String, stream: String, size: Int) {
        guard transcript?.run == run, transcript?.stream == stream else { return }
        transcript?.grow(to: size)
    }

    mutating func lookAgain() { transcript?.lookAgain() }
    var watchesOutput: Bool { true }

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        transcript?.nextRead(rows: room.rows, columns: room.columns)
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        transcript?.take(answer, columns: room.columns)
    }

    mutating func startOver() { transcript?.startOver() }

    mutating func move(_ motion: Motion, in room: Size) {
        switch motion {
        case .rows(let distance): transcript?.scroll(by: distance, rows: room.rows, columns: room.columns)
        case .beginning: transcript?.scrollToBeginning()
        case .end: transcript?.scrollToEnd()
        }
    }

    private var hasNewerRun: Bool { newestRun != nil && newestRun != transcript?.run }

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        guard action == .open else { return .done }
        guard hasNewerRun else { return .refused("this is the newest run") }
        transcript = newestRun.map(Transcript.init)
        return .done
    }

    func hint(for action: PageAction) -> String? { action == .open && hasNewerRun ? "newer run" : nil }

    var status: String {
        guard let transcript else { return "" }
        var status = transcript.isFollowing ? "following" : "scrolled"
        if transcript.hasEnded, transcript.isFollowing { status = "end" }
        return transcript.size > 0
            ? "\(transcript.run) \(status), \(byteCount(transcript.size))" : "\(transcript.run) \(status)"
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        guard let transcript else {
            canvas.put("\(ticket) has not run yet", x: area.x, y: area.y, columns: area.columns, style: .dim)
            return
        }
        transcript.draw(on: &canvas, in: area)
    }
}

extension Transcript {
    /// Lines that begin at `marked` offsets stand out, one of them more.
    func draw(on canvas: inout Canvas, in area: Rectangle, marked: Set<Int> = [], current: Int? = nil) {
        if let failure {
            let sentence = "the output cannot be read: \(failure)"
            canvas.put(sentence, x: area.x, y: area.y, columns: area.columns, style: .failed)
            return
        }
        guard lineCount > 0 else {
            canvas.put(awaited == nil ? "nothing printed yet" : "reading", x: area.x, y: area.y, style: .dim)
            return
        }
        var place = top ?? bottom(rows: area.rows, columns: area.columns)
        var y = area.y
        while y < area.y + area.rows, place.line < lineCount {
            let limit = area.y + area.rows - y
            let offset = offset(of: place.line)
            let style: Style = !marked.contains(offset) ? .plain : offset == current ? .match.selected : .match
            for row in rows(of: place.line, from: place.row, limit: limit, columns: area.columns) {
                canvas.screen.put(row, x: area.x, y: y, style: style)
                y += 1
            }
            place = .init(line: place.line + 1, row: 0)
        }
    }
}

/// `812 B`, `64 KiB`, `1.2 MiB`.
func byteCount(_ count: Int) -> String {
    if count < 1024 { return "\(count) B" }
    if count < 1024 * 1024 { return "\(count / 1024) KiB" }
    let tenths = count * 10 / (1024 * 1024)
    return "\(tenths / 10).\(tenths % 10) MiB"
}
