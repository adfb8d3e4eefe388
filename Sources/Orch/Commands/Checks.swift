import ArgumentParser
import IPC

struct Checks: Subcommand {
    static let configuration = CommandConfiguration(abstract: "How the verifiers judged a ticket's work.")

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let result = try client.request("ticket.checks", ["ticket": .string(ticket)])
        let runs = result["runs"]?.arrayValue ?? []
        if global.json {
            console.write(json: .array(runs))
            return .done
        }
        guard !runs.isEmpty else {
            console.write("no verifier has judged \(SafeText.line(ticket)) yet")
            return .done
        }
        var table = Table(
            .init("RUN"),
            .init("VERIFIER"),
            .init("STATE"),
            .init("OUTCOME", least: 12),
            .init("TREE"),
            .init("ENDED")
        )
        table.rows = runs.compactMap { try? $0.decode(RunRow.self) }.map { run in
            [
                .init(run.id), .init(run.name), .init(run.state, run.state == "passed" ? .good : .bad),
                .init(Self.outcome(of: run)),
                .init(run.tree.map { String($0.prefix(10)) }), .init(run.ended.map(Moments.full)),
            ]
        }
        console.write(table)
        return .done
    }

    /// What came of it, and where it comes from, if the ticket has not been judged itself.
    private static func outcome(of run: RunRow) -> String? {
        guard run.reused == true else { return run.outcome }
        let commit = run.commit.map { "\($0.prefix(10)) of " } ?? ""
        return "\(run.outcome.map { "\($0), " } ?? "")reused from \(commit)\(run.ticket)"
    }
}
