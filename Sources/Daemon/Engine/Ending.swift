import Foundation

/// How the daemon was asked to end, and whether it has come to rest. A later word counts if it is a quicker one: who
/// waits may still say halt, and who halts may still detach.
///
/// `@unchecked`: `word` and `isAtRest` are touched only while `condition` is held.
final class Ending: @unchecked Sendable {
    private let condition = NSCondition()
    private var word: OnStop?
    private var isAtRest = false

    func ask(_ onStop: OnStop) {
        condition.lock()
        defer { condition.unlock() }
        if word.map({ $0.speed < onStop.speed }) ?? true { word = onStop }
        condition.broadcast()
    }

    /// Nothing is under way any more.
    func rest() {
        condition.lock()
        isAtRest = true
        condition.broadcast()
        condition.unlock()
    }

    /// Blocks until there is a word other than `earlier`.
    func next(after earlier: OnStop?) -> OnStop {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let word, word != earlier { return word }
            condition.wait()
        }
    }

    /// Blocks until the daemon is at rest (nil), or there is a quicker word than `earlier`.
    func restOrNext(after earlier: OnStop) -> OnStop? {
        condition.lock()
        defer { condition.unlock() }
        while true {
            if isAtRest { return nil }
            if let word, word != earlier { return word }
            condition.wait()
        }
    }
}

extension OnStop {
    fileprivate var speed: Int {
        switch self {
        case .wait: 0
        case .halt: 1
        case .detach: 2
        }
    }
}
