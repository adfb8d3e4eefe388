/// What a PASS is a PASS of: a tree, the commands that judged it, and what they found outside of it. Verification that would
/// judge the same three again is spared; where one of them is another, nothing is known.
public struct Proof: Hashable, Sendable, Codable {
    public var tree: ObjectID
    /// `Rules.fingerprint`.
    public var fingerprint: String
    /// `Candidate.surroundings`.
    public var surroundings: String?

    public init(tree: ObjectID, fingerprint: String, surroundings: String? = nil) {
        self.tree = tree
        self.fingerprint = fingerprint
        self.surroundings = surroundings
    }
}

extension Proof {
    /// The names of what judged it, in order: the setup, where there was one, then the verifiers.
    public var checks: [String] {
        fingerprint.split(separator: "\u{1F}", omittingEmptySubsequences: false).dropFirst()
            .map { String($0.prefix { $0 != "\u{1E}" }) }
    }
}

extension Candidate {
    /// Whether it need not be judged: it has passed as this very candidate for the ticket, or as one of `passes`.
    public func hasPassed(for ticket: Ticket, or passes: [Proof] = []) -> Bool {
        ticket.proof == proof || passes.contains(proof)
    }
}

/// A PASS that holds for every ticket of the repository, and is kept for good. There is none of a FAIL.
public struct Pass: Equatable, Sendable {
    public let repository: RepositoryID
    public let proof: Proof
    /// Whose work it was given to first.
    public let ticket: TicketID

    public init(repository: RepositoryID, proof: Proof, ticket: TicketID) {
        self.repository = repository
        self.proof = proof
        self.ticket = ticket
    }
}
