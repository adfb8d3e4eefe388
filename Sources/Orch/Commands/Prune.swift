import ArgumentParser
import Foundation
import IPC

struct Prune: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Let go of old snapshots, run folders of what has ended, and the trash. Nothing else ever does.",
        discussion: """
            The newest snapshot of an unfinished ticket stays, and so does everything of a ticket that is at work, and of \
            an `orch ci run` under way, whose run folders go like those of finished tickets. What `orch ci run` and the \
            hook found to pass so long ago is judged anew when it comes again. git frees the room of snapshots' files \
            when it next collects garbage.
            """
    )

    @Option(name: .long, help: ArgumentHelp("How old it must be, such as 30d or 12h.", valueName: "age"))
    var olderThan: String
    @Flag(name: .long, help: "Only say what would go.")
    var dryRun = false
    @Option(name: .long, help: ArgumentHelp("Only what belongs to this repository.", valueName: "path"))
    var repo: String?
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        var params: JSONObject = ["olderThan": .string(olderThan), "dryRun": .bool(dryRun)]
        params["repository"] = repo.map { path in
            .string(path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path)
        }
        let result = try client.request("prune", params)
        let failed = result["failed"]?.arrayValue ?? []
        if global.json {
            console.write(json: result)
        } else {
            tell(result, failed, console)
        }
        return failed.isEmpty ? .done : .failed
    }

    private func tell(_ result: JSONValue, _ failed: [JSONValue], _ console: Console) {
        let verb = dryRun ? "would go" : "gone"
        for item in result["pruned"]?.arrayValue ?? [] {
            console.write("\(verb): \(Self.name(item)), \(Sizes.text(item["bytes"]?.intValue ?? 0))")
        }
        for item in failed { console.say("kept: \(Self.name(item)): \(item["problem"]?.stringValue ?? "")") }
        let kinds = [
            ("snapshot", "snapshots"), ("run", "run folders"), ("pass", "kept PASSes"),
            ("trash", "things in the trash"),
        ]
        let counts = kinds.map {
            let count = result[$0]?["count"]?.intValue ?? 0
            return "\(count) \($1) (\(Sizes.text(result[$0]?["bytes"]?.intValue ?? 0)))"
        }
        console.write("\(verb): \(counts.joined(separator: ", "))")
    }

    private static func name(_ item: JSONValue) -> String {
        SafeText.line("\(item["kind"]?.stringValue ?? "") \(item["name"]?.stringValue ?? "")")
    }
}
