import Core

/// How much a landed ticket has changed.
struct ChangedLines: Equatable {
    var files = 0
    var insertions = 0
    var deletions = 0

    /// From the answer of `git diff --numstat`; binary files count as files alone.
    init(numstat lines: [String]) {
        for line in lines {
            let fields = line.split(separator: "\t", maxSplits: 2)
            guard fields.count == 3 else { continue }
            files += 1
            insertions += Int(fields[0]) ?? 0
            deletions += Int(fields[1]) ?? 0
        }
    }
}

/// The rows of `metrics/tickets.csv`: one for each ticket that has ended, in the order they ended. Moments are RFC 3339 in
/// UTC, times are seconds, and what there is none of is empty. Columns may be added at the end.
enum MetricsTable {
    static let columns =
        [
            "seq", "ticket", "repository", "profile", "priority", "outcome", "queued", "started", "first_commit",
            "verified", "approved", "finished", "attempts", "sent_back", "conflicts", "evictions",
            "failed_verifications",
        ] + TicketHistory.Share.allCases.map { "\($0.rawValue)_seconds" } + [
            "files", "insertions", "deletions", "commit",
        ] + Wait.allCases.map { "\($0.rawValue)_wait_seconds" } + UsageTable.usageColumns

    static let heading = columns.joined(separator: ",") + "\n"

    static func row(
        _ seq: Int,
        _ ticket: TicketID,
        _ history: TicketHistory,
        repository path: String?,
        changed: ChangedLines?
    ) -> [String] {
        func moment(_ instant: Instant?) -> String { instant.map(Timestamp.text) ?? "" }
        func number(_ number: Int?) -> String { number.map { "\($0)" } ?? "" }
        return
            [
                "\(seq)", ticket.text, path ?? "", history.profile ?? "", "\(history.priority)",
                history.hasLanded ? "landed" : "cancelled", moment(history.queued), moment(history.started),
                moment(history.firstCommit), moment(history.verified), moment(history.approved),
                moment(history.finished), "\(history.attempts)", "\(history.sentBack)", "\(history.conflicts)",
                "\(history.evictions)", "\(history.failedVerifications)",
            ]
            + TicketHistory.Share.allCases.map { seconds(history.milliseconds[$0] ?? 0) } + [
                number(changed?.files), number(changed?.insertions), number(changed?.deletions), history.commit ?? "",
            ] + Wait.allCases.map { history.waits[$0].map(seconds) ?? "" } + UsageTable.fields(history.usage)
    }

    static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\n" }

    private static func seconds(_ milliseconds: Int64) -> String {
        let rest = "\(1000 + milliseconds % 1000)".dropFirst()
        return "\(milliseconds / 1000).\(rest)"
    }

    /// As RFC 4180 has it.
    private static func quoted(_ field: String) -> String {
        guard field.contains(where: { ",\"\r\n".contains($0) }) else { return field }
        return "\"" + field.replacing("\"", with: "\"\"") + "\""
    }

    /// The number in the first field of a row.
    static func seq(ofRow row: String) -> Int? { Int(row.prefix { $0 != "," }) }
}
