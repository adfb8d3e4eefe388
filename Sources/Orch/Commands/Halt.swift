import ArgumentParser
import Core
import Glibc
import IPC

struct HaltCommand: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "halt",
        abstract: "Stop every agent and freeze the landing queue, until `orch resume`.",
        discussion: """
            What the agents have written is saved. Nothing starts and nothing lands meanwhile, not even after a restart of \
            the daemon. A landing that is moving its branch at this very moment is let finish. The command waits until \
            no process of any run is alive, and says so; if some is after --timeout, it names it and exits with 1.
            """
    )

    @Option(name: .long, help: ArgumentHelp("Why, for those who look later.", valueName: "text"))
    var reason: String?
    @Flag(name: .long, help: "Do not wait until everything is still.")
    var noWait = false
    @Option(name: .long, help: ArgumentHelp("How long to wait for that.", valueName: "duration"))
    var timeout = "1m"
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        do { _ = try DurationText.parse(timeout) } catch { throw ValidationError("--timeout: \(error)") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let params: JSONObject = reason.map { ["reason": .string($0)] } ?? [:]
        let result = try client.request("daemon.halt", params)
        let tickets = result["tickets"]?.arrayValue?.compactMap(\.stringValue) ?? []
        guard !noWait else {
            if global.json {
                console.write(json: result)
            } else {
                let stopping = tickets.isEmpty ? "" : "; stopping \(tickets.joined(separator: ", "))"
                console.write(SafeText.line("everything is halted\(stopping); `orch resume` goes on"))
            }
            return .done
        }
        let rest = try waitUntilStill(client)
        let isStill = rest["still"]?.boolValue == true
        if global.json {
            var object = rest.objectValue ?? [:]
            object["stopped"] = JSONValue(tickets)
            console.write(json: .object(object))
        } else {
            tell(tickets, rest, isStill: isStill, console)
        }
        return isStill ? .done : .failed
    }

    /// Asks until nothing is alive, or the time is over: what is true then.
    private func waitUntilStill(_ client: Client) throws -> JSONValue {
        let clock = ContinuousClock()
        let end = clock.now + (try DurationText.parse(timeout))
        while true {
            let rest = try client.request("daemon.stillness")
            if rest["still"]?.boolValue == true || clock.now >= end { return rest }
            poll(nil, 0, 100)
        }
    }

    private func tell(_ tickets: [String], _ rest: JSONValue, isStill: Bool, _ console: Console) {
        let stopped = tickets.isEmpty ? "" : "; stopped \(tickets.joined(separator: ", "))"
        guard !isStill else {
            let words = "everything is halted\(stopped); no process of any run is alive; `orch resume` goes on"
            return console.write(SafeText.line(words))
        }
        console.write(SafeText.line("everything is halted\(stopped); but after \(timeout) not all of it is still:"))
        for process in rest["processes"]?.arrayValue ?? [] {
            let pid = process["pid"]?.intValue.map(String.init) ?? "?"
            console.write(SafeText.line("  process \(pid) of run \(process["run"]?.stringValue ?? "?") is alive"))
        }
        for ticket in rest["tickets"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
            console.write(SafeText.line("  \(ticket) is still being stopped, or lands at this moment"))
        }
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
