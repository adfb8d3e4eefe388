import CSystem
import Core
import Glibc

/// The daemon's own time: the wall clock's, made fit to reckon with. It never goes back, it goes on at the pace of real
/// time while the wall clock is behind, and it tells by how much it was put forward, so that nothing is due sooner
/// because somebody set the clock or closed the lid.
struct SteadyClock {
    /// Where it gets the time from.
    struct Sources: Sendable {
        var wall: @Sendable () -> Instant
        /// Milliseconds since some moment, without those in which the machine slept.
        var steady: @Sendable () -> Int64

        static let system = Sources(wall: { Timestamp.now() }) {
            var time = timespec()
            clock_gettime(CLOCK_MONOTONIC, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        }
    }

    /// How far the wall clock may be ahead before that is taken for a jump.
    static let tolerance = Duration.seconds(1)

    private let sources: Sources
    private var anchor: (wall: Instant, steady: Int64)

    /// - Parameter last: the newest moment that has been stored; it begins no earlier.
    init(after last: Instant? = nil, _ sources: Sources = .system) {
        self.sources = sources
        let wall = sources.wall()
        anchor = (max(wall, last ?? wall), sources.steady())
    }

    /// How long until `moment`, as far as real time goes: what the wall clock does meanwhile is for `now` to tell.
    func untilReal(_ moment: Instant) -> Duration {
        moment - (anchor.wall + .milliseconds(sources.steady() - anchor.steady))
    }

    /// The time, and how much of what has passed since it was last asked did not really pass.
    mutating func now() -> (time: Instant, jump: Duration?) {
        let steady = sources.steady()
        let time = anchor.wall + .milliseconds(steady - anchor.steady)
        let wall = sources.wall()
        let ahead = wall - time
        guard ahead > Self.tolerance else { return (time, nil) }
        anchor = (wall, steady)
        return (wall, ahead)
    }
}
