import Glibc
import TUI

/// Runs the dashboard on the socket that its argument names: what the terminal tests drive. SIGUSR1 makes it crash, as
/// a mistake in Swift code does.
@main
enum TUIProbe {
    static func main() {
        guard CommandLine.arguments.count == 2 else { exit(2) }
        var environment: [String: String] = [:]
        for name in ["NO_COLOR", "ORCH_ASCII"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        signal(SIGUSR1) { _ in fatalError("asked to crash") }
        exit(Dashboard.run(socketPath: CommandLine.arguments[1], environment: environment))
    }
}
