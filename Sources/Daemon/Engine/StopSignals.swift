@preconcurrency import Dispatch
import Foundation
import Glibc

/// SIGINT and SIGTERM: the first begins the daemon's end, the second ends it at once.
final class StopSignals: Sendable {
    private let sources: [any DispatchSourceSignal]

    init(onFirst: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "orch.signals")
        // Touched on `queue` alone.
        nonisolated(unsafe) var seen = 0
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                seen += 1
                if seen > 1 { _exit(128 + number) }
                onFirst()
            }
            source.resume()
            return source
        }
        signal(SIGHUP, SIG_IGN)
    }

    func cancel() { for source in sources { source.cancel() } }
}
