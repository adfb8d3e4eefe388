import ArgumentParser
import Core
import Daemon
import IPC

struct Validate: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Check ticket files; every problem is printed as file:line:column.",
        discussion: "Works without a daemon. Whether profiles exist is checked against your configuration."
    )

    @Argument(help: ArgumentHelp("Ticket files, YAML, JSON or Markdown; - is standard input.", valueName: "file"))
    var files: [String]
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let batch = TicketFile.read(files)
        var problems = batch.problems
        if let settings = try? global.settings(console).settings {
            for (index, draft) in batch.drafts.enumerated() {
                guard let agent = draft.agent, settings.profiles[agent] == nil else { continue }
                problems.append(
                    batch.problem(
                        draft: index,
                        field: .agent,
                        "there is no agent profile \(quoted(agent)) in your configuration"
                    )
                )
            }
        }
        let count = batch.drafts.count
        if global.json {
            console.write(json: [
                "valid": .bool(problems.isEmpty), "tickets": JSONValue(count), "problems": .array(problems.map(\.json)),
            ])
        } else if problems.isEmpty {
            console.write(count == 1 ? "1 ticket is good" : "\(count) tickets are good")
        } else {
            // What was asked for is the list of problems, so it is the output.
            for problem in problems { console.write(SafeText.lines(problem.description)) }
        }
        return problems.isEmpty ? .done : .failed
    }
}
