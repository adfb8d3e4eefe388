import CSystem
import Core
import Glibc

/// The clocks the supervision of runs reads.
enum RunClock {
    /// The wall clock's moment, for people and records.
    static func now() -> Instant { Instant(milliseconds: milliseconds(CLOCK_REALTIME)) }

    /// Milliseconds that only ever grow, for deadlines. They stand still while the machine sleeps.
    static func steady() -> Int64 { milliseconds(CLOCK_MONOTONIC) }

    /// All three at once, or nearly.
    static func reading() -> ClockReading {
        ClockReading(
            wall: milliseconds(CLOCK_REALTIME),
            awake: milliseconds(CLOCK_MONOTONIC),
            boot: milliseconds(CLOCK_BOOTTIME)
        )
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// One moment as three clocks show it, in milliseconds.
struct ClockReading: Equatable, Codable, Sendable {
    /// Since 1970. Can be set, forward and back.
    var wall: Int64
    /// Grows while the machine is awake.
    var awake: Int64
    /// Grows while the machine is awake or asleep.
    var boot: Int64

    /// How long the machine has slept so far.
    var slept: Int64 { boot - awake }
}
