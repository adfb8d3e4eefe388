import ArgumentParser
import IPC

struct Steer: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell the agent of a ticket something.",
        discussion: """
            An agent that takes messages while it works gets it at once; any other gets it with its next run, which begins \
            when the present one has ended. A stopped ticket is told when it goes on. The message is kept until an agent \
            has taken it in, whatever happens in between.
            """
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @Argument(help: ArgumentHelp("What it is to know; - reads standard input.", valueName: "text"))
    var message: String
    @Flag(name: .long, help: "Wait until the agent has taken it in.")
    var wait = false
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let text = try TicketFields.text(message, called: "message")
        let client = try global.connect(console)
        let answer = try client.request("ticket.steer", ["ticket": .string(ticket), "message": .string(text)])
        guard let row = try answer["ticket"]?.decode(TicketRow.self), let number = row.last_message else {
            throw CommandError.failed("the daemon has not said what came of the message", hint: "`orch show \(ticket)`")
        }
        let delivery = row.messages?.first { $0.text == text }?.delivery
        if wait { return try follow(number, row, client, console) }
        tell(number, row, delivery ?? "queued", console)
        return .done
    }

    private func tell(_ number: Int, _ row: TicketRow, _ delivery: String, _ console: Console) {
        if global.json {
            let result: JSONValue = [
                "ticket": .string(row.id), "message": JSONValue(number), "delivery": .string(delivery),
            ]
            return console.write(json: result)
        }
        switch delivery {
        case "taken": console.write("\(row.id): its agent has taken message \(number) in")
        case "sent": console.write("\(row.id): message \(number) is sent to its agent")
        default: console.write("\(row.id): message \(number) waits for the next run of its agent")
        }
    }

    /// Until the agent has it; or the ticket has ended, and nobody will ever have it.
    private func follow(_ number: Int, _ row: TicketRow, _ client: Client, _ console: Console) throws -> ExitStatus {
        let stream = EventStream(client, console)
        while true {
            let lines = try stream.next()
            if lines.isEmpty { return .done }
            for line in lines where line.params["ticket"]?.stringValue == row.id {
                switch line.method {
                case "message.taken" where line.params["message"]?.intValue == number:
                    tell(number, row, "taken", console)
                    return .done
                case "message.deferred" where line.params["message"]?.intValue == number:
                    let reason = line.params["reason"]?.stringValue ?? ""
                    console.say("\(row.id): message \(number) waits for the next run of its agent: \(reason)")
                case "ticket.merged", "ticket.cancelled":
                    throw CommandError.failed(
                        "\(row.id) has ended, and no agent has taken message \(number) in",
                        hint: "file a new ticket"
                    )
                default: break
                }
            }
        }
    }
}
