import ArgumentParser
import IPC

struct HaltCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "halt",
        abstract: "Stop every agent and freeze the landing queue, until `orch resume`.",
        discussion: """
            What the agents have written is saved. Nothing starts and nothing lands meanwhile, not even after a restart of \
            the daemon. A landing that is moving its branch at this very moment is let finish.
            """
    )

    @Option(name: .long, help: ArgumentHelp("Why, for those who look later.", valueName: "text"))
    var reason: String?
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let params: JSONObject = reason.map { ["reason": .string($0)] } ?? [:]
        let result = try client.request("daemon.halt", params)
        guard !global.json else {
            console.write(json: result)
            return .done
        }
        let tickets = result["tickets"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let stopping = tickets.isEmpty ? "" : "; stopping \(tickets.joined(separator: ", "))"
        console.write(SafeText.line("everything is halted\(stopping); `orch resume` goes on"))
        return .done
    }
}

struct Resume: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Let everything go on that `orch halt` has stopped.",
        discussion: "Tickets that somebody stopped one by one stay stopped."
    )

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let result = try global.connect(console).request("daemon.resume")
        guard !global.json else {
            console.write(json: result)
            return .done
        }
        let tickets = result["tickets"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let list = tickets.isEmpty ? "" : "; back in the queue: \(tickets.joined(separator: ", "))"
        console.write(SafeText.line("everything goes on\(list)"))
        return .done
    }
}
