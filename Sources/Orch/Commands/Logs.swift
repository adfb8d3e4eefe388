import ArgumentParser
import Foundation
import IPC

struct Logs: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what a ticket's agent printed, of its newest run.",
        discussion: "Into a pipe or a file the bytes go as they are; on a terminal, control sequences are left out."
    )

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @Option(
        name: .long,
        help: ArgumentHelp("Another run, an agent's or a verifier's; `orch show` lists them.", valueName: "number")
    )
    var run: Int?
    @Flag(name: .long, help: "Standard error instead of standard output.")
    var stderr = false
    @Flag(name: .shortAndLong, help: "Go on printing until the run ends.")
    var follow = false
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        var shown = try Shown(client, ticket)
        let stream = EventStream(client, console)
        if follow {
            try client.subscribe(topics: ["output", "run", "ticket"], tickets: [shown.ticket.id])
            // What happened before the subscription is in this look; what happened since comes from the stream.
            shown = try Shown(client, shown.ticket.id)
            if run == nil, shown.awaitsAgent {
                console.say("waits for an agent to begin")
                guard try awaitAgent(stream) else { return .done }
                shown = try Shown(client, shown.ticket.id)
            }
        }
        let run = try chosenRun(shown)
        var output = RunOutput(run.id, stream: stderr ? "stderr" : "stdout", console, json: global.json)
        try output.printRest(client)
        guard follow, !run.hasEnded else { return .done }
        while true {
            let lines = try stream.next()
            if lines.isEmpty { return .done }
            let ours = lines.filter { $0.params["run"]?.stringValue == run.id }
            if !ours.isEmpty { try output.printRest(client) }
            if ours.contains(where: { $0.method == "run.ended" }) { return .done }
        }
    }

    /// Waits until an agent begins on the ticket; false when that is not to be expected any more.
    private func awaitAgent(_ stream: EventStream) throws -> Bool {
        let ends = ["ticket.stopped", "ticket.cancelled", "ticket.needs_human_review", "ticket.merged"]
        while true {
            let lines = try stream.next()
            if lines.isEmpty || lines.contains(where: { ends.contains($0.method) }) { return false }
            if lines.contains(where: { $0.method == "run.requested" && $0.params["stage"] == "work" }) { return true }
        }
    }

    private func chosenRun(_ shown: Shown) throws -> RunRow {
        let id = shown.ticket.id
        if let number = run {
            guard let chosen = shown.runs.first(where: { $0.number == number }) else {
                let known = shown.runs.map { String($0.number) }.joined(separator: ", ")
                throw CommandError(
                    .notFound,
                    "\(id) has no run \(number)",
                    hint: known.isEmpty
                        ? "nothing of it has run yet" : "its runs are \(known); `orch show \(id)` lists them"
                )
            }
            return chosen
        }
        guard let newest = shown.runs.last(where: { $0.stage == "work" }) else {
            throw CommandError(
                .notFound,
                "no agent has worked on \(id) yet",
                hint: "`orch show \(id)` says what it waits for"
            )
        }
        return newest
    }

    /// A ticket and its runs.
    private struct Shown {
        let ticket: TicketRow
        let runs: [RunRow]

        init(_ client: Client, _ name: String) throws {
            let result = try client.request("ticket.show", ["ticket": .string(name)])
            ticket = try (result["ticket"] ?? .null).decode()
            runs = (result["runs"]?.arrayValue ?? []).compactMap { try? $0.decode() }
        }

        /// No agent works on it, and one is about to.
        var awaitsAgent: Bool {
            guard runs.last(where: { $0.stage == "work" })?.hasEnded ?? true else { return false }
            switch ticket.state {
            case "queued": return ticket.stage == "work"
            // `setup` and `work` lead to a run of the agent; in `work` also what follows it, until it is `verify`.
            case "running": return ticket.stage == "setup" || ticket.stage == "work" && !isBeingCollected
            default: return false
            }
        }

        /// The agent has ended, and the ticket has not yet come to its next stage.
        private var isBeingCollected: Bool {
            runs.last { $0.stage == "work" }.map { $0.id == ticket.run } ?? false
        }
    }
}

extension RunRow {
    /// Nothing more comes of it.
    fileprivate var hasEnded: Bool { !["requested", "starting", "running", "stopping"].contains(state) }
}

/// What a run prints, page by page.
private struct RunOutput {
    private let run: String
    private let stream: String
    private let console: Console
    private let json: Bool
    private var offset = 0
    private var cleaner = SafeText(keepsLines: true)
    /// The beginning of a character whose rest is on the next page.
    private var torn: [UInt8] = []

    init(_ run: String, stream: String, _ console: Console, json: Bool) {
        self.run = run
        self.stream = stream
        self.console = console
        self.json = json
    }

    /// Prints everything that is there and has not been printed.
    mutating func printRest(_ client: Client) throws {
        while !console.isClosed {
            let page = try client.request(
                "output.read",
                ["run": .string(run), "stream": .string(stream), "offset": JSONValue(offset), "length": 262_144]
            )
            let next = page["next"]?.intValue ?? offset
            guard next > offset else { break }
            offset = next
            if json { console.write(json: page) } else { write(Self.bytes(page)) }
        }
        console.flush()
    }

    private static func bytes(_ page: JSONValue) -> [UInt8] {
        if let text = page["data"]?.stringValue { return Array(text.utf8) }
        return page["base64"]?.stringValue.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? []
    }

    private mutating func write(_ bytes: [UInt8]) {
        guard console.isTerminal else { return console.write(bytes: bytes) }
        let whole = torn + bytes
        torn = Array(whole.suffix(Self.tornLength(whole)))
        let text = String(decoding: whole.dropLast(torn.count), as: UTF8.self)
        console.write(bytes: cleaner.take(text).utf8)
    }

    /// How many bytes at the end begin a character of UTF-8 without ending it.
    static func tornLength(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}
