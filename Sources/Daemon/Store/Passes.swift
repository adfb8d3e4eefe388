import Core
import GRDB

// What has passed: a tree, by what judged it and what that found around it. Core decides whether one of them is the same.

extension Store {
    /// What the tree has passed as, for any ticket of the repository.
    func passes(of tree: ObjectID, in repository: RepositoryID) throws -> [Proof] {
        try pool.read { database in
            let sql = "SELECT fingerprint, surroundings FROM passes WHERE repository = ? AND tree = ?"
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [repository.text, tree.text])
                .map { Proof(tree: tree, fingerprint: $0[0], surroundings: $0[1]) }
        }
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
