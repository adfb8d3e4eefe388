import Core
import Foundation
import IPC

extension Gateway {
    /// Registers a repository; with `trust`, also accepts what its `.orch/` asks orch to execute.
    func addRepository(_ params: Params, _ reply: Reply) throws(RPCError) {
        try register(params, trusting: try params.bool("trust", default: false), reply)
    }

    /// Accepts a repository's `.orch/` as it stands on the target branch.
    func trustRepository(_ params: Params, _ reply: Reply) throws(RPCError) {
        try register(params, trusting: true, reply)
    }

    private func register(_ params: Params, trusting: Bool, _ reply: Reply) throws(RPCError) {
        let path = try params.string("path")
        let digests = try params.optionalStrings("digests")
        effects.read { [self] in
            let found: RepositoryOnDisk
            do { found = try effects.find(path) } catch {
                return reply(.failure(RPCError(describing: error)))
            }
            FaultPoint.registrationFound.pass()
            ask(found.asked(trusting: trusting, digests: digests), reply) { [effects] result, view in
                if case .failure(let refusal) = result { return reply(.failure(RPCError(refusal))) }
                let known = view.core.repositories.values.first { $0.path == found.path }!
                effects.seeTarget(of: known)
                effects.keepSpares(of: known)
                reply(
                    .success([
                        "repository": .object(view.rows.repository(known)), "digest": .string(found.digest),
                        "trusted": .bool(known.trusted.contains(found.digest)),
                    ])
                )
            }
        }
    }
}

extension EffectRunner {
    /// Finds the repository that holds `path`, which must be absolute: a client's working directory is not ours.
    func find(_ path: String) throws -> RepositoryOnDisk {
        guard path.hasPrefix("/") else {
            throw GitError(.notFound, "look for a repository", "\(path) is not an absolute path")
        }
        return try RepositoryOnDisk(path, stateDirectory: environment.paths.directory, git: environment.git)
    }

    // MARK: what readers ask

    /// The work of a ticket against what it was started from.
    func diff(of ticket: Ticket, in repository: Core.Repository) -> Result<JSONValue, RPCError> {
        Gateway.result {
            let git = try open(repository)
            guard let (base, head) = try range(of: ticket, git) else {
                return ["diff": "", "base": .null, "head": .null]
            }
            return [
                "diff": .string(try git.diff(from: base, to: head)), "base": .string(base), "head": .string(head),
            ]
        }
    }

    private func range(of ticket: Ticket, _ git: GitRepository) throws -> (String, String)? {
        switch ticket.state {
        case .awaitingApproval(let candidate, _): return (candidate.tip.text, candidate.commit.text)
        case .needsHuman(.lockViolation(_, let candidate), _): return (candidate.tip.text, candidate.commit.text)
        case .merged(let commit, _):
            return try git.resolve("\(commit)^").map { ($0, commit.text) }
        case .queued, .running, .stopped, .landing, .needsHuman, .cancelled:
            guard let worktree = ticket.worktree, let base = worktree.base else { return nil }
            let head = try git.targetTip(worktree.branch) ?? ticket.head?.text ?? base.text
            return (base.text, head)
        }
    }
}
