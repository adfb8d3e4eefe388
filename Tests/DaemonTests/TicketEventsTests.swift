import Core
import Foundation
import GRDB
import IPC
import Testing

@testable import Daemon

/// What one ticket went through, among what all the others did.
@Suite struct TicketEventsTests {
    /// `T-1` and `T-2`, each stopped and continued a few times, in turns.
    private func start(_ folder: StateFolder) throws -> EngineAtWork {
        let running = try folder.engine()
        try running.register()
        for id in ["T-1", "T-2"] { _ = try running.enqueue(id).get() }
        for _ in 0..<3 {
            for command in [Command.stop, .continue] {
                _ = try running.ask(.commandGiven(command, TicketID("T-2"))).get()
            }
        }
        return running
    }

    @Test func theNewestBetweenTwoOthersComeInTheirOrder() throws {
        let running = try start(try StateFolder())
        let store = running.store
        let ticket = TicketID("T-2")
        let own = running.said.lines.filter { $0.ticket == ticket.text && $0.seq != nil }
        #expect(own.count == 7)
        let seqs = own.compactMap(\.seq)
        let all = try store.events(of: ticket, after: 0, before: .max, limit: 7)
        #expect(all.events == own && !all.hasMore)
        let newest = try store.events(of: ticket, after: 0, before: .max, limit: 3)
        #expect(newest.events.map(\.seq) == seqs.suffix(3) && newest.hasMore)
        let before = try store.events(of: ticket, after: 0, before: seqs[4], limit: 3)
        #expect(before.events.map(\.seq) == seqs[1...3].map { $0 } && before.hasMore)
        let after = try store.events(of: ticket, after: seqs[4], before: .max, limit: 3)
        #expect(after.events.map(\.seq) == seqs.suffix(2) && !after.hasMore)
        #expect(try store.events(of: ticket, after: 0, before: seqs[0], limit: 3).events.isEmpty)
        try running.stop()
    }

    /// However long the history of all the others is.
    @Test func noneOfAnotherIsLookedAt() throws {
        let running = try start(try StateFolder())
        let plan = try running.store.pool.read { database in
            try Row.fetchAll(
                database,
                sql: "EXPLAIN QUERY PLAN " + Store.newestOfTicket,
                arguments: ["T-2", 0, 9, 3]
            )
            .map { $0["detail"] as String }
        }
        #expect(plan == ["SEARCH events USING INDEX events_by_ticket (ticket=? AND rowid>? AND rowid<?)"])
        try running.stop()
    }
}
