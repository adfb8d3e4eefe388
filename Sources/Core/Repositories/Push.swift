/// Where a repository's target branch is pushed after a landing: `landing.push` of its configuration.
public struct PushPolicy: Hashable, Codable, Sendable {
    /// A URL, or an absolute path.
    public var remote: String

    public init(remote: String = "") { self.remote = remote }

    /// In one sentence, why orch does not push there; nil where it does.
    public static func problem(_ remote: String) -> String? {
        let isPlain = remote.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        guard isPlain, !remote.isEmpty, !remote.hasPrefix("-") else { return "\(quoted(remote)) is no URL" }
        if remote.hasPrefix("/") { return nil }
        if let scheme = remote.firstRange(of: "://") {
            let name = remote[..<scheme.lowerBound]
            guard ["https", "ssh", "file", "http"].contains(name) else {
                return
                    "orch does not push by \(quoted(String(name))); write an https, ssh or file URL, or an absolute path"
            }
            let host = remote[scheme.upperBound...].prefix { $0 != "/" }
            let user = host.lastIndex(of: "@").map { host[..<$0] } ?? ""
            return user.contains(":")
                ? "it holds a password, which everyone may read; leave that to git's credentials" : nil
        }
        if remote.contains("::") { return "\(quoted(remote)) names a program; write a URL or an absolute path" }
        // `host:path`, as ssh has it.
        let host = remote.prefix { $0 != ":" && $0 != "/" }
        if !host.isEmpty, remote.dropFirst(host.count).first == ":", remote.count > host.count + 1 { return nil }
        return "\(quoted(remote)) is neither a URL nor an absolute path; what a remote's name stands for is in "
            + ".git/config, which agents can write, so write what `git remote get-url --push \(remote)` says"
    }
}

/// A target branch that its remote has yet to get.
public struct Push: Equatable, Sendable, Codable {
    /// See `PushPolicy`: that of the rules under which the commit landed.
    public var remote: String
    /// The newest commit of the target.
    public var commit: ObjectID
    /// Why the last attempt came to nothing.
    public var problem: Problem?

    public struct Problem: Equatable, Sendable, Codable {
        public var reason: String
        /// It is tried again all the same, but hardly goes away by itself.
        public var needsHuman: Bool

        public init(reason: String, needsHuman: Bool) {
            self.reason = reason
            self.needsHuman = needsHuman
        }
    }

    public init(remote: String, commit: ObjectID, problem: Problem? = nil) {
        self.remote = remote
        self.commit = commit
        self.problem = problem
    }
}

/// What the world is asked to push. Answer: `targetPushed`, also where the remote has it already, or `pushFailed`.
public struct PushOrder: Equatable, Sendable {
    public let repository: RepositoryID
    public let remote: String
    public let commit: ObjectID

    public init(repository: RepositoryID, remote: String, commit: ObjectID) {
        self.repository = repository
        self.remote = remote
        self.commit = commit
    }
}

extension Repository {
    /// What is to be pushed of it.
    public var pushOrder: PushOrder? { push.map { PushOrder(repository: id, remote: $0.remote, commit: $0.commit) } }
}
