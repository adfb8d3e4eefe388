import Glibc

@testable import TUI

/// What the terminal tests drive.
///
/// `TUIProbe SOCKET` is the dashboard; SIGUSR1 makes it crash, as a mistake in Swift code does. `--workbench` shows what
/// the terminal reports, and `--pictures` draws what chance says. `--watched SOCKET DESCRIPTOR` is the dashboard, which says
/// what it shows.
@main
enum TUIProbe {
    static func main() {
        let arguments = CommandLine.arguments
        switch (arguments.dropFirst().first, arguments.count) {
        case ("--workbench", 2): exit(Workbench.run(environment: environment()))
        case ("--pictures", 5):
            guard let seed = UInt64(arguments[2]), let descriptor = Int32(arguments[3]) else { exit(2) }
            exit(Pictures.run(seed: seed, to: descriptor, withoutThoseIn: arguments[4], environment: environment()))
        case ("--watched", 4):
            guard let descriptor = Int32(arguments[3]) else { exit(2) }
            exit(watched(socket: arguments[2], descriptor: descriptor))
        case (let socket?, 2):
            signal(SIGUSR1) { _ in fatalError("asked to crash") }
            exit(Dashboard.run(socketPath: socket, environment: environment()))
        default: exit(2)
        }
    }

    private static func watched(socket: String, descriptor: Int32) -> Int32 {
        var witness = Witness(descriptor: descriptor)
        let watcher = { (sight: Loop.Sight) in
            switch sight {
            case .recoloured: witness.timesRecoloured += 1
            case .shown(let screen, let terminal): witness.tell(of: screen, in: terminal)
            }
        }
        return Dashboard.run(socketPath: socket, environment: environment(), watcher: watcher)
    }

    private static func environment() -> [String: String] {
        var environment: [String: String] = [:]
        let preferences = ["NO_COLOR", "ORCH_ASCII", "ORCH_THEME", "COLORTERM", "COLORFGBG"]
        for name in preferences + ["EDITOR", "PATH", "TERM", "SHELL", "TMPDIR"] {
            if let value = getenv(name) { environment[name] = String(cString: value) }
        }
        return environment
    }
}
