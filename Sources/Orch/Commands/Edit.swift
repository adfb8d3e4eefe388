import ArgumentParser
import Core
import Foundation
import Glibc
import IPC

struct Edit: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Change a ticket that nothing is under way for; without options, in $EDITOR.",
        discussion: """
            A queued ticket takes its new place in the queue at once. The locks of one that holds them stay as they are, \
            and so does what one depends on that has begun. \
            In the editor nothing you have typed is lost: what cannot be taken comes back with the reason.
            """
    )

    @Argument(help: "The ticket.")
    var ticket: String
    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp("What is to be done, in a line.", valueName: "text")
    )
    var title: String?
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Higher first.", valueName: "number"))
    var priority: Int?
    @Option(
        name: .customLong("lock"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "A path pattern or resource it locks, instead of all before; may be repeated.",
            valueName: "pattern"
        )
    )
    var locks: [String] = []
    @Flag(name: .long, help: "It locks nothing any more.")
    var noLocks = false
    @Option(
        name: .customLong("depends-on"),
        help: ArgumentHelp(
            "A ticket that has to land first, instead of all before; may be repeated.",
            valueName: "ticket"
        )
    )
    var dependencies: [String] = []
    @Flag(name: .customLong("no-depends-on"), help: "It waits for no other ticket any more.")
    var noDependencies = false
    @Option(name: .long, help: ArgumentHelp("The agent profile.", valueName: "profile"))
    var agent: String?
    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp("What is to be done; - reads standard input.", valueName: "text")
    )
    var description: String?
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        if noDependencies, !dependencies.isEmpty {
            throw ValidationError("give either --depends-on or --no-depends-on")
        }
        if noLocks, !locks.isEmpty { throw ValidationError("give either --lock or --no-locks") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        let changes = try changes()
        let client = try global.connect(console)
        let row: JSONValue?
        if changes.isEmpty {
            guard isatty(STDIN_FILENO) == 1, isatty(STDOUT_FILENO) == 1 else {
                throw CommandError(
                    .usage,
                    "there is nothing to change, and no terminal to edit it in",
                    hint: "say what is to change, such as --priority 3"
                )
            }
            row = try EditSession(ticket: ticket, client: client, console: console).run()
        } else {
            row = try client.edit(ticket, changes)
        }
        guard let row else {
            if !global.json { console.say("nothing was changed") }
            return .done
        }
        if global.json {
            console.write(json: row)
        } else if let row = try? row.decode(TicketRow.self) {
            console.write("\(SafeText.line(row.id))  \(SafeText.line(row.stateSentence))")
        }
        return .done
    }

    /// What the options ask for.
    private func changes() throws -> JSONObject {
        var changes: JSONObject = [:]
        changes["title"] = title.map(JSONValue.string)
        changes["priority"] = priority.map { JSONValue($0) }
        if noLocks || !locks.isEmpty { changes["locks"] = JSONValue(locks) }
        if noDependencies || !dependencies.isEmpty { changes["depends_on"] = JSONValue(dependencies) }
        changes["agent"] = agent.map(JSONValue.string)
        changes["description"] = try description.map { .string(try TicketFields.description($0)) }
        return changes
    }
}

extension Client {
    /// Changes what is named of a ticket; its row.
    func edit(_ ticket: String, _ changes: JSONObject) throws(RPCError) -> JSONValue {
        var params = changes
        params["ticket"] = .string(ticket)
        return try request("ticket.edit", params)["ticket"] ?? .null
    }
}
