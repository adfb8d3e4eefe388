import ArgumentParser
import Daemon
import Glibc
import IPC

struct BackupCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy everything orch knows to a new file, while the daemon works or without one.",
        discussion: """
            The copy is one SQLite database, as of one moment. To go back to it: `orch quit`, move orch.db and the files \
            beside it (orch.db-wal, orch.db-shm) out of the state directory, copy the file there as orch.db, and start \
            the daemon. Worktrees and branches are git's and are not in it.
            """
    )

    @Argument(help: "Where the copy goes; there must be no such file yet.", completion: .file())
    var file: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let copy: Backup.Copy
        do {
            copy = try Backup.make(of: try global.paths(console), to: file)
        } catch let error as Backup.Problem {
            throw CommandError.failed(error.description)
        }
        if global.json {
            console.write(json: [
                "path": .string(copy.path), "seq": JSONValue(copy.seq), "tickets": JSONValue(copy.tickets),
                "bytes": JSONValue(copy.bytes),
            ])
        } else {
            console.write(
                "\(SafeText.line(copy.path))  \(copy.tickets) tickets, \(copy.seq) events, \(copy.bytes >> 10) KiB"
            )
        }
        return .done
    }
}
