import Core
import Foundation
import GRDB
import IPC

// What one ticket went through. It is found by an index: a long history of others costs nothing.

extension Store {
    /// The events of a ticket that are read for its timeline, newest first.
    static let newestOfTicket = """
        SELECT seq, name, line FROM events WHERE ticket = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?
        """

    /// The newest events of a ticket between two others, oldest first.
    ///
    /// - Parameters:
    ///   - after: the number of an event before them.
    ///   - before: the number of an event behind them.
    /// - Returns: at most `limit`, and whether there are earlier ones.
    func events(of ticket: TicketID, after: Int, before: Int, limit: Int) throws -> (
        events: [PublishedLine], hasMore: Bool
    ) {
        try pool.read { database in
            // One more than is wanted tells whether there is more.
            let rows = try Row.fetchAll(
                database.cachedStatement(sql: Self.newestOfTicket),
                arguments: [ticket.text, after, before, limit + 1]
            )
            let events = rows.prefix(limit).reversed().map { row in
                PublishedLine(seq: row[0], topic: row[1], ticket: ticket.text, bytes: [UInt8](row[2] as Data))
            }
            return (events, rows.count > limit)
        }
    }

    /// The events of a ticket that have one of these names, oldest first.
    func events(of ticket: TicketID, named names: [String], through last: Int) throws -> [PublishedLine] {
        try pool.read { database in
            let places = names.map { _ in "?" }.joined(separator: ", ")
            let sql = """
                SELECT seq, name, line FROM events WHERE ticket = ? AND seq <= ? AND name IN (\(places)) ORDER BY seq
                """
            let arguments: StatementArguments = [ticket.text, last] + StatementArguments(names)
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
                PublishedLine(seq: row[0], topic: row[1], ticket: ticket.text, bytes: [UInt8](row[2] as Data))
            }
        }
    }
}
