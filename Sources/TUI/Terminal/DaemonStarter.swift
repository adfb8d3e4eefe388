import Glibc
import Synchronization

/// Starts a daemon on a thread of its own: the dashboard goes on meanwhile, and finds it as it finds any that comes back.
final class DaemonStarter: Sendable {
    private enum State {
        case idle, busy
        case failed(Dashboard.StartFailure)
    }

    private let body: @Sendable () throws(Dashboard.StartFailure) -> Void
    private let state = Mutex(State.idle)

    init(_ body: @escaping @Sendable () throws(Dashboard.StartFailure) -> Void) { self.body = body }

    var isBusy: Bool {
        state.withLock { if case .busy = $0 { true } else { false } }
    }

    /// Why the last try failed, once.
    func takeFailure() -> Dashboard.StartFailure? {
        state.withLock { state in
            guard case .failed(let failure) = state else { return nil }
            state = .idle
            return failure
        }
    }

    /// One at a time.
    func start() {
        let begins = state.withLock { state in
            if case .busy = state { return false }
            state = .busy
            return true
        }
        guard begins else { return }
        var thread = pthread_t()
        let box = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread,
            nil,
            { argument in
                if let argument { Unmanaged<DaemonStarter>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            },
            box.toOpaque()
        )
        guard failed != 0 else {
            pthread_detach(thread)
            return
        }
        box.release()
        state.withLock { $0 = .failed(Dashboard.StartFailure(message: "no thread can be started", hint: nil)) }
    }

    private func run() {
        do throws(Dashboard.StartFailure) {
            try body()
            state.withLock { $0 = .idle }
        } catch {
            state.withLock { $0 = .failed(error) }
        }
    }
}
