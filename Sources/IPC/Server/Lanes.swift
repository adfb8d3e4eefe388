/// What kind of work a request makes. Requests of one lane take turns, connection by connection; lanes do not wait for
/// each other.
public enum Lane: Int, CaseIterable, Sendable {
    /// Decided in memory.
    case quick
    /// Encodes much of what there is.
    case listing
    /// Waits for git or the disk.
    case slow
    /// Waits for people, or for other tickets.
    case waiting
}

/// Who asked, and in which lane: where the answer goes.
public struct Asker: Hashable, Sendable {
    public let connection: ConnectionID
    let lane: Lane
}

/// A queue whose first element is taken in constant time.
struct Deque<Element> {
    private var elements: [Element?] = []
    private var first = 0

    var isEmpty: Bool { first == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        let element = elements[first]
        elements[first] = nil
        first += 1
        if first == elements.count {
            elements.removeAll(keepingCapacity: first < 1024)
            first = 0
        } else if first > 64, first * 2 > elements.count {
            elements.removeFirst(first)
            first = 0
        }
        return element
    }
}
