import Core
import Foundation
import GRDB
import IPC
import Testing

@testable import Daemon

/// What a released orch has stored, every later one reads.
@Suite struct StoredFormatTests {
    private static func file(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: name)
    }

    private struct Line: Codable {
        var name: String
        var state: TicketState?
        var feedback: Feedback?
        var dealings: Dealings?
    }

    private static var lines: [Line] {
        StoredStates.all.map { Line(name: $0, state: $1) }
            + [Line(name: "dealings", dealings: StoredStates.dealings)]
            + StoredStates.feedbacks.map { Line(name: "feedback: \($0)", feedback: $1) }
    }

    @Test func everyStateThatWasEverStoredIsReadAsWhatItWas() throws {
        let golden = try String(contentsOf: Self.file("Golden/states.jsonl"), encoding: .utf8).split(separator: "\n")
            .map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        let known = Dictionary(grouping: golden, by: \.name)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for line in Self.lines {
            let text = String(decoding: try encoder.encode(line), as: UTF8.self)
            let old = try #require(known[line.name], "add to Golden/states.jsonl:\n\(text)")
            for old in old {
                #expect(old.state == line.state && old.feedback == line.feedback, "\(line.name)")
                #expect(old.dealings == line.dealings, "\(line.name)")
            }
        }
        #expect(Set(known.keys) == Set(Self.lines.map(\.name)))
    }

    private static let fixtures: [String] = {
        let folder = file("Fixtures").path
        return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".sql") }
            .sorted()
    }()

    @Test func thereIsAFixtureOfEveryVersion() {
        #expect(Self.fixtures == (1...Schema.version).map { "schema-\($0).sql" })
    }

    @Test(arguments: fixtures) func aDatabaseOfAnyVersionIsOpenedWithNothingLost(_ name: String) throws {
        let folder = try StateFolder()
        let old = try DatabaseQueue(path: folder.database)
        let sql = try String(contentsOf: Self.file("Fixtures/\(name)"), encoding: .utf8)
        try old.writeWithoutTransaction { try $0.execute(sql: sql) }
        let tables = ["repositories", "agents", "tickets", "descriptions", "locks", "runs", "events"]
        let (counts, states) = try old.read { database in
            (
                try tables.map { try Int.fetchOne(database, sql: "SELECT count(*) FROM \($0)")! },
                try Row.fetchAll(database, sql: "SELECT id, state, evidence FROM tickets").map {
                    [$0[0] as String, $0[1], $0[2]]
                }
            )
        }
        try old.close()

        let store = try Store(path: folder.database)
        defer { try? store.close() }
        let now = try store.pool.read { database in
            try tables.map { try Int.fetchOne(database, sql: "SELECT count(*) FROM \($0)")! }
        }
        #expect(now == counts && !counts.contains(0))
        let loaded = try store.load()
        let count = loaded.state.tickets.count + loaded.state.settled.count
        #expect(count == states.count && loaded.seq == counts.last)
        #expect(!loaded.state.settled.isEmpty)
        for state in states {
            let stored = try #require(try store.ticket(TicketID(state[0])))
            let ticket = stored.ticket
            #expect(ticket.state.name == state[1] && stored.evidence == state[2])
            if ticket.isSettled {
                #expect(loaded.state.settled[ticket.id] == ticket.end)
            } else {
                #expect(loaded.state.tickets.contains(ticket) && loaded.evidence[ticket.id] == state[2])
            }
            #expect(try !store.description(of: ticket.id).isEmpty)
            #expect(try store.runs(of: ticket.id).count == 1)
        }
        var core = Orchestrator(limits: .init(agents: 4, verificationSlots: 2), restoring: loaded.state)
        #expect(core.stored.tickets == loaded.state.tickets)
        #expect(core.stored.grants == loaded.state.grants)
        let used = loaded.state.tickets.compactMap(\.usage).isEmpty
        #expect(core.ledger.isEmpty == used && core.ledger == loaded.state.ledger)
        // And the next daemon can go on from there.
        #expect(!core.recover(at: Instant(milliseconds: 1_795_300_000_000)).effects.isEmpty)
        #expect(try store.events(after: 0, limit: 1000).map(\.seq) == (1...loaded.seq).map { $0 })
    }

    /// Not a test of anything: makes what the next fixture is dumped from. See Fixtures/make.sh.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["ORCH_FIXTURE"] != nil, "only for Fixtures/make.sh"))
    func aFixtureIsMade() throws {
        let store = try Store(path: try #require(ProcessInfo.processInfo.environment["ORCH_FIXTURE"]))
        try store.commit(StoredStates.batch())
        try store.close()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for line in Self.lines { print("GOLDEN " + String(decoding: try encoder.encode(line), as: UTF8.self)) }
    }
}
