import ArgumentParser
import Foundation
import IPC

struct Restore: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a snapshot of a ticket back, as a branch or as a worktree of your own.",
        discussion: """
            Without --worktree, a new branch is made at the snapshot: its files, with what was committed before and \
            with what the agent had committed and taken away again as parents. With --worktree, the files are as they \
            were, archived ones too, on a new branch at the commit the agent was at, and what was staged is staged. \
            Nothing that exists is overwritten.
            """
    )

    @Argument(help: "The ticket.")
    var ticket: String
    @Argument(help: "The snapshot's number; by default the newest.")
    var number: Int?
    @Option(
        name: .long,
        help: ArgumentHelp("The new branch; by default orch/restore/<ticket>-<number>.", valueName: "name")
    )
    var branch: String?
    @Option(name: .long, help: ArgumentHelp("Make a worktree here.", valueName: "path"))
    var worktree: String?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let number, number < 1 { throw ValidationError("snapshots are numbered from 1") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        var params: JSONObject = ["ticket": .string(ticket)]
        params["snapshot"] = number.map { JSONValue($0) }
        params["branch"] = branch.map(JSONValue.string)
        params["worktree"] = worktree.map { path in
            .string(path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path)
        }
        let restored = try client.request("snapshot.restore", params)
        if global.json {
            console.write(json: restored)
            return .done
        }
        let number = restored["snapshot"]?.intValue.map(String.init) ?? "?"
        let branch = restored["branch"]?.stringValue.map { "the branch \($0)" }
        let place = restored["worktree"]?.stringValue
        let parts = [place, branch].compactMap(\.self).joined(separator: ", on ")
        console.write(SafeText.line("snapshot \(number) of \(ticket) is in \(parts)"))
        for note in restored["notes"]?.arrayValue ?? [] {
            console.write("  \(SafeText.line(note.stringValue ?? ""))")
        }
        return .done
    }
}
