import ArgumentParser
import IPC

struct Diff: Subcommand {
    static let configuration = CommandConfiguration(abstract: "What a ticket changes.")

    @Argument(help: "The ticket, or the agent that works on it.")
    var ticket: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let result = try client.request("ticket.diff", ["ticket": .string(ticket)])
        if global.json {
            console.write(json: result)
            return .done
        }
        let diff = result["diff"]?.stringValue ?? ""
        guard console.isTerminal else {
            console.write(bytes: diff.utf8)
            return .done
        }
        if diff.isEmpty { console.say("no changes yet") }
        for line in diff.split(separator: "\n", omittingEmptySubsequences: false).dropLast(diff.hasSuffix("\n") ? 1 : 0)
        {
            console.write(Self.shown(String(line), colour: console.usesColour))
        }
        return .done
    }

    private static func shown(_ line: String, colour: Bool) -> String {
        let safe = SafeText.lines(line)
        guard colour else { return safe }
        let style: Table.Style =
            if line.hasPrefix("diff ") || line.hasPrefix("+++") || line.hasPrefix("---") {
                .faint
            } else if line.hasPrefix("+") {
                .good
            } else if line.hasPrefix("-") {
                .bad
            } else if line.hasPrefix("@@") {
                .attention
            } else {
                .plain
            }
        return style == .plain ? safe : style.rawValue + safe + "\u{1B}[0m"
    }
}
