import ArgumentParser
import Core
import Daemon
import IPC

struct Import: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make tickets of GitHub issues, GH-7 of issue 7; those there are already are left alone.",
        discussion: """
            Reads what `gh issue list --json number,title,body,labels` prints. A label `priority:2` gives the priority. \
            Closed issues are left out. Prints the new ids.
            """
    )

    @Argument(help: ArgumentHelp("What gh has printed; - is standard input.", valueName: "file"))
    var file: String
    @Option(
        name: .customLong("label"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Only issues with this label; may be repeated, for those with all.", valueName: "name")
    )
    var labels: [String] = []
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let issues: [IssueFile.Issue]
        do throws(FileProblems) { issues = try IssueFile.read(file) } catch {
            throw CommandError(.invalidIssues, problems: error.problems, hint: "nothing was enqueued")
        }
        let wanted = issues.filter { issue in !issue.isClosed && labels.allSatisfy { issue.labels.contains($0) } }
        let checkout = try repository.checkout(console)
        let client = try global.connect(console)
        let rows = try client.request("ticket.list", ["all": true])["tickets"]?.arrayValue ?? []
        let known = Set(rows.compactMap { $0["id"]?.stringValue })
        let drafts = wanted.map(\.draft).filter { !known.contains($0.id!.text) }
        let skipped = wanted.compactMap { $0.draft.id?.text }.filter(known.contains)
        let ids = drafts.isEmpty ? [] : try client.enqueue(drafts, repository: checkout.repository)
        if global.json {
            console.write(json: [
                "ids": JSONValue(ids), "known": JSONValue(skipped), "left_out": JSONValue(issues.count - wanted.count),
            ])
            return .done
        }
        for id in ids { console.write(SafeText.line(id)) }
        if !skipped.isEmpty { console.say("here already: \(skipped.joined(separator: ", "))") }
        if issues.count > wanted.count {
            let count = issues.count - wanted.count
            let why = labels.isEmpty ? "closed" : "closed, or without the label"
            console.say("left out: \(count == 1 ? "1 issue" : "\(count) issues"), \(why)")
        }
        return .done
    }
}
