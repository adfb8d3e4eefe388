import Daemon
import Foundation

/// What the tickets of a trial came to.
struct TrialResult {
    let agents: Int
    let round: Int
    /// From the first ticket filed to the last one's end.
    let seconds: Double
    /// How often one needed a human, and was cancelled.
    let humans: Int
    let report: MetricsReport

    var landed: Int { report.all.landed }
    var landedPerHour: Double { seconds > 0 ? Double(landed) * 3600 / seconds : 0 }

    /// Columns are never renamed; new ones come at the end.
    static let columns: [(name: String, value: @Sendable (TrialResult) -> String)] = [
        ("agents", { "\($0.agents)" }),
        ("round", { "\($0.round)" }),
        ("landed", { "\($0.landed)" }),
        ("cancelled", { "\($0.report.all.cancelled)" }),
        ("needed_human", { "\($0.humans)" }),
        ("seconds", { decimal($0.seconds) }),
        ("landed_per_hour", { decimal($0.landedPerHour) }),
        ("lead_median_seconds", { $0.report.all.lead.map { decimal($0.median) } ?? "" }),
        ("lead_p90_seconds", { $0.report.all.lead.map { decimal($0.p90) } ?? "" }),
        ("sent_back", { "\($0.report.sentBack)" }),
        ("conflicts", { "\($0.report.conflicts)" }),
        ("evictions", { "\($0.report.evictions)" }),
    ]

    static func csv(_ results: [TrialResult]) -> String {
        let rows = results.map { result in columns.map { $0.value(result) }.joined(separator: ",") }
        return ([columns.map(\.name).joined(separator: ",")] + rows).joined(separator: "\n") + "\n"
    }

    private static func decimal(_ number: Double) -> String { String(format: "%.3f", number) }
}

extension TrialResult {
    /// A bar for each number of agents, as long as what landed in an hour is to the most that did.
    static func table(_ results: [TrialResult], width: Int = 24) -> Table {
        func right(_ heading: String) -> Table.Column { .init(heading, isRightAligned: true) }
        var table = Table(
            right("AGENTS"),
            right("LANDED"),
            right("TOOK"),
            right("LEAD TIME"),
            right("NINE IN TEN"),
            right("WENT BACK"),
            right("CONFLICTS"),
            right("AN HOUR"),
            .init("")
        )
        let most = results.map(\.landedPerHour).max() ?? 0
        table.rows = results.map { result in
            let bar = most > 0 ? Int((result.landedPerHour / most * Double(width)).rounded()) : 0
            let lead = result.report.all.lead
            let isWhole = result.report.all.cancelled == 0
            return [
                .init("\(result.agents)"), .init("\(result.landed)", isWhole ? .plain : .attention),
                .init(Moments.length(result.seconds)), .init(lead.map { Moments.length($0.median) }),
                .init(lead.map { Moments.length($0.p90) }), .init("\(result.report.sentBack)"),
                .init("\(result.report.conflicts)"), .init(String(format: "%.1f", result.landedPerHour)),
                .init(String(repeating: "#", count: bar)),
            ]
        }
        return table
    }
}
