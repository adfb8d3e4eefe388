import IPC

/// How a command ended, for scripts. With several tickets the worst counts, which is the greatest.
enum ExitStatus: Int32, Comparable {
    case done = 0
    case failed = 1
    case usage = 2
    case daemonNotRunning = 3
    case notFound = 4
    case refused = 5

    init(_ code: ErrorCode) { self = ExitStatus(rawValue: code.exitStatus) ?? .failed }

    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
