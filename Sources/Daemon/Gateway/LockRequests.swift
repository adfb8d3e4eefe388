import Core
import IPC

// Locks that people take and release.

extension Gateway {
    func takeLock(_ params: Params, _ reply: Reply) throws(RPCError) {
        let path = try params.string("repository")
        let pattern = try Self.pattern(params.string("pattern"))
        let name = try params.string("by")
        let reason = try params.string("reason")
        let seconds = try params.int("seconds", default: 0)
        // What something is found by cannot be told differently.
        if [pattern.text, name].contains(where: effects.environment.redactor.holds) {
            throw RPCError(.invalidParams, "the lock's pattern or holder holds the value of a secret")
        }
        let duration = params.object["seconds"].map { _ in Duration.seconds(min(seconds, Int(Int32.max))) }
        changeLock(reply) { core in
            Self.repository(at: path, core).map {
                .lockAsked($0, pattern, by: name, reason: reason, for: duration)
            }
        }
    }

    func releaseLock(_ params: Params, _ reply: Reply) throws(RPCError) {
        if params.object["fence"] != nil {
            let fence = try params.int("fence", default: 0)
            return changeLock(reply) { _ in .success(.lockReleaseAsked(.fence(fence))) }
        }
        let path = try params.string("repository")
        let pattern = try Self.pattern(params.string("pattern"))
        changeLock(reply) { core in
            Self.repository(at: path, core).map { .lockReleaseAsked(.pattern($0, pattern)) }
        }
    }

    private func changeLock(_ reply: Reply, _ question: @escaping Engine.Question) {
        ask(question, reply) { [effects] result, view in
            switch result {
            case .failure(let refusal): reply(.failure(RPCError(refusal)))
            case .success(let facts):
                // A lock that was taken anew has gone, and come.
                let changes = facts.first?.changes.grants ?? []
                guard let grant = changes.compactMap(\.new).last ?? changes.compactMap(\.old).last else {
                    preconditionFailure("a person's lock changed, and no fact says so")
                }
                let row = view.row(grant, heartbeat: effects.monitor.expiry)
                reply(.success(["lock": .object(row)]))
            }
        }
    }

    private static func repository(at path: String, _ core: Orchestrator) -> Result<RepositoryID, Refusal> {
        if let known = core.repository(at: path) { return .success(known) }
        let hint = "run `orch init` in it first"
        return .failure(Refusal(.notFound, "the repository \(path) is not registered", hint: hint))
    }

    private static func pattern(_ text: String) throws(RPCError) -> LockPattern {
        do throws(LockPatternError) {
            return try LockPattern(text)
        } catch {
            throw RPCError(.invalidParams, error.description)
        }
    }
}
