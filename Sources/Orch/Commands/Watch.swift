import ArgumentParser
import IPC

struct Watch: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what happens as it happens, in plain words.",
        discussion: "With --json, the lines as they come from the socket."
    )

    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp("First everything after event <n>, 0 for all that is stored.", valueName: "n")
    )
    var since: Int?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if let since, since < 0 { throw ValidationError("--since is the number of an event, 0 at least") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        var seen = since
        var sentences = EventSentence(clock: Moments.clock)
        while true {
            do {
                let client = try global.connect(console)
                if global.json, seen == since { write(Notification("hello", client.hello.params), console) }
                if let seen { try client.subscribe(since: seen) } else { seen = client.hello.seq }
                let stream = EventStream(client, console)
                while true {
                    let lines = try stream.next()
                    if lines.isEmpty { return .done }
                    for line in lines {
                        if global.json { write(line, console) } else { tell(line, &sentences, console) }
                        if let seq = line.seq, line.params["patch"] != nil { seen = seq }
                    }
                }
            } catch is EventStream.TooSlow {
                continue
            }
        }
    }

    private func write(_ line: Notification, _ console: Console) {
        console.write(bytes: line.bytes)
        console.write(bytes: [0x0A])
    }

    private func tell(_ line: Notification, _ sentences: inout EventSentence, _ console: Console) {
        let time = line.params["time"]?.stringValue.map(Moments.clock) ?? "        "
        for sentence in sentences.lines(line) {
            let ticket = sentence.ticket.map { "\(SafeText.line($0))  " } ?? ""
            console.write("\(time)  \(ticket)\(SafeText.line(sentence.text))")
        }
    }
}
