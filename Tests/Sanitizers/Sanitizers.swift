import Glibc

/// Whether these tests, and the programs they start, are sanitized: scripts/sanitize.sh says so.
public enum Sanitizers {
    public static let isOn = getenv("ORCH_SANITIZER") != nil

    /// Whether it is the thread sanitizer.
    public static let areThreadsWatched = getenv("ORCH_SANITIZER").map { String(cString: $0) } == "thread"

    /// What a bound on time is multiplied by.
    public static let slowness = isOn ? 20 : 1

    /// For the environment of a program that a test crashes. The signal is no report then; and Swift's crash reporter is
    /// off, which the thread sanitizer cannot bear: it stops a program that clones itself in a signal's handler.
    public static let crashesAreMeant =
        isOn ? "ASAN_OPTIONS=handle_segv=0 TSAN_OPTIONS=handle_segv=0 SWIFT_BACKTRACE=enable=no" : ""
}
