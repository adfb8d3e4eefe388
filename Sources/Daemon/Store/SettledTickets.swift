import Core
import Foundation
import GRDB

// Of a settled ticket, which never changes again, the daemon keeps how it ended. The rest is read when somebody asks: a
// start takes as long, and a daemon as much memory, as there is work left, however much has been done.

extension Store {
    /// What a start reads of the tickets.
    struct Tickets {
        private(set) var unsettled: [Ticket] = []
        private(set) var settled: [TicketID: End] = [:]
        /// Of the unsettled ones.
        private(set) var evidence: [TicketID: String] = [:]
        private(set) var newestEvidence = 0
        private(set) var repositories: [RepositoryID: TicketID] = [:]

        /// A value's keys stand in its JSON as they are, while quotes within its strings are escaped: a body that is found
        /// to say `"tidy":"done"` says so. One that should, and does not, is decoded like the rest.
        init(_ database: Database) throws {
            let sql = """
                SELECT id, repository, CAST(evidence AS INTEGER), CASE WHEN \(Self.isSettled) THEN state = 'merged' END
                FROM tickets
                """
            let decoder = JSONDecoder()
            let rows = try Row.fetchCursor(database, sql: sql)
            while let row = try rows.next() {
                let id = TicketID(row[0])
                let repository = RepositoryID(row[1])
                if repositories[repository] == nil { repositories[repository] = id }
                newestEvidence = max(newestEvidence, row[2])
                if let hasLanded = row[3] as Bool? {
                    settled[id] = hasLanded ? .merged : .cancelled
                } else if let stored = try Store.ticket(id, database, decoder) {
                    unsettled.append(stored.ticket)
                    evidence[id] = stored.evidence
                }
            }
        }

        fileprivate static let isSettled = """
            finished IS NOT NULL AND (body GLOB '*"tidy":"done"*' OR body GLOB '*"tidy":"left"*')
            """
    }

    /// A ticket as it is stored, and the event that brought it into its state.
    struct StoredTicket {
        let ticket: Ticket
        let evidence: String
    }

    /// Nil when there is none.
    func ticket(_ id: TicketID) throws -> StoredTicket? {
        try pool.read { try Self.ticket(id, $0, JSONDecoder()) }
    }

    static func ticket(_ id: TicketID, _ database: Database, _ decoder: JSONDecoder) throws -> StoredTicket? {
        let statement = try database.cachedStatement(sql: "SELECT id, body, evidence FROM tickets WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).map { try stored($0, decoder) }
    }

    /// Hands over every settled ticket, in the order of arrival.
    func eachSettled(_ body: (StoredTicket) throws -> Void) throws {
        try pool.read { try Self.eachSettled($0, body) }
    }

    static func eachSettled(_ database: Database, _ body: (StoredTicket) throws -> Void) throws {
        let sql = "SELECT id, body, evidence FROM tickets WHERE \(Tickets.isSettled) ORDER BY serial"
        let decoder = JSONDecoder()
        let rows = try Row.fetchCursor(database, sql: sql)
        while let row = try rows.next() { try body(stored(row, decoder)) }
    }

    private static func stored(_ row: Row, _ decoder: JSONDecoder) throws -> StoredTicket {
        StoredTicket(ticket: try value(row[1], row: row[0], of: "tickets", decoder), evidence: row[2])
    }

    /// The repository of a ticket; nil when there is no such ticket.
    func repository(of id: TicketID) throws -> RepositoryID? {
        try pool.read { database in
            let statement = try database.cachedStatement(sql: "SELECT repository FROM tickets WHERE id = ?")
            return try String.fetchOne(statement, arguments: [id.text]).map { RepositoryID($0) }
        }
    }
}

extension Engine.View {
    /// Every ticket, settled ones as well, in the order of arrival. Takes long where there are many: never on the engine's
    /// loop.
    func allTickets(from store: Store) throws -> [Store.StoredTicket] {
        var all = core.tickets.values.map { Store.StoredTicket(ticket: $0, evidence: evidence[$0.id] ?? "") }
        guard !core.settled.isEmpty else { return all.sorted { $0.ticket.serial < $1.ticket.serial } }
        // One that has settled since is among the others here.
        try store.eachSettled { if core.settled[$0.ticket.id] != nil { all.append($0) } }
        return all.sorted { $0.ticket.serial < $1.ticket.serial }
    }
}
