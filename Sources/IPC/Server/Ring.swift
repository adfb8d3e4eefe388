import Glibc

/// One line to be sent to every subscriber that wants it.
public struct PublishedLine: Equatable, Sendable {
    /// The event's number; nil for an ephemeral line.
    public var seq: Int?
    /// The method's name, which `topics` of a subscription match.
    public var topic: String
    /// The ticket it is about, if it is about one.
    public var ticket: String?
    /// The line, without its newline, with none in it.
    public var bytes: [UInt8]

    public init(seq: Int?, topic: String, ticket: String? = nil, bytes: [UInt8]) {
        self.seq = seq
        self.topic = topic
        self.ticket = ticket
        self.bytes = bytes
    }

    /// The line of a notification, encoded once.
    public init(_ notification: Notification, ticket: String? = nil) {
        self.init(seq: notification.seq, topic: notification.method, ticket: ticket, bytes: notification.bytes)
    }
}

/// The last lines published, end to end, in one buffer that all subscribers read at a cursor of their own. Offsets
/// count from the first byte ever appended and never wrap; the buffer holds those from `tail` to `head`.
struct Ring: ~Copyable {
    struct Line {
        var start: Int
        /// Behind the newline.
        var end: Int
        var seq: Int?
        /// The last event up to and including this line.
        var through: Int
        var topic: String
        var ticket: String?
        var isChatter: Bool
    }

    /// What is kept of a line: there are a hundred thousand of them, so what the one before it says is not said again.
    private struct Entry {
        var end = 0
        var through = 0
        var topic = ""
        var ticket: String?
        var isEvent = false
        var isChatter = false
    }

    let capacity: Int
    private let base: UnsafeMutableRawPointer
    private(set) var head = 0
    /// The number of the last event appended.
    private(set) var through: Int
    /// From here on no line is chatter, so whoever takes everything else may send without looking at lines.
    private(set) var chatterEnd = 0
    /// Lines by number, at `number & (slots.count - 1)`.
    private var slots = Array(repeating: Entry(), count: 256)
    private(set) var firstLine = 0
    /// Where that begins.
    private var firstStart = 0
    private(set) var endLine = 0

    /// The memory is only touched as it is used for the first time.
    init(capacity: Int, through: Int) {
        self.capacity = capacity
        self.through = through
        base = .allocate(byteCount: capacity, alignment: 64)
    }

    deinit { base.deallocate() }

    /// The first offset whose byte is still there.
    var tail: Int { max(0, head - capacity) }

    /// Appends a line with its newline, overwriting the oldest. It must fit into the ring.
    mutating func append(_ published: PublishedLine, isChatter: Bool) {
        published.bytes.withUnsafeBytes { copy($0) }
        copy(UnsafeRawBufferPointer(start: newline, count: 1))
        through = published.seq ?? through
        if isChatter { chatterEnd = head }
        while firstLine < endLine, entry(firstLine).end <= tail { forgetFirst() }
        if endLine - firstLine == slots.count { grow() }
        slots[endLine & (slots.count - 1)] = Entry(
            end: head,
            through: through,
            topic: published.topic,
            ticket: published.ticket,
            isEvent: published.seq != nil,
            isChatter: isChatter
        )
        endLine += 1
    }

    /// Forgets all lines, as if one that ended with event `seq` had overwritten them.
    mutating func clear(through seq: Int?) {
        while firstLine < endLine { forgetFirst() }
        through = seq ?? through
    }

    private mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        let offset = head % capacity
        let untilWrap = min(bytes.count, capacity - offset)
        guard let source = bytes.baseAddress else { return }
        memcpy(base + offset, source, untilWrap)
        memcpy(base, source + untilWrap, bytes.count - untilWrap)
        head += bytes.count
    }

    private mutating func forgetFirst() {
        firstStart = entry(firstLine).end
        slots[firstLine & (slots.count - 1)] = Entry()
        firstLine += 1
    }

    private mutating func grow() {
        var larger = Array(repeating: Entry(), count: slots.count * 2)
        for number in firstLine..<endLine { larger[number & (larger.count - 1)] = entry(number) }
        slots = larger
    }

    /// As many of the bytes from `start` to `end` as lie side by side.
    func bytes(from start: Int, to end: Int) -> UnsafeRawBufferPointer {
        let offset = start % capacity
        return UnsafeRawBufferPointer(start: base + offset, count: min(end - start, capacity - offset))
    }
}

// MARK: Finding lines

extension Ring {
    /// A line by its number, from `firstLine` to before `endLine`.
    func line(_ number: Int) -> Line {
        let entry = entry(number)
        return Line(
            start: number == firstLine ? firstStart : self.entry(number - 1).end,
            end: entry.end,
            seq: entry.isEvent ? entry.through : nil,
            through: entry.through,
            topic: entry.topic,
            ticket: entry.ticket,
            isChatter: entry.isChatter
        )
    }

    private func entry(_ number: Int) -> Entry { slots[number & (slots.count - 1)] }

    /// The first line for which `isBeyond` holds, given that it holds for all behind it; `endLine` when for none.
    private func firstLine(where isBeyond: (Entry) -> Bool) -> Int {
        var low = firstLine
        var high = endLine
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(entry(middle)) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The line that the byte at `offset` belongs to, `offset` being between `tail` and `head`.
    func lineNumber(at offset: Int) -> Int { firstLine { $0.end > offset } }

    /// The last event that lies wholly before `offset`.
    func through(before offset: Int) -> Int {
        let number = lineNumber(at: offset)
        guard number < endLine else { return through }
        let line = line(number)
        return line.through - (line.seq == nil ? 0 : 1)
    }

    /// Where a subscriber goes on that has had everything up to event `seq`: behind that event, so that it also gets
    /// the ephemeral lines since. Nil when the next event is no longer here.
    func offset(after seq: Int) -> Int? {
        var number = firstLine { $0.through > seq }
        if number < endLine {
            let next = line(number)
            guard next.start >= tail, next.seq == seq + 1 else { return nil }
        } else if seq != through {
            return nil
        }
        while number > firstLine, line(number - 1).seq == nil, line(number - 1).start >= tail { number -= 1 }
        return number < endLine ? line(number).start : head
    }
}

/// A newline with a lasting address; never written to.
nonisolated(unsafe) private let newline: UnsafeMutableRawPointer = {
    let byte = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
    byte.storeBytes(of: 0x0A, as: UInt8.self)
    return byte
}()
