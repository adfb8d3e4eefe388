import ArgumentParser
import Core
import Daemon
import Foundation
import IPC

struct Report: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what the tickets of a period came to: how many landed, how long they took, and on what.",
        discussion: """
            Every ticket that ends is a row of metrics/tickets.csv in the state directory; this reads it, with or without \
            a daemon. Lead time is from filed to landed.
            """
    )

    @Option(
        name: .long,
        help: ArgumentHelp("How far to look back, such as 7d or 12h; without it, at all.", valueName: "age")
    )
    var since: String?
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let file = try global.paths(console).metrics + "/tickets.csv"
        let report = try report(of: file)
        if global.json {
            console.write(json: .object(Self.json(report)))
        } else {
            tell(report, console)
        }
        return .done
    }

    private func report(of file: String) throws -> MetricsReport {
        var first: Instant?
        if let since {
            do {
                let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
                first = now + (.zero - (try DurationText.parse(since)))
            } catch {
                throw CommandError(.usage, "--since \(since): \(error)")
            }
        }
        guard let bytes = FileManager.default.contents(atPath: file) else {
            throw CommandError.failed(
                "there is no \(file) yet",
                hint: "a daemon makes it; name the place with --state-dir if it is another"
            )
        }
        do {
            return try MetricsReport(csv: String(decoding: bytes, as: UTF8.self), since: first)
        } catch {
            throw CommandError.failed(
                "\(file) is no table of orch's: \(error)",
                hint: "move it away; the daemon begins a new one"
            )
        }
    }

    // MARK: for people

    private func tell(_ report: MetricsReport, _ console: Console) {
        let period = since.map { "in \($0)" } ?? "so far"
        guard report.all.landed + report.all.cancelled > 0 else {
            return console.write("no ticket has ended \(period)")
        }
        console.write("\(Self.counts(report.all)) \(period)")
        if let lead = report.all.lead {
            console.write("lead time \(Moments.length(lead.median)), nine in ten \(Moments.length(lead.p90))")
        }
        console.write(
            "\(report.all.reworked) went back to their agents, \(Self.count(report.conflicts, "conflict")), "
                + "\(Self.count(report.evictions, "eviction")); +\(report.insertions) −\(report.deletions) lines"
        )
        if report.tokens > 0 { console.write("agents used \(UsageText.sentence(Self.usage(report)))") }
        console.write("")
        console.write(Self.spent(report))
        guard report.byProfile.count > 1 else { return }
        console.write("")
        console.write(Self.profiles(report))
    }

    private static func usage(_ report: MetricsReport) -> UsageRow {
        UsageRow(
            input: 0,
            output: 0,
            cache_read: 0,
            cache_write: 0,
            tokens: report.tokens,
            cost_usd: report.cost,
            estimated: report.estimated,
            unpriced: report.unpriced
        )
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func counts(_ group: MetricsReport.Group) -> String {
        "\(group.landed) landed, \(group.cancelled) cancelled"
    }

    private static func spent(_ report: MetricsReport) -> Table {
        var table = Table(
            .init("TIME SPENT ON"),
            .init("MEDIAN", isRightAligned: true),
            .init("P90", isRightAligned: true),
            .init("OF ALL", isRightAligned: true)
        )
        func row(_ name: String, _ spread: MetricsReport.Spread, _ part: Double) -> [Table.Cell] {
            [
                .init(name), .init(Moments.length(spread.median)), .init(Moments.length(spread.p90)),
                .init("\(Int((part * 100).rounded()))%"),
            ]
        }
        for (name, spread, part) in report.spent {
            table.rows.append(row(name, spread, part))
            guard name == "queue" else { continue }
            table.rows += report.waited.map { row("  for \(waitNames[$0.name] ?? $0.name)", $0.spread, $0.part) }
        }
        return table
    }

    private static let waitNames = ["lock": "locks", "agent": "an agent", "machine": "the machine", "halt": "resume"]

    private static func profiles(_ report: MetricsReport) -> Table {
        var table = Table(
            .init("PROFILE"),
            .init("LANDED", isRightAligned: true),
            .init("CANCELLED", isRightAligned: true),
            .init("WENT BACK", isRightAligned: true),
            .init("LEAD TIME", isRightAligned: true)
        )
        table.rows = report.byProfile.sorted { $0.key < $1.key }.map { name, group in
            [
                .init(name), .init("\(group.landed)"), .init("\(group.cancelled)"), .init("\(group.reworked)"),
                .init(group.lead.map { Moments.length($0.median) }),
            ]
        }
        return table
    }

    // MARK: for programs

    /// To three digits, which is what the file has.
    private static func rounded(_ number: Double) -> JSONValue { .double((number * 1000).rounded() / 1000) }

    private static func json(_ report: MetricsReport) -> JSONObject {
        func object(_ spent: [(name: String, spread: MetricsReport.Spread, part: Double)]) -> JSONValue {
            var object = JSONObject()
            for (name, spread, part) in spent {
                object[name] = ["median": rounded(spread.median), "p90": rounded(spread.p90), "part": rounded(part)]
            }
            return .object(object)
        }
        var result = json(report.all)
        result["conflicts"] = JSONValue(report.conflicts)
        result["evictions"] = JSONValue(report.evictions)
        result["tokens"] = JSONValue(report.tokens)
        result["cost_usd"] = .double((report.cost * 1_000_000).rounded() / 1_000_000)
        result["estimated"] = .double((report.estimated * 1_000_000).rounded() / 1_000_000)
        result["unpriced"] = JSONValue(report.unpriced)
        result["insertions"] = JSONValue(report.insertions)
        result["deletions"] = JSONValue(report.deletions)
        result["seconds"] = object(report.spent)
        result["queue_seconds"] = object(report.waited)
        var profiles = JSONObject()
        for (name, group) in report.byProfile { profiles[name] = .object(json(group)) }
        result["profiles"] = .object(profiles)
        return result
    }

    private static func json(_ group: MetricsReport.Group) -> JSONObject {
        var object: JSONObject = [
            "landed": JSONValue(group.landed), "cancelled": JSONValue(group.cancelled),
            "reworked": JSONValue(group.reworked),
        ]
        if let lead = group.lead {
            object["lead_seconds"] = .object(["median": rounded(lead.median), "p90": rounded(lead.p90)])
        }
        return object
    }
}
