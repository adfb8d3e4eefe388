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
        let (preferences, problems) = try global.settings(console).preferences()
        guard problems.isEmpty else { throw FileProblems(problems) }
        console.flush()
        let status = Dashboard.run(
            socketPath: try global.paths(console).socket,
            environment: console.environment,
            preferences: preferences
        )
        return ExitStatus(rawValue: status) ?? .failed
    }
}
