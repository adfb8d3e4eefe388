import ArgumentParser
import IPC

struct List: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "List tickets, unfinished ones only without --all.",
        discussion: "With --json, an array of all tickets, finished ones too."
    )

    @Flag(name: .shortAndLong, help: "Finished tickets, too.")
    var all = false
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let result = try client.request("ticket.list", ["all": .bool(all || global.json)])
        let tickets = result["tickets"]?.arrayValue ?? []
        if global.json {
            console.write(json: .array(tickets))
            return .done
        }
        let rows: [TicketRow] = tickets.compactMap { try? $0.decode() }
        if rows.isEmpty {
            console.write(
                all
                    ? "no tickets yet; file one with: orch new \"TITLE\""
                    : "no unfinished tickets; --all shows every one"
            )
        } else {
            console.write(Self.table(rows))
        }
        return .done
    }

    static func table(_ rows: [TicketRow]) -> Table {
        // Where no agent says what it uses, there is nothing to show.
        let hasUsage = rows.contains { $0.usage != nil }
        let cost: [Table.Column] = hasUsage ? [.init("USD", isRightAligned: true)] : []
        var table = Table(
            columns: [
                .init("ID"), .init("STATE"), .init("PRI", isRightAligned: true), .init("AGENT"),
                .init("AGE", isRightAligned: true),
            ] + cost + [.init("TITLE", least: 12), .init("REASON", least: 12)]
        )
        table.rows = rows.map { row in
            [
                .init(row.id), .init(row.shownState, Table.Style(state: row.shownState)), .init(String(row.priority)),
                .init(row.agent), .init(Moments.age(row.since)),
            ] + (hasUsage ? [.init(row.usage.map(UsageText.cost))] : []) + [.init(row.title), .init(row.reasonNow)]
        }
        return table
    }
}
