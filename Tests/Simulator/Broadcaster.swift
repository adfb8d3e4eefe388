import Core

/// Everybody who listens to a daemon: what is published is sent on from a ring; whoever is further behind than the ring
/// reaches reads the store in batches until it is near enough.
package struct Broadcaster {
    /// What one subscriber has been sent, in all its connections.
    struct Subscriber {
        var seen: [Fact] = []
        /// So many of them are what happened: neither they nor what is stored changes afterwards.
        var checked = 0
        /// It is sent what is stored, not what is published.
        var isReplaying = true

        /// True when it was further behind than the ring reaches.
        fileprivate mutating func receive(_ count: Int, stored: [Fact], published: [Fact], bugs: Set<Bug>) -> Bool {
            let first = seen.count
            let behind = published.count - first
            let isSlow = !isReplaying && behind > ringCapacity
            guard isReplaying || isSlow else {
                if behind > 0 { seen += published[first..<min(published.count, first + count)] }
                return false
            }
            let last = min(stored.count, first + min(count, batch))
            if first < last { seen += stored[first..<last] }
            isReplaying = published.count - seen.count > ringCapacity
            if isReplaying, bugs.contains(.replayGap), last + 1 < stored.count { seen.append(stored[last + 1]) }
            if !isReplaying, bugs.contains(.handOverRepeats), let again = seen.last { seen.append(again) }
            return isSlow
        }
    }

    /// Mistakes of a broadcaster that the simulator must be able to find.
    package enum Bug: String, CaseIterable, Sendable {
        /// After a batch of a replay, one line is passed over.
        case replayGap
        /// Who has caught up is sent its last line again.
        case handOverRepeats
    }

    static let ringCapacity = 16
    static let batch = 8
    var bugs: Set<Bug> = []
    var subscribers = [Subscriber(), Subscriber()]
    /// What has been told, stored or not: the ring reaches back from its end. A new daemon begins with what is stored.
    private(set) var published: [Fact] = []

    /// The first subscriber is a quick one: it has read a line as soon as it is published, but for its first after
    /// connecting.
    mutating func publish(_ facts: [Fact]) {
        published += facts
        guard !subscribers[0].isReplaying else { return }
        _ = subscribers[0].receive(published.count, stored: published, published: published, bugs: bugs)
    }

    mutating func restart(stored: [Fact]) {
        published = stored
        for index in subscribers.indices { subscribers[index].isReplaying = true }
    }

    /// Sends a subscriber up to `count` lines. True when it was further behind than the ring reaches.
    mutating func send(_ index: Int, _ count: Int, stored: [Fact]) -> Bool {
        subscribers[index].receive(count, stored: stored, published: published, bugs: bugs)
    }

    /// I7: what each has seen is a prefix of what happened, without gap or duplicate.
    mutating func check(stored: [Fact]) throws(Violation) {
        for (index, subscriber) in subscribers.enumerated() {
            try require(subscriber.seen.count <= stored.count, "I7: a subscriber was told what never happened")
            let new = subscriber.checked..<subscriber.seen.count
            try require(
                subscriber.seen[new] == stored[new],
                "I7: subscriber \(index) was not told what happened, in order, between \(new)"
            )
            subscribers[index].checked = subscriber.seen.count
        }
    }
}
