import ArgumentParser
import IPC

struct Timeline: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "What one ticket has been through, from its first event to its last."
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let events = try all(global.connect(console))
        if global.json {
            console.write(json: .array(events.map(JSONValue.object)))
            return .done
        }
        var sentences = EventSentence(clock: Moments.clock)
        for event in events {
            let time = event["time"]?.stringValue.map(Moments.full) ?? ""
            for sentence in sentences.lines(Notification(event["event"]?.stringValue ?? "", event)) {
                console.write("\(time)  \(SafeText.line(sentence.text))")
            }
        }
        return .done
    }

    /// Oldest first; asked for from the newest on, a page at a time.
    private func all(_ client: Client) throws -> [JSONObject] {
        var pages: [[JSONObject]] = []
        var before: Int?
        while true {
            var params: JSONObject = ["ticket": .string(ticket), "limit": 1000]
            params["before"] = before.map(JSONValue.init)
            let result = try client.request("ticket.events", params)
            pages.append((result["events"]?.arrayValue ?? []).compactMap(\.objectValue))
            guard result["more"]?.boolValue == true, let first = result["first"]?.intValue else { break }
            before = first
        }
        return pages.reversed().flatMap(\.self)
    }
}
