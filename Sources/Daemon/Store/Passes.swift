import Core
import GRDB
import IPC

// What has passed: a tree, by what judged it and what that found around it. Core decides whether one of them is the same.

/// A PASS that another commit is let through on: who was judged then, and how.
struct EarlierPass: Equatable {
    let ticket: TicketID
    /// The checks it passed, in order; at least one.
    let runs: [RunRow]

    /// The commit that was judged; nil where that was not noted yet.
    var commit: String? { runs.last?.commit }
    /// When the last of them had passed.
    var time: String? { runs.last?.ended }
}

extension Store {
    /// What the tree has passed as, for any ticket of the repository.
    func passes(of tree: ObjectID, in repository: RepositoryID) throws -> [Proof] {
        try pool.read { database in
            let sql = "SELECT fingerprint, surroundings FROM passes WHERE repository = ? AND tree = ?"
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [repository.text, tree.text])
                .map { Proof(tree: tree, fingerprint: $0[0], surroundings: $0[1]) }
        }
    }

    /// What it was that has passed as `proof`: for any ticket of the repository, or else for this one.
    func earlierPass(_ proof: Proof, for ticket: Ticket) throws -> EarlierPass? {
        try pool.read { database in
            let sql = """
                SELECT ticket, time FROM passes
                WHERE repository = ? AND tree = ? AND fingerprint = ? AND surroundings = ?
                """
            let key = [ticket.repository.text, proof.tree.text, proof.fingerprint, proof.surroundings]
            let known = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: StatementArguments(key))
            let judged = TicketID(known.map { $0[0] } ?? ticket.id.text)
            let runs = try Self.runs(of: judged, judging: proof, until: known.map { $0[1] } ?? .max, database)
            return runs.isEmpty ? nil : EarlierPass(ticket: judged, runs: runs)
        }
    }

    /// The runs of another ticket on whose PASS this one was last let through; none where its own have passed.
    func reusedRuns(for ticket: Ticket, having own: [RunRow]) throws -> [RunRow] {
        guard let proof = ticket.proof, let earlier = try earlierPass(proof, for: ticket), earlier.ticket != ticket.id
        else { return [] }
        let passed = Set(own.filter { $0.tree == proof.tree.text && $0.state == "passed" }.map(\.name))
        guard !passed.isSuperset(of: earlier.runs.map(\.name)) else { return [] }
        return earlier.runs.map { run in
            var run = run
            run.reused = true
            return run
        }
    }

    /// The newest run of each check that has passed, of those asked for until then.
    private static func runs(
        of ticket: TicketID,
        judging proof: Proof,
        until time: Int64,
        _ database: Database
    ) throws -> [RunRow] {
        let condition = "tree = ? AND state = 'passed' AND requested <= ?"
        let runs = try runs(of: ticket, where: condition, [proof.tree.text, time], database)
        let newest = Dictionary(runs.map { ($0.name, $0) }) { $1 }
        return proof.checks.compactMap { newest[$0] }
    }

    /// The first of several that are the same stays.
    static func write(_ pass: Pass, _ time: Instant, _ database: Database) throws {
        let sql = "INSERT INTO passes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        let proof = pass.proof
        try database.cachedStatement(sql: sql).execute(
            arguments: [
                pass.repository.text, proof.tree.text, proof.fingerprint, proof.surroundings, pass.ticket.text,
                time.milliseconds,
            ])
    }
}
