import Core
import Foundation

/// What one run has used of an agent's session: the run folder's `usage.json`. Some agents report nothing but what a
/// session has used in all; a later run in it takes off what was used before.
struct SessionUsage: Codable, Equatable, Sendable {
    private static let name = "usage.json"

    let session: String
    let usage: UsageReport

    /// Where it cannot be written, the next run in the session counts too much.
    func keep(in folder: RunFolder) {
        guard let bytes = try? JSONEncoder().encode(self) else { return }
        try? folder.write(Self.name, Array(bytes))
    }

    /// What the runs of a ticket before this one have used in that session; nil where none says so.
    static func before(_ run: RunID, in session: String, _ supervisor: RunSupervisor) -> UsageReport? {
        var sum: UsageReport?
        for number in 1..<max(1, run.number) {
            let folder = RunFolder(path: supervisor.folder(of: RunID(ticket: run.ticket, number: number)))
            guard let bytes = folder.read(name), let kept = try? JSONDecoder().decode(Self.self, from: Data(bytes)),
                kept.session == session
            else { continue }
            sum = (sum ?? UsageReport()) + kept.usage
        }
        return sum
    }
}

extension UsageReport {
    static func + (a: Self, b: Self) -> Self {
        UsageReport(
            models: a.models.merging(b.models) { a, b in
                OfModel(tokens: a.tokens + b.tokens, cost: a.cost.map { $0 + (b.cost ?? 0) } ?? b.cost)
            }
        )
    }
}
