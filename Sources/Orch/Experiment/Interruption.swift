import Foundation
import Glibc
import Synchronization

/// Ctrl-C, and whatever else ends us: what we have started is ended first.
final class Interruption: Sendable {
    private struct State {
        var cleaning: (@Sendable () -> Void)?
        var hasBegun = false
    }

    private let state = Mutex(State())

    /// Takes the signals that end a program away from every thread that is started from here on.
    init() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Thread { [self, signals] in
            var signals = signals
            var signal: Int32 = 0
            while sigwait(&signals, &signal) != 0 {}
            let clean = state.withLock { state in
                state.hasBegun = true
                return state.cleaning
            }
            clean?()
            exit(128 + signal)
        }.start()
    }

    /// What is done before the end; nothing, if nil.
    func guards(_ clean: (@Sendable () -> Void)?) { state.withLock { $0.cleaning = clean } }

    /// Where a signal has come, its thread ends the program, and nobody else does.
    func endsIfBegun() {
        while state.withLock({ $0.hasBegun }) { pause() }
    }
}
