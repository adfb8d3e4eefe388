import ArgumentParser
import IPC

// What people ask of tickets. All of these are answered once their effect is durable, and are safe to repeat.

struct Continue: TicketsCommand {
    static let method = "ticket.continue"
    static let configuration = CommandConfiguration(
        abstract: "Let what waits go on: approve it, resume it, or take its failed stage again."
    )
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
}

struct Stop: TicketsCommand {
    static let method = "ticket.stop"
    static let configuration = CommandConfiguration(abstract: "Halt tickets now, keeping everything.")
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
}

struct Cancel: TicketsCommand {
    static let method = "ticket.cancel"
    static let configuration = CommandConfiguration(abstract: "Give tickets up; a snapshot of their work is kept.")
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Why.", valueName: "text"))
    var reason: String?
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
    var more: JSONObject { reason.map { ["reason": .string($0)] } ?? [:] }
}

struct Retry: TicketsCommand {
    static let method = "ticket.retry"
    static let configuration = CommandConfiguration(
        abstract: "Start the stage of stopped or failed tickets afresh, without what was said before."
    )
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
}

struct Approve: TicketsCommand {
    static let method = "ticket.approve"
    static let configuration = CommandConfiguration(abstract: "Let verified tickets land.")
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("A remark to keep.", valueName: "text"))
    var comment: String?
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
    var more: JSONObject { comment.map { ["comment": .string($0)] } ?? [:] }
}

struct RequestChanges: TicketsCommand {
    static let method = "ticket.request_changes"
    static let configuration = CommandConfiguration(abstract: "Send tickets back to their agents with a comment.")
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("What is to be changed.", valueName: "text"))
    var comment: String
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
    var more: JSONObject { ["comment": .string(comment)] }
    func validate() throws { try requireText(comment) }
}

struct Reject: TicketsCommand {
    static let method = "ticket.reject"
    static let configuration = CommandConfiguration(abstract: "Give tickets up, saying why; a snapshot is kept.")
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Why.", valueName: "text"))
    var comment: String
    @OptionGroup var tickets: TicketArguments
    @OptionGroup var global: GlobalOptions
    var more: JSONObject { ["comment": .string(comment)] }
    func validate() throws { try requireText(comment) }
}

// MARK: What they share

struct TicketArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("Tickets, or the agents that work on them.", valueName: "ticket"))
    var names: [String]
}

/// A command that asks the daemon the same of each ticket: it does what it can, reports each, and the worst counts.
protocol TicketsCommand: Subcommand {
    static var method: String { get }
    var tickets: TicketArguments { get }
    /// Parameters beside the ticket.
    var more: JSONObject { get }
}

extension TicketsCommand {
    var more: JSONObject { [:] }

    fileprivate func requireText(_ comment: String) throws {
        if comment.allSatisfy(\.isWhitespace) { throw ValidationError("--comment is empty; say what is wanted") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        var worst = ExitStatus.done
        var results: [JSONValue] = []
        for name in tickets.names {
            var params = more
            params["ticket"] = .string(name)
            do throws(RPCError) {
                let row = try client.request(Self.method, params)["ticket"] ?? .null
                results.append(row)
                if !global.json { tell(row, console) }
            } catch  where error.code == .disconnected {
                throw error
            } catch {
                let error = CommandError(error)
                worst = max(worst, error.status)
                results.append(["id": .string(name), "error": error.json["error"] ?? .null])
                if !global.json { console.report(error, json: false) }
            }
        }
        if global.json { write(results, console) }
        return worst
    }

    private func tell(_ row: JSONValue, _ console: Console) {
        guard let row = try? row.decode(TicketRow.self) else { return }
        console.write("\(SafeText.line(row.id))  \(SafeText.line(row.stateSentence))")
    }

    /// For one ticket its row, or `{"error":…}`; for several an array of such.
    private func write(_ results: [JSONValue], _ console: Console) {
        guard results.count == 1, let only = results.first else { return console.write(json: .array(results)) }
        console.write(json: only["error"].map { ["error": $0] } ?? only)
    }
}
