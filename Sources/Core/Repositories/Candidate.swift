/// A commit built from a ticket's work on top of the target branch, touching nobody's checkout. Its tree is what is
/// tested, and the commit is what lands, byte for byte.
public struct Candidate: Equatable, Sendable, Codable {
    public var commit: ObjectID
    public var tree: ObjectID
    /// The target branch's commit it sits on.
    public var tip: ObjectID
    /// The ticket's branch it holds.
    public var head: ObjectID
    /// Every path that differs from the tip; both sides of renames.
    public var paths: [String]
    /// The rules at the tip.
    public var rules: Rules
    /// `Rules.digest` of the candidate's own tree.
    public var ownDigest: String
    /// Names what its verifiers find outside of its tree: the programs they are, their declared inputs, copied files. Nil
    /// where nobody has looked; a PASS then holds for this ticket alone.
    public var surroundings: String?

    public init(
        commit: ObjectID,
        tree: ObjectID,
        tip: ObjectID,
        head: ObjectID,
        paths: [String],
        rules: Rules,
        ownDigest: String,
        surroundings: String? = nil
    ) {
        self.commit = commit
        self.tree = tree
        self.tip = tip
        self.head = head
        self.paths = paths
        self.rules = rules
        self.ownDigest = ownDigest
        self.surroundings = surroundings
    }

    /// What a PASS of it is a PASS of.
    public var proof: Proof { Proof(tree: tree, fingerprint: rules.fingerprint, surroundings: surroundings) }
}
