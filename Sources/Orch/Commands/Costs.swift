import ArgumentParser
import IPC

struct Costs: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "What agents have used, in tokens and US dollars.",
        discussion: """
            ~ marks a cost that is an estimate, or holds one: it comes from `prices` in your configuration. +? says that \
            there is more, of which nobody knows the price. Days and months are those of UTC.
            """
    )

    enum Key: String, CaseIterable, ExpressibleByArgument {
        case ticket, agent, profile, day, month
    }

    @Option(name: .long, help: "Whose.")
    var by = Key.ticket
    @Option(name: .long, help: ArgumentHelp("From this day on, such as 2026-01-31.", valueName: "day"))
    var since: String?
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        var params: JSONObject = ["by": .string(by.rawValue)]
        params["since"] = since.map(JSONValue.string)
        let result = try global.connect(console).request("costs.list", params)
        guard !global.json else {
            console.write(json: result)
            return .done
        }
        let costs = result["costs"]?.arrayValue ?? []
        guard !costs.isEmpty, let total: UsageRow = try? result["total"]?.decode() else {
            console.write("no agent has said what it used")
            return .done
        }
        console.write(table(costs, total))
        for line in SpentText.lines(result) { console.write(SafeText.line(line)) }
        if total.unpriced > 0 {
            console.write("nobody knows what \(UsageText.tokens(total.unpriced)) tokens cost; `prices` can say")
        }
        return .done
    }

    private func table(_ costs: [JSONValue], _ total: UsageRow) -> Table {
        var table = Table(
            .init(by.rawValue.uppercased()),
            .init("RUNS", isRightAligned: true),
            .init("INPUT", isRightAligned: true),
            .init("OUTPUT", isRightAligned: true),
            .init("CACHE READ", isRightAligned: true),
            .init("CACHE WRITE", isRightAligned: true),
            .init("USD", isRightAligned: true)
        )
        func row(_ name: String, _ runs: Int, _ usage: UsageRow) -> [Table.Cell] {
            [
                .init(name), .init(String(runs)), .init(UsageText.tokens(usage.input)),
                .init(UsageText.tokens(usage.output)), .init(UsageText.tokens(usage.cache_read)),
                .init(UsageText.tokens(usage.cache_write)), .init(UsageText.cost(usage)),
            ]
        }
        var runs = 0
        for cost in costs {
            guard let usage: UsageRow = try? cost["usage"]?.decode() else { continue }
            let count = cost["runs"]?.intValue ?? 0
            runs += count
            table.rows.append(row(cost["key"]?.stringValue ?? "?", count, usage))
        }
        // A run that goes on over midnight is one of both days, and yet one run.
        let isTime = by == .day || by == .month
        if table.rows.count > 1 {
            var last = row("all", runs, total)
            if isTime { last[1] = .init("") }
            table.rows.append(last)
        }
        return table
    }
}

/// What was used today and this month, and of how much.
enum SpentText {
    /// `today       ~3.20 of 50.00 USD, 1.2M of 20M tokens`.
    static func lines(_ values: JSONValue) -> [String] {
        [("today", "spent_today", "day"), ("this month", "spent_month", "month")].compactMap { name, key, span in
            let budget: AllowanceRow? = try? values["budgets"]?[span]?.decode()
            let known: UsageRow? = try? values[key]?.decode()
            guard known != nil || budget != nil else { return nil }
            return "\(name): \(UsageText.spent(known ?? UsageRow(), of: budget))"
        }
    }
}
