import IPC

/// What the ticket has been through, newest last, with a cursor on an event; one that is opened shows its fields.
struct TimelinePage: Page {
    let ticket: String
    private(set) var timeline: Timeline
    /// The event that brought the ticket where it is.
    private var evidence: Int?
    private var unfolded: Set<Int> = []
    /// nil: on the newest, whatever comes.
    private var cursor: Place?
    /// The event the cursor goes to once that has been read.
    private var sought: Int?
    private var rows: [Row] = []
    /// The row at the top of the screen.
    private var top = 0
    private var shape: Shape?

    /// A row of an event: the first one, or one of what is unfolded below it.
    private struct Place: Hashable {
        var seq: Int
        var line: Int
    }

    private enum Row: Sendable {
        case day(String)
        /// By its index.
        case event(Int)
        case detail(Int, line: Int, name: String, text: ArraySlice<Cluster>)
    }

    /// What the rows depend on.
    private struct Shape: Hashable {
        var revision: Int
        var columns: Int
        var unfolded: Set<Int>
        var evidence: Int?
    }

    init(_ row: TicketRow) {
        ticket = row.id
        timeline = Timeline(ticket: row.id)
        follow(row)
    }

    mutating func follow(_ row: TicketRow) { evidence = Self.number(of: row.evidence) }

    /// Of `1042 ticket.started`.
    private static func number(of evidence: String?) -> Int? {
        evidence?.split(separator: " ").first.flatMap { Int($0) }
    }

    mutating func hear(_ event: Notification) { timeline.hear(event) }
    mutating func startOver() { timeline.startOver() }

    /// Puts the cursor on the event that brought the ticket where it is.
    mutating func seekEvidence() { sought = evidence }

    // MARK: Reading

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        let isSought = sought.map { $0 < timeline.entries.first?.seq ?? .max } ?? false
        return timeline.nextRequest(wantsEarlier: isSought || top < room.rows)
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        guard case .listEvents(_, let before, _) = request else { return }
        timeline.take(answer, before: before)
    }

    // MARK: Rows

    mutating func settle(in model: Model) {
        let room = model.room
        find(in: timeline.entries)
        let shape = Shape(
            revision: timeline.revision,
            columns: room.columns,
            unfolded: unfolded,
            evidence: evidence
        )
        if shape != self.shape {
            timeline.word(clock: model.localTime.clock)
            let above = rows.isEmpty ? nil : place(of: min(top, rows.count - 1))
            rows = laidOut(columns: room.columns, model.localTime)
            self.shape = shape
            if let above, let row = row(of: above) { top = row }
        }
        let here = cursorRow
        // What is unfolded is seen, as far as there is room.
        if let cursor, cursor.line == 0 { top = max(top, min(lastRow(of: here) - room.rows + 1, here)) }
        top = max(0, min(max(min(top, here), here - room.rows + 1), rows.count - room.rows))
        // The day of the first event comes into sight with it.
        if top == 1, here < room.rows, rows.count > 1 { top = 0 }
    }

    private mutating func find(in entries: [Timeline.Entry]) {
        guard let sought, let first = entries.first else { return }
        if let found = entries.last(where: { $0.seq <= sought }) {
            cursor = Place(seq: found.seq, line: 0)
        } else if timeline.hasEarlier {
            return
        } else {
            cursor = Place(seq: first.seq, line: 0)
        }
        self.sought = nil
    }

    private func laidOut(columns: Int, _ localTime: LocalTime) -> [Row] {
        var rows: [Row] = []
        var day = ""
        for (index, entry) in timeline.entries.enumerated() {
            let today = entry.moment.map(localTime.day) ?? day
            if today != day {
                rows.append(.day(today))
                day = today
            }
            rows.append(.event(index))
            if unfolded.contains(entry.seq) { rows += details(of: index, columns: columns) }
        }
        return rows
    }

    /// The sentence in full, what it is the evidence of, and every field.
    private func details(of index: Int, columns: Int) -> [Row] {
        let entry = timeline.entries[index]
        var facts: [(String, String)] = []
        // What did not fit.
        let room = columns - Self.sentenceColumn(columns)
        if Text(entry.sentence).width > room { facts.append(("says", entry.sentence)) }
        if entry.seq == evidence { facts.append(("why", "this brought \(ticket) to the state it is in")) }
        facts.append(("event", "\(entry.seq) \(entry.event.method)"))
        facts += entry.event.fields.map { ($0.name, $0.value) }
        var rows: [Row] = []
        for (name, value) in facts {
            let pieces = safeLines(of: value).flatMap { $0.flowed(to: max(columns - Self.valueColumn(columns), 8)) }
            for (number, piece) in pieces.enumerated() {
                rows.append(.detail(index, line: rows.count + 1, name: number == 0 ? name : "", text: piece))
            }
        }
        return rows
    }

    private func place(of row: Int) -> Place? {
        guard rows.indices.contains(row) else { return nil }
        switch rows[row] {
        case .day: return place(of: row + 1)
        case .event(let index): return Place(seq: timeline.entries[index].seq, line: 0)
        case .detail(let index, let line, _, _): return Place(seq: timeline.entries[index].seq, line: line)
        }
    }

    /// Where a place is; one that is folded away, at its event.
    private func row(of place: Place) -> Int? {
        var event: Int?
        for (number, row) in rows.enumerated() {
            switch row {
            case .day: break
            case .event(let index) where timeline.entries[index].seq == place.seq:
                event = number
                if place.line == 0 { return number }
            case .detail(let index, place.line, _, _) where timeline.entries[index].seq == place.seq: return number
            case .event, .detail: break
            }
        }
        return event
    }

    /// The last row of what is unfolded below an event.
    private func lastRow(of event: Int) -> Int {
        var last = event
        while last + 1 < rows.count, case .detail = rows[last + 1] { last += 1 }
        return last
    }

    private var cursorRow: Int {
        cursor.flatMap(row) ?? rows.lastIndex { if case .event = $0 { true } else { false } } ?? 0
    }

    // MARK: Keys

    mutating func move(_ motion: Motion, in room: Size) {
        sought = nil
        switch motion {
        case .beginning: go(to: 0, by: 1)
        case .end: cursor = nil
        case .rows(let distance): go(to: cursorRow + distance, by: distance < 0 ? -1 : 1)
        }
    }

    /// On to the row, or the nearest one that is no heading.
    private mutating func go(to row: Int, by step: Int) {
        guard !rows.isEmpty else { return }
        var row = max(0, min(row, rows.count - 1))
        if case .day = rows[row] { row = row == 0 ? 1 : row + step }
        cursor = place(of: row)
        // On the newest it stays on the newest.
        if case .event = rows[row], row == rows.count - 1 { cursor = nil }
    }

    private var entry: Timeline.Entry? {
        guard let seq = place(of: cursorRow)?.seq else { return nil }
        return timeline.entries.last { $0.seq == seq }
    }

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        guard let entry else { return .done }
        switch action {
        case .open:
            if unfolded.remove(entry.seq) == nil { unfolded.insert(entry.seq) }
            cursor = Place(seq: entry.seq, line: 0)
        case .next: return step(to: timeline.entries.first { $0.seq > entry.seq && !$0.isDetail }, "later")
        case .previous: return step(to: timeline.entries.last { $0.seq < entry.seq && !$0.isDetail }, "earlier")
        }
        return .done
    }

    /// On to an event that matters.
    private mutating func step(to entry: Timeline.Entry?, _ word: String) -> PageOutcome {
        guard let entry else { return .refused("no \(word) event that matters") }
        cursor = Place(seq: entry.seq, line: 0)
        return .done
    }

    func hint(for action: PageAction) -> String? {
        guard let entry else { return nil }
        return switch action {
        case .open: unfolded.contains(entry.seq) ? "fold" : "unfold"
        case .next: "next event"
        case .previous: nil
        }
    }

    var status: String {
        guard !timeline.entries.isEmpty else { return "" }
        return counted(timeline.entries.count, "event") + (timeline.hasEarlier ? " so far" : "")
    }

    // MARK: Drawing

    /// Where the sentence begins. Where there is little room, it is worth more than the event's name.
    private static func sentenceColumn(_ columns: Int) -> Int { columns < 60 ? 12 : 39 }
    /// Where what a field holds begins.
    private static func valueColumn(_ columns: Int) -> Int { columns < 60 ? 14 : 24 }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        if let failure = timeline.failure {
            let sentence = "the timeline cannot be read: \(failure)"
            canvas.put(sentence, x: area.x, y: area.y, columns: area.columns, style: .failed)
            return
        }
        guard !rows.isEmpty else {
            let word = timeline.isReading ? "reading" : "nothing has happened to \(ticket) yet"
            canvas.put(word, x: area.x, y: area.y, columns: area.columns, style: .dim)
            return
        }
        let visible = rows.dropFirst(top).prefix(area.rows)
        let here = cursorRow
        for (y, row) in visible.enumerated() {
            draw(row, on: &canvas, in: area, y: area.y + y)
            guard top + y == here, canvas.model.detail.reading != .lists else { continue }
            canvas.screen.select(x: area.x, y: area.y + y, columns: area.columns)
        }
    }

    private func draw(_ row: Row, on canvas: inout Canvas, in area: Rectangle, y: Int) {
        let end = area.x + area.columns
        switch row {
        case .day(let day): canvas.put(day, x: area.x, y: y, columns: area.columns, style: .heading)
        case .event(let index):
            let entry = timeline.entries[index]
            let isEvidence = entry.seq == evidence
            let style: Style = isEvidence ? .title : entry.isDetail ? .dim : .plain
            if isEvidence { canvas.put(canvas.glyphs.mark, x: area.x, y: y, style: .key) }
            let clock = entry.moment.map(canvas.model.localTime.clock) ?? ""
            canvas.put(clock, x: area.x + 2, y: y, columns: 8, style: isEvidence ? .title : .dim)
            let x = area.x + Self.sentenceColumn(area.columns)
            canvas.put(entry.event.method, x: area.x + 12, y: y, columns: max(0, x - area.x - 14), style: .dim)
            canvas.put(canvas.glyphs.plain(entry.sentence), x: x, y: y, columns: end - x, style: style)
        case .detail(_, _, let name, let text):
            let value = Self.valueColumn(area.columns)
            canvas.put(name, x: area.x + 3, y: y, columns: value - 4, style: .dim)
            canvas.screen.put(text, x: area.x + value, y: y, style: .plain)
        }
    }
}

extension Timeline.Entry {
    var moment: Moment? { event.params["time"]?.stringValue.flatMap { Moment($0) } }
}
