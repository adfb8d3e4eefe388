import ArgumentParser
import Daemon
import IPC
import TUI

struct TUICommand: Subcommand {
    static let configuration = CommandConfiguration(commandName: "tui", abstract: "The dashboard.")

    @Flag(help: "For screen readers: words, no drawn lines, and a cursor on what is selected.")
    var plain = false
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        if global.json { throw CommandError(.usage, "the dashboard is for people", hint: "use `orch watch --json`") }
        // Asked for here, so that the sentence is the same as that of every other command.
        do { _ = try global.connect(console) } catch let error as RPCError
            where error.code == .daemonNotRunning && Dashboard.obstacle() == nil
        {
            // The dashboard offers to start one.
        }
        var (preferences, problems) = try global.settings(console).preferences()
        guard problems.isEmpty else { throw FileProblems(problems) }
        if plain { preferences.isPlain = true }
        console.flush()
        let (global, environment) = (global, console.environment)
        let status = Dashboard.run(
            socketPath: try global.paths(console).socket,
            environment: console.environment,
            preferences: preferences,
            startDaemon: { () throws(Dashboard.StartFailure) in
                do {
                    _ = try DetachedDaemon(global: global, console: Console(environment: environment)).connect()
                } catch {
                    let error = CommandError(describing: error)
                    throw Dashboard.StartFailure(message: error.message, hint: error.hint)
                }
            }
        )
        return ExitStatus(rawValue: status) ?? .failed
    }
}
