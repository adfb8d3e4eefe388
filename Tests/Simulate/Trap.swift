import Glibc

/// A trap in Core ends the simulator on the spot: this says in which seed.
enum Trap {
    private static let workers = 256
    // Written by one thread each, and read by a handler that only ever ends the process.
    nonisolated(unsafe) private static let seeds = UnsafeMutablePointer<UInt64>.allocate(capacity: workers)

    static func watch() {
        seeds.initialize(repeating: 0, count: workers)
        for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] { signal(number, report) }
    }

    static func isTelling(worker: Int, seed: UInt64) { seeds[worker % workers] = seed }

    /// Calls nothing but `write` and `_exit`.
    private static let report: @convention(c) (Int32) -> Void = { number in
        say("Core trapped in one of these seeds (`make simulate SEED=…` tells it up to there):")
        for worker in 0..<workers where seeds[worker] != 0 {
            say(" ")
            say(seeds[worker])
        }
        say("\n")
        _exit(128 + number)
    }

    private static func say(_ text: StaticString) { _ = write(2, text.utf8Start, text.utf8CodeUnitCount) }

    private static func say(_ number: UInt64) {
        var power: UInt64 = 1
        while number / power >= 10 { power *= 10 }
        while power > 0 {
            var digit = UInt8(ascii: "0") + UInt8(number / power % 10)
            _ = write(2, &digit, 1)
            power /= 10
        }
    }
}
