import CMeasuring
import Glibc
import Measuring

/// Everything that goes on at the same time, in one thread: terminals are read, and events happen when they are due.
struct Stage {
    var terminals: [Terminal] = []
    private let daemon: StandIn
    private let interval: Int64
    /// When the next event is due; nil while nothing happens.
    private var nextEvent: Int64?
    private(set) var events = 0

    init(_ daemon: StandIn, eventsPerSecond: Int) {
        self.daemon = daemon
        interval = 1_000_000_000 / Int64(max(1, eventsPerSecond))
    }

    var isBusy: Bool {
        get { nextEvent != nil }
        set { nextEvent = newValue ? monotonic() : nil }
    }

    /// Goes on for so long, in nanoseconds, or until something is so; whether it was.
    @discardableResult
    mutating func go(for time: Int64, until isDone: () -> Bool = { false }) throws -> Bool {
        let deadline = monotonic() + time
        while !isDone() {
            let now = monotonic()
            guard now < deadline else { return false }
            while let due = nextEvent, due <= now {
                daemon.happen()
                events += 1
                nextEvent = due + interval
            }
            var descriptors = terminals.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            let left = min(deadline, nextEvent ?? deadline) - now
            cm_poll(&descriptors, descriptors.count, max(0, left))
            for (terminal, polled) in zip(terminals, descriptors) where polled.revents != 0 { try terminal.take() }
        }
        return true
    }

    /// Types a key, and waits until `title` is drawn; how long that took, in nanoseconds.
    mutating func press(_ key: Character, _ terminal: Terminal, until title: String) throws -> Int64 {
        let mark = Array(title.utf8)
        // Not in step with anybody's pictures.
        try go(for: .random(in: 6_000_000...26_000_000))
        let began = monotonic()
        terminal.type(key)
        guard try go(for: 5_000_000_000, until: { terminal.shows(mark) }) else {
            let drawn = String(decoding: terminal.recent.suffix(2000), as: UTF8.self).debugDescription
            throw Trouble("\(terminal.name) did not draw \(title) within 5 seconds of a key, but \(drawn)")
        }
        return terminal.lastRead - began
    }
}
