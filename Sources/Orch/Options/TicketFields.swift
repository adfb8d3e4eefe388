import ArgumentParser
import Core
import Foundation
import IPC

/// A ticket's fields as options, for tickets that come without a file.
struct TicketFields: ParsableArguments {
    @Option(name: .long, help: "Its id; assigned if absent.")
    var id: String?

    @Option(
        name: .customLong("lock"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A path pattern or resource it locks; may be repeated.", valueName: "pattern")
    )
    var locks: [String] = []

    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Higher first.", valueName: "number"))
    var priority: Int?

    @Option(
        name: .customLong("depends-on"),
        help: ArgumentHelp("A ticket that has to land first; may be repeated.", valueName: "ticket")
    )
    var dependencies: [String] = []

    @Option(name: .long, help: ArgumentHelp("The agent profile; by default the configured one.", valueName: "profile"))
    var agent: String?

    @Option(
        name: .long,
        parsing: .unconditional,
        help: ArgumentHelp("What is to be done; - reads standard input.", valueName: "text")
    )
    var description: String?

    /// Whether any of them was given.
    var isEmpty: Bool {
        id == nil && locks.isEmpty && priority == nil && dependencies.isEmpty && agent == nil && description == nil
    }

    /// The ticket. Throws `usage` for the first thing wrong with it.
    func draft(title: String) throws -> TicketDraft {
        var patterns: [LockPattern] = []
        for lock in locks {
            do throws(LockPatternError) {
                patterns.append(try LockPattern(lock))
            } catch {
                throw CommandError(.usage, "--lock \(lock): \(error.description)")
            }
        }
        let draft = TicketDraft(
            id: id.map { TicketID($0) },
            title: title,
            description: try Self.description(description ?? ""),
            priority: priority ?? 0,
            locks: patterns,
            dependsOn: dependencies.map { TicketID($0) },
            agent: agent
        )
        guard let problem = draft.problems.first else { return draft }
        throw CommandError(.usage, problem.message)
    }

    /// The text that was given, or what standard input holds for `-`.
    static func description(_ given: String) throws -> String { try text(given, called: "description") }

    static func text(_ given: String, called name: String) throws -> String {
        guard given == "-" else { return given }
        let limit = TicketDraft.maximumDescriptionBytes
        let bytes = try FileHandle.standardInput.read(upToCount: limit + 1) ?? Data()
        guard let text = String(data: bytes, encoding: .utf8) else {
            throw CommandError(.usage, "the \(name) on standard input is not UTF-8, or longer than \(limit) bytes")
        }
        return text
    }
}
