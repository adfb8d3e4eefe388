import Foundation

/// Where everything that happens waits for the engine's loop: many senders, one receiver, in order of arrival.
///
/// `@unchecked`: `items` and `closed` are touched only while `condition` is held.
final class Mailbox<Item: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var items: [Item] = []
    private var closed = false

    /// False when the mailbox has been closed, and the item dropped.
    @discardableResult
    func send(_ item: Item) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard !closed else { return false }
        items.append(item)
        condition.signal()
        return true
    }

    /// Waits for something to arrive, or for `deadline`, and takes at most `limit` items. Nil once it is closed and
    /// empty.
    func take(limit: Int, until deadline: Date?) -> [Item]? {
        condition.lock()
        defer { condition.unlock() }
        while items.isEmpty, !closed {
            guard let deadline else {
                condition.wait()
                continue
            }
            if !condition.wait(until: deadline) { break }
        }
        if items.isEmpty { return closed ? nil : [] }
        let taken = Array(items.prefix(limit))
        items.removeFirst(taken.count)
        return taken
    }

    var isClosed: Bool {
        condition.lock()
        defer { condition.unlock() }
        return closed
    }

    func close() {
        condition.lock()
        closed = true
        condition.broadcast()
        condition.unlock()
    }
}
