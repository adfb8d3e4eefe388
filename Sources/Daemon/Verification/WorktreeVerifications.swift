import Core
import Dispatch
import Foundation
import IPC
import Synchronization

/// Verifications of worktrees as they are, for agents at work: each on a thread of its own, as `orch ci run` does it, and as
/// many at a time. They decide nothing. One of a run at a time; what it came to is kept until the run asks for another.
final class WorktreeVerifications: Sendable {
    typealias Answer = @Sendable (Result<JSONValue, RPCError>) -> Void

    private struct Verification {
        let key: String
        let began = DispatchTime.now()
        /// What is under way, in a phrase.
        var step = "the worktree is being read"
        var result: Result<JSONValue, RPCError>?
        var waiting: [Answer] = []
    }

    private let verifications = Mutex<[RunID: Verification]>([:])

    /// Begins the verification unless that of this key is under way, or done; `answer` is given what it came to.
    ///
    /// - Parameters:
    ///   - ended: called once when it is over; at once where it is already.
    ///   - work: carries it out, telling what it is at.
    func verify(
        _ run: RunID,
        _ key: String,
        answer: @escaping Answer,
        ended: @escaping @Sendable () -> Void,
        _ work: @escaping @Sendable (_ tell: @escaping @Sendable (String) -> Void) throws -> JSONValue
    ) {
        enum Next { case begin, wait, refuse, give(Result<JSONValue, RPCError>) }
        let next = verifications.withLock { known -> Next in
            if let present = known[run], present.key == key || present.result == nil {
                guard present.key == key else { return .refuse }
                if let result = present.result { return .give(result) }
                known[run]!.waiting.append(answer)
                return .wait
            }
            known[run] = Verification(key: key, waiting: [answer])
            return .begin
        }
        switch next {
        case .wait: return
        case .give(let result):
            ended()
            return answer(result)
        case .refuse:
            ended()
            let hint = "wait for what it comes to"
            return answer(.failure(RPCError(.refused, "a verification of this run is under way already", hint: hint)))
        case .begin: break
        }
        let thread = Thread { [self] in
            let result = Gateway.result { try work { step in self.note(step, of: run) } }
            let waiting = verifications.withLock { known -> [Answer] in
                known[run]?.result = result
                return exchange(&known[run]!.waiting, with: [])
            }
            ended()
            for answer in waiting { answer(result) }
        }
        thread.name = "verification"
        thread.stackSize = 2 << 20
        thread.start()
    }

    /// What is under way.
    func step(of run: RunID) -> String { verifications.withLock { $0[run]?.step ?? "" } }

    private func note(_ step: String, of run: RunID) { verifications.withLock { $0[run]?.step = step } }
}

extension EffectRunner {
    /// Judges the worktree of a ticket as it is now, by the target branch's verifiers.
    func verifyWorktree(
        of ticket: Ticket,
        in repository: Core.Repository,
        _ tell: @escaping @Sendable (String) -> Void
    ) throws -> JSONValue {
        let git = try open(repository)
        let state = try git.commitPresentState(of: try existingWorktree(of: ticket, in: git))
        let verification = try CommitVerification(
            of: state,
            in: repository.path,
            CommitVerification.Options(
                paths: environment.paths,
                user: environment.user,
                environment: environment.inherited,
                runner: environment.runner,
                redactor: environment.redactor
            )
        )
        let checks = Mutex<[JSONValue]>([])
        let log = Mutex<String?>(nil)
        let result = try verification.run { news in
            switch news {
            case .waits: tell("all verification slots are taken")
            case .began(let check): tell("\(check) runs")
            case .ended(let end):
                checks.withLock {
                    $0.append(
                        ["name": .string(end.name), "outcome": .string(end.outcome), "seconds": .double(end.seconds)]
                    )
                }
                if !end.isPassed { log.withLock { $0 = end.tail } }
            }
        }
        var row: JSONObject = [
            "outcome": "done", "status": .string(result.status), "commit": .string(state),
            "checks": .array(checks.withLock { $0 }),
        ]
        row["reason"] = result.reason.map(JSONValue.string)
        if let reused = result.reused { row["reason"] = .string("as this tree was at \(reused.time)") }
        row["log"] = log.withLock { $0 }.map(JSONValue.string)
        return .object(row)
    }

    /// What the work of a ticket changes by now, committed or not, against where it forked from the target.
    func changedPaths(of ticket: Ticket, in repository: Core.Repository) throws -> [String] {
        let git = try open(repository)
        let state = try git.commitPresentState(of: try existingWorktree(of: ticket, in: git))
        guard let tip = try git.targetTip(repository.target) else { return [] }
        let operation = "see what the work of \(ticket.id) changes"
        let base = try git.run(["merge-base", tip, state], for: operation).line
        let question = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", base, state]
        let output = try git.run(question, for: operation)
        return output.standardOutput.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }
}

extension GitRepository {
    /// A commit of a worktree's files as they are: tracked ones, and untracked ones that are not ignored. No ref holds it,
    /// and neither the worktree nor its index is touched.
    func commitPresentState(of worktree: Worktree) throws -> String {
        let operation = "read the worktree of \(worktree.ticket)"
        return try locked(operation) { lock in
            var staging = Staging(self, worktree, lock: lock, operation: operation)
            defer { staging.clear() }
            let content = try staging.content(besides: Self.snapshotRef(worktree.ticket, 0), keepingIgnored: [])
            guard !content.tree.isEmpty else {
                throw GitError(.failed, operation, content.refusal ?? "git could not read it")
            }
            let parents = content.status.head.map { [$0.commit] } ?? []
            return try commit(content.tree, parents, "\(worktree.ticket), at work\n", lock, operation)
        }
    }
}
