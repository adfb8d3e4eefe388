import ArgumentParser
import Glibc

/// `orch`: one file per subcommand in `Commands/`, each of which parses, asks the daemon, prints and says how it ended.
@main
struct Orch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orch",
        abstract: "A hundred agents, one green main, nothing lost.",
        discussion: """
            orch gives tickets to coding agents, each in a git worktree of its own, verifies what comes back, asks a \
            human where one is wanted, and lands exactly the tree that was tested.

            Begin with `orch init` in a git repository, then `orch run ticket.yaml --wait`.
            """,
        version: Version.sentence,
        groupedSubcommands: [
            CommandGroup(
                name: "Setting up:",
                subcommands: [Init.self, Trust.self, Doctor.self, Config.self, Hook.self]
            ),
            CommandGroup(
                name: "The daemon:",
                subcommands: [DaemonCommand.self, Status.self, Quit.self, Socket.self, BackupCommand.self]
            ),
            CommandGroup(
                name: "Filing tickets:",
                subcommands: [Run.self, Enqueue.self, New.self, Import.self, Edit.self, Validate.self]
            ),
            CommandGroup(
                name: "Looking:",
                subcommands: [
                    TUICommand.self, List.self, Show.self, Timeline.self, Watch.self, Logs.self, Diff.self, Checks.self,
                    Agents.self, Locks.self, Costs.self, Report.self, CI.self, Experiment.self,
                ]
            ),
            CommandGroup(
                name: "Steering:",
                subcommands: [
                    Approve.self, RequestChanges.self, Reject.self, Steer.self, Continue.self, Stop.self, Retry.self,
                    Cancel.self, BudgetCommand.self, Permissions.self, Answer.self, HaltCommand.self, Resume.self,
                ]
            ),
            CommandGroup(name: "Keeping:", subcommands: [Snapshots.self, Restore.self, Prune.self]),
            CommandGroup(name: "Shells:", subcommands: [Completions.self]),
            CommandGroup(name: "For agents:", subcommands: [MCP.self]),
        ]
    )

    static func main() {
        Glibc.exit(Invocation(arguments: Array(CommandLine.arguments.dropFirst())).run().rawValue)
    }
}
