import IPC

/// What a run's agent has said and done, as far as it has been read: a window of its stream `events`.
///
/// It opens at the end and follows it. Going up reads earlier pieces, however much there is.
struct EventTranscript: RowLines, Sendable {
    static let stream = "events"
    private static let pageSize = 64 * 1024
    /// More than this is not kept: the far end is dropped, and read again when one comes to it.
    private static let windowLimit = 64 * pageSize

    let run: String
    private(set) var items: [TranscriptItem] = []
    /// Ends of tools that began before what has been read.
    private var endings: [String: TranscriptItem.Ending] = [:]
    private var window = EventWindow(at: 0)
    /// Bytes the stream has, as far as is known; nil before that has been asked.
    private(set) var size: Int?
    private var isSizeStale = false
    private var pageLimit = Self.pageSize
    private(set) var hasEnded = false
    private var awaited: Int?
    /// Why the last read failed.
    private(set) var failure: String?

    /// The row at the top of the screen, and the one under the cursor; nil: at the end, which is followed.
    private(set) var top = Place.beginning
    private(set) var cursor: Place?
    private var columns = 0
    /// Something has been unfolded: it is to be seen.
    private var isOpening = false

    init(run: String) { self.run = run }

    var isFollowing: Bool { cursor == nil }
    var isReading: Bool { awaited != nil || size == nil }

    // MARK: Reading

    /// The next piece to read, if one is wanted and none is under way. The first only asks how much there is.
    mutating func nextRead(rows: Int) -> DaemonRequest? {
        guard awaited == nil, failure == nil else { return nil }
        var offset = window.end
        var length = pageLimit
        if let size {
            if window.isEmpty, size > 0, isFollowing {
                restart(at: max(0, size - pageLimit))
                offset = window.end
            } else if window.start > 0, wantsEarlier(rows: rows) {
                offset = max(0, window.start - pageLimit)
                length = window.start - offset
            } else if isSizeStale {
                isSizeStale = false
            } else if window.end < size, isFollowing || isNearEnd(rows: rows) {
                // Far behind while following: what lies between will not be looked at now.
                if isFollowing, size - window.end > Self.windowLimit { restart(at: size - pageLimit) }
                offset = window.end
            } else {
                return nil
            }
        } else {
            (offset, length) = (0, 1)
        }
        awaited = offset
        return .readOutput(run: run, stream: Self.stream, offset: offset, length: length)
    }

    private func wantsEarlier(rows: Int) -> Bool {
        // What is folded takes few rows: a screen may need more of it than a piece.
        if isFollowing, window.count > Self.windowLimit / 2 { return false }
        return distance(to: top, columns: columns, atMost: rows) < (isFollowing ? 1 : rows)
    }

    private func isNearEnd(rows: Int) -> Bool {
        moved(cursor ?? .beginning, by: 2 * rows, columns: columns).line >= items.count
    }

    mutating func take(_ answer: Answer, clock: @escaping (String) -> String) {
        let offset = awaited
        awaited = nil
        switch answer.result.flatMap({ OutputPage($0).map(Result.success) ?? .failure(.notUnderstood) }) {
        case .success(let page):
            guard page.offset == offset else { return }
            take(page, clock)
        case .failure(let failure): self.failure = failure.message
        }
    }

    private mutating func take(_ page: OutputPage, _ clock: @escaping (String) -> String) {
        let isFirst = size == nil
        size = max(size ?? 0, page.size)
        if page.isEnd { hasEnded = true }
        guard !isFirst else { return }
        var reader = TranscriptReader(clock: clock)
        if page.bytes.isEmpty {
            // Less than was announced: what is here is all there is.
            if page.offset == window.end { size = window.end }
        } else if page.offset == window.end {
            window.append(page.bytes) { reader.take($0) }
            append(reader)
        } else if page.offset + page.bytes.count == window.start {
            window.prepend(page.bytes) { reader.take($0) }
            prepend(reader)
        } else {
            // The daemon gives less at a time than was asked for.
            pageLimit = min(pageLimit, max(page.bytes.count, 1024))
        }
    }

    private mutating func append(_ reader: TranscriptReader) {
        if !reader.endings.isEmpty {
            var open: [String: Int] = [:]
            for (index, item) in items.enumerated() { if let call = item.openCall { open[call] = index } }
            for (call, ending) in reader.endings {
                if let index = open[call] { items[index].end(ending) } else { endings[call] = ending }
            }
        }
        items += reader.items
        guard window.count > Self.windowLimit, let first = items.firstIndex(where: { isKept($0) }), first > 0 else {
            return
        }
        window.cut(before: items[first].offset)
        items.removeFirst(first)
        top.line = max(0, top.line - first)
        if let cursor { self.cursor = Place(line: max(0, cursor.line - first), row: cursor.row) }
    }

    private func isKept(_ item: TranscriptItem) -> Bool { item.offset >= window.end - Self.windowLimit / 2 }

    /// What is on the screen stays where it is.
    private mutating func prepend(_ reader: TranscriptReader) {
        var earlier = reader.items
        for index in earlier.indices {
            if let call = earlier[index].openCall, let ending = endings.removeValue(forKey: call) {
                earlier[index].end(ending)
            }
        }
        endings.merge(reader.endings) { known, _ in known }
        items = earlier + items
        top.line += earlier.count
        if let cursor { self.cursor = Place(line: cursor.line + earlier.count, row: cursor.row) }
        guard window.count > Self.windowLimit, !isFollowing else { return }
        let limit = window.start + Self.windowLimit
        guard let first = items.indices.first(where: { $0 > top.line + 500 && items[$0].offset >= limit }) else {
            return
        }
        window.cut(at: items[first].offset)
        items.removeLast(items.count - first)
    }

    private mutating func restart(at offset: Int) {
        window = EventWindow(at: offset)
        (items, endings, top, awaited) = ([], [:], .beginning, nil)
    }

    /// The connection is new: what was asked is lost, and what failed may work now.
    mutating func startOver() { (awaited, failure) = (nil, nil) }
    mutating func lookAgain() { isSizeStale = true }
    mutating func grow(to size: Int) { self.size = max(self.size ?? 0, size) }

    // MARK: Rows

    var lineCount: Int { items.count }
    func height(of line: Int, columns: Int) -> Int { max(1, items[line].rows.count) }

    /// Lays out what is new, and brings the cursor into sight.
    mutating func settle(columns: Int, rows: Int) {
        for index in items.indices where items[index].rows.isEmpty || columns != self.columns {
            items[index].layOut(columns: columns)
        }
        self.columns = columns
        let bottom = bottom(rows: rows, columns: columns)
        guard var cursor else {
            top = bottom
            return
        }
        if cursor.line >= items.count { cursor = lastPlace }
        cursor.row = min(cursor.row, items.isEmpty ? 0 : items[cursor.line].rows.count - 1)
        self.cursor = cursor
        if isOpening, !items.isEmpty {
            let last = Place(line: cursor.line, row: items[cursor.line].rows.count - 1)
            top = max(top, min(moved(last, by: 1 - rows, columns: columns), cursor))
        }
        isOpening = false
        top = max(min(top, cursor, bottom), min(moved(cursor, by: 1 - rows, columns: columns), bottom))
    }

    private var lastPlace: Place {
        items.isEmpty ? .beginning : Place(line: items.count - 1, row: max(0, items[items.count - 1].rows.count - 1))
    }

    /// Where the cursor is, also at the end.
    var here: Place { cursor ?? lastPlace }

    private func isBlank(_ place: Place) -> Bool {
        guard items.indices.contains(place.line), place.row < items[place.line].rows.count,
            case .blank = items[place.line].rows[place.row]
        else { return false }
        return true
    }

    // MARK: Going about

    mutating func move(_ motion: Motion) {
        switch motion {
        case .beginning:
            cursor = .beginning
            // What lies between is not read: the window starts over at the beginning.
            if window.start > 0 { restart(at: 0) }
        case .end: cursor = nil
        case .rows(let distance): move(by: distance)
        }
    }

    private mutating func move(by distance: Int) {
        guard !items.isEmpty else { return }
        var place = moved(here, by: distance, columns: columns)
        if isBlank(place) { place = moved(place, by: distance < 0 && place > .beginning ? -1 : 1, columns: columns) }
        let isAtEnd = place >= lastPlace && window.end >= size ?? 0
        cursor = isAtEnd && distance > 0 ? nil : min(place, lastPlace)
    }

    private var item: TranscriptItem? { items.indices.contains(here.line) ? items[here.line] : nil }

    /// Whether there is something to fold or unfold under the cursor, and which it is.
    var foldWord: String? {
        guard let item, item.isFoldable else { return nil }
        return item.isUnfolded ? "fold" : "unfold"
    }

    mutating func toggleFold() {
        let line = here.line
        items[line].isUnfolded.toggle()
        items[line].rows = []
        isOpening = items[line].isUnfolded
        let hasBlank = if case .said = items[line].content { true } else { false }
        cursor = Place(line: line, row: hasBlank ? 1 : 0)
    }

    /// On to the next item that has it; one that is folded is unfolded where it has it inside.
    mutating func find(_ needle: Needle, forwards: Bool) -> Bool {
        let others =
            forwards
            ? Array(items.indices.filter { $0 > here.line }) : items.indices.filter { $0 < here.line }.reversed()
        guard let line = others.first(where: { items[$0].has(needle) }) else { return false }
        var row = items[line].row(of: needle)
        if row == nil, items[line].isFoldable, !items[line].isUnfolded {
            items[line].isUnfolded = true
            items[line].layOut(columns: columns)
            row = items[line].row(of: needle)
        }
        cursor = Place(line: line, row: row ?? 0)
        return true
    }

    /// On to what failed or was denied. False where there is nothing of the kind that way, as far as it has been read.
    mutating func goToTrouble(forwards: Bool) -> Bool {
        let found =
            forwards
            ? items.indices.first { $0 > here.line && items[$0].isTrouble }
            : items.indices.last { $0 < here.line && items[$0].isTrouble }
        guard let found else { return false }
        cursor = Place(line: found, row: 0)
        return true
    }
}
