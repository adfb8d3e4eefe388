import ArgumentParser
import IPC

struct Answer: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer what the agent of a ticket asks.",
        discussion: "`orch status` lists the questions. One about a permission is answered with --allow or --deny."
    )

    @Argument(help: ArgumentHelp("The ticket, or the agent that works on it.", valueName: "ticket"))
    var ticket: String
    @Argument(help: ArgumentHelp("The answer.", valueName: "text"))
    var text: [String] = []
    @Flag(name: .long, help: "Let it do what it asks for.")
    var allow = false
    @Flag(name: .long, help: "Do not let it.")
    var deny = false
    @Option(
        name: .long,
        help: ArgumentHelp("Which question; the one that was asked first if you do not say.", valueName: "n")
    )
    var question: Int?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if allow, deny { throw ValidationError("give either --allow or --deny") }
        if !allow, !deny, text.joined().allSatisfy(\.isWhitespace) {
            throw ValidationError("say the answer: orch answer \(ticket) TEXT")
        }
        if let question, question < 1 { throw ValidationError("questions are counted from 1") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        var params: JSONObject = ["ticket": .string(ticket), "text": .string(text.joined(separator: " "))]
        if allow || deny { params["allow"] = .bool(allow) }
        params["question"] = question.map(JSONValue.init)
        let row = try global.connect(console).request("ticket.answer", params)["ticket"] ?? .null
        if global.json {
            console.write(json: row)
        } else if let ticket = try? row.decode(TicketRow.self) {
            console.write("\(SafeText.line(ticket.id))  \(SafeText.line(ticket.stateSentence))")
        }
        return .done
    }
}
