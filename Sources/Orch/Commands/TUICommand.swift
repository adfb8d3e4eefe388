import ArgumentParser
import Daemon
import IPC
import TUI

struct TUICommand: Subcommand {
    static let configuration = CommandConfiguration(commandName: "tui", abstract: "The dashboard.")

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        if global.json { throw CommandError(.usage, "the dashboard is for people", hint: "use `orch watch --json`") }
        // Asked for here, so that the sentence is the same as that of every other command.
        _ = try global.connect(console)
        console.flush()
        let status = Dashboard.run(socketPath: try global.paths(console).socket, environment: console.environment)
        return ExitStatus(rawValue: status) ?? .failed
    }
}
