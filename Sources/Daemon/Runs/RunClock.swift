import Core
import Glibc

/// The two clocks the supervision of runs reads.
enum RunClock {
    /// The wall clock's moment, for people and records.
    static func now() -> Instant { Instant(milliseconds: milliseconds(CLOCK_REALTIME)) }

    /// Milliseconds that only ever grow, for deadlines.
    static func steady() -> Int64 { milliseconds(CLOCK_MONOTONIC) }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
