import ArgumentParser
import Core
import IPC

struct BudgetCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "budget",
        abstract: "Say what a ticket may use, whatever is configured for all.",
        discussion: """
            It holds for all of the ticket's runs together, and takes the place of what was said before: what you leave \
            out is as `budgets.ticket` in your configuration has it. A run that is at its budget is ended, and \
            `orch continue` goes on once there is more.
            """
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @Option(name: .long, help: ArgumentHelp("So many US dollars.", valueName: "amount"))
    var usd: String?
    @Option(name: .long, help: ArgumentHelp("So many tokens.", valueName: "count"))
    var tokens: Int?
    @Flag(name: .long, help: "As much as is configured.")
    var configured = false
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if configured == (usd != nil || tokens != nil) {
            throw ValidationError("say how much with --usd or --tokens, or --configured for what all tickets have")
        }
        if let usd, Dollars.parse(usd) == nil {
            throw ValidationError("--usd \(usd) is no amount; write one such as 5 or 0.25")
        }
        if let tokens, tokens < 1 { throw ValidationError("--tokens \(tokens) is no count; write one such as 2000000") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        var params: JSONObject = ["ticket": .string(ticket)]
        params["usd"] = usd.flatMap(Dollars.parse).map { .double(Double($0) / 1_000_000) }
        params["tokens"] = tokens.map(JSONValue.init)
        let result = try global.connect(console).request("ticket.budget", params)["ticket"] ?? .null
        guard !global.json else {
            console.write(json: result)
            return .done
        }
        let row: TicketRow = try result.decode()
        console.write(SafeText.line("\(row.id) may use \(row.budget.map(Self.words) ?? "what is configured")"))
        return .done
    }

    static func words(_ budget: AllowanceRow) -> String {
        [budget.usd.map { "\(UsageText.dollars($0)) USD" }, budget.tokens.map { "\(UsageText.tokens($0)) tokens" }]
            .compactMap(\.self).joined(separator: ", ")
    }
}
