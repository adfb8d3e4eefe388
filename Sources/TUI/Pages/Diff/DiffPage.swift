import IPC

/// What the ticket changes: a summary of its files, then each with its hunks. Read anew when the ticket's commit changes.
struct DiffPage: Page {
    let ticket: String
    private var row: TicketRow
    private var content = Content.unread
    /// What `content` was read for.
    private var version: Version?
    private var asked: Version?
    private var top = Place.beginning
    /// The line that was searched for and found last.
    private var found: Int?
    /// The file of the summary that the cursor is on.
    private(set) var chosen = 0

    private enum Content {
        case unread
        case failed(Answer.Failure)
        /// Nothing is changed. `base` is nil where there is nothing to compare yet.
        case empty(base: String?, head: String?)
        case text(DiffText)
    }

    /// The daemon compares otherwise in other states, and another commit is another diff.
    private struct Version: Equatable {
        var state: String
        var commit: String?
    }

    init(_ row: TicketRow) {
        ticket = row.id
        self.row = row
    }

    var text: DiffText? { if case .text(let text) = content { text } else { nil } }

    // MARK: Reading

    mutating func follow(_ row: TicketRow) { self.row = row }

    private var wanted: Version { Version(state: row.state, commit: row.commit) }

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        guard version != wanted else { return nil }
        asked = wanted
        return .diff(ticket: ticket)
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        version = asked
        switch answer {
        case .failure(let failure): content = .failed(failure)
        case .result(let value):
            guard let diff = value["diff"]?.stringValue else {
                content = .failed(.notUnderstood)
                return
            }
            let before = text
            if diff.isEmpty {
                content = .empty(base: value["base"]?.stringValue, head: value["head"]?.stringValue)
            } else {
                content = .text(DiffText(Array(diff.utf8)))
            }
            keepPlace(from: before, in: room)
        }
    }

    mutating func startOver() {
        // What failed may work now.
        if case .failed = content { version = nil }
    }

    /// In the file one was in, as far from its heading; where it is gone, at the beginning.
    private mutating func keepPlace(from before: DiffText?, in room: Size) {
        guard let before, let text else {
            (top, chosen) = (.beginning, 0)
            return
        }
        let name = before.files.isEmpty ? nil : before.files[min(chosen, before.files.count - 1)].name
        chosen = text.files.firstIndex { $0.name == name } ?? 0
        guard let file = before.file(at: top.line) else {
            top = min(top, text.bottom(rows: room.rows, columns: room.columns))
            return
        }
        guard let now = text.files.firstIndex(where: { $0.name == before.files[file].name }) else {
            top = .beginning
            return
        }
        let end = now + 1 < text.files.count ? text.files[now + 1].line - 2 : text.lineCount - 1
        let line = text.files[now].line + top.line - before.files[file].line
        top = line <= end ? Place(line: line, row: 0) : Place(line: end, row: 0)
    }

    // MARK: Moving

    mutating func move(_ motion: Motion, in room: Size) {
        guard let text else { return }
        switch motion {
        case .rows(1): stepDown(text, room)
        case .rows(-1): stepUp(text, room)
        case .rows(let distance):
            // A file's heading stays above what is scrolled.
            let isPage = abs(distance) >= room.rows && room.rows > 2
            scroll(by: isPage ? distance - distance.signum() : distance, text, room)
        case .beginning: (top, chosen) = (.beginning, 0)
        case .end: top = max(top, text.bottom(rows: room.rows, columns: room.columns))
        }
    }

    /// No further than to the end, unless a hunk near it stands at the top already.
    private mutating func scroll(by distance: Int, _ text: DiffText, _ room: Size) {
        let goal = text.moved(top, by: distance, columns: room.columns)
        let end = text.bottom(rows: room.rows, columns: room.columns)
        top = distance > 0 ? min(goal, max(end, top)) : goal
    }

    /// Through the summary's files while they are in sight, and on from there.
    private mutating func stepDown(_ text: DiffText, _ room: Size) {
        guard isChosenVisible(text, room), chosen + 1 < text.files.count else { return scroll(by: 1, text, room) }
        chosen += 1
        showChosen(room)
    }

    /// The way back.
    private mutating func stepUp(_ text: DiffText, _ room: Size) {
        let line = DiffPage.statLine(chosen)
        if top.line > max(0, line - room.rows + 1) || chosen == 0 || text.files.isEmpty {
            scroll(by: -1, text, room)
        } else {
            chosen -= 1
            showChosen(room)
        }
    }

    /// The line of a file in the summary: one row each, below the total.
    private static func statLine(_ file: Int) -> Int { file + 1 }

    private func isChosenVisible(_ text: DiffText, _ room: Size) -> Bool {
        !text.files.isEmpty && (top.line..<top.line + room.rows).contains(DiffPage.statLine(chosen))
    }

    private mutating func showChosen(_ room: Size) {
        let line = DiffPage.statLine(chosen)
        if line < top.line { top = Place(line: line, row: 0) }
        if line >= top.line + room.rows { top = Place(line: line - room.rows + 1, row: 0) }
        if chosen == 0 { top = .beginning }
    }

    // MARK: Going to files and hunks

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        guard let text, !text.files.isEmpty else { return .refused("there is no change to go to") }
        switch action {
        case .open:
            if isChosenVisible(text, room) {
                show(file: chosen, text)
            } else if let file = text.file(at: focus(text, room)), file + 1 < text.files.count {
                show(file: file + 1, text)
            } else {
                return .refused("this is the last file")
            }
        case .next:
            guard let stop = stop(after: focus(text, room), text) else { return .refused("this is the last hunk") }
            show(line: stop, text, room)
        case .previous:
            guard let stop = stop(before: focus(text, room), text) else {
                guard top > .beginning else { return .refused("this is the beginning") }
                top = .beginning
                return .done
            }
            show(line: stop, text, room)
        }
        return .done
    }

    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool? {
        guard let text else { return false }
        let here = focus(text, room)
        let isAtFound = found.map { $0 == here || $0 == top.line } ?? false
        let lines: any Sequence<Int>
        if forwards {
            lines = (isAtFound ? found! + 1 : top.line)..<max(text.lineCount, isAtFound ? found! + 1 : top.line)
        } else {
            lines = (0..<min(isAtFound ? found! : here, text.lineCount)).reversed()
        }
        for line in lines where text.has(needle, in: line) {
            found = line
            show(line: line, text, room)
            return true
        }
        return false
    }

    private mutating func show(file: Int, _ text: DiffText) { top = Place(line: text.files[file].line, row: 0) }

    /// At the top, with its file's heading above it.
    private mutating func show(line: Int, _ text: DiffText, _ room: Size) {
        let place = Place(line: line, row: 0)
        top = text.kinds[line] == .heading ? place : text.moved(place, by: -1, columns: room.columns)
    }

    /// The line one is at: the first below a file's heading.
    private func focus(_ text: DiffText, _ room: Size) -> Int {
        min(text.moved(top, by: 1, columns: room.columns).line, max(0, text.lineCount - 1))
    }

    /// `n` stops at each file's heading, which stands for its first hunk, and at each further hunk.
    private func stop(after line: Int, _ text: DiffText) -> Int? {
        guard let file = text.file(at: line) else { return text.files.first?.line }
        let hunks = text.hunks(of: file)
        // One that is cut off above is gone on from, and not to.
        if let next = hunks.dropFirst().first(where: { text.hunks[$0] > line }) { return text.hunks[next] }
        return file + 1 < text.files.count ? text.files[file + 1].line : nil
    }

    private func stop(before line: Int, _ text: DiffText) -> Int? {
        guard let file = text.file(at: line) else { return nil }
        let hunks = text.hunks(of: file)
        if let last = hunks.dropFirst().last(where: { text.hunks[$0] < line }) { return text.hunks[last] }
        let first = text.hunks[safe: hunks.lowerBound] ?? text.files[file].line
        // Within the first hunk, to its file's heading; there, to the file before.
        if line > (hunks.isEmpty ? text.files[file].line + 1 : first) { return text.files[file].line }
        guard file > 0 else { return nil }
        let before = text.hunks(of: file - 1)
        return before.count > 1 ? text.hunks[before.upperBound - 1] : text.files[file - 1].line
    }

    // MARK: What is said

    func hint(for action: PageAction) -> String? {
        guard let text, !text.files.isEmpty else { return nil }
        switch action {
        case .open: return top.line <= DiffPage.statLine(chosen) ? "to the file" : "next file"
        case .next: return text.hunks.isEmpty ? nil : "next hunk"
        case .previous: return nil
        }
    }

    var status: String {
        guard let text, !text.files.isEmpty else { return "" }
        guard let file = text.file(at: top.line + 1 < text.lineCount ? top.line + 1 : top.line) else {
            return text.filesOfAll == nil ? counted(text.files.count, "file") : "cut"
        }
        var words = "file \(file + 1)/\(text.files.count)"
        let hunks = text.hunks(of: file)
        if !hunks.isEmpty {
            let here = min(max(text.hunk(at: top.line + 1) ?? 0, hunks.lowerBound), hunks.upperBound - 1)
            words += " · hunk \(here + 1)/\(text.hunks.count)"
        }
        return words
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        switch content {
        case .unread: canvas.say("reading", x: area.x, y: area.y, columns: area.columns, style: .dim)
        case .failed(let failure):
            canvas.explain("the diff cannot be read: \(failure.message)", failure.hint, in: area, style: .failed)
        case .empty(let base, let head): canvas.explain(emptiness(base, head), nil, in: area, style: .dim)
        case .text(let text): canvas.draw(text, from: top, chosen: chosen, in: area)
        }
    }

    /// Why there is nothing to see, and what that means.
    private func emptiness(_ base: String?, _ head: String?) -> String {
        let isSettled = ["merged", "cancelled", "pr_open", "done"].contains(row.state)
        if base == nil {
            return isSettled
                ? "\(ticket) was \(stateWord(row.state)) before anything was changed"
                : "nothing is changed yet: \(ticket) gets a branch when an agent begins on it"
        }
        if base != head { return "its commits change nothing: the files are what they were before" }
        if isSettled { return "\(ticket) has changed nothing: there is no commit on its branch" }
        return row.state == "running"
            ? "no commits yet: what its agent leaves uncommitted is committed when it ends, and shown here then"
            : "no commits on its branch yet: what is not committed is not shown here"
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
