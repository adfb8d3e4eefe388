import Core
import Foundation
import Glibc
import IPC

// The effects on what would land: build it, check it out for its verifiers, write down what they said, move the target.

extension EffectRunner {
    func buildCandidate(_ ticket: Ticket, _ repository: Core.Repository) -> Input {
        do {
            let git = try open(repository)
            guard let (tip, files) = try git.tipAndPolicy(of: repository.target) else {
                return .candidateFailed(
                    ticket.id,
                    reason: "there is no branch \(repository.target) in \(repository.path)"
                )
            }
            let rules = Rules(files, user: environment.user)
            let head = try git.targetTip(ticket.worktree!.branch) ?? ticket.head!.text
            let result = try git.buildCandidate(
                ticket: ticket.id,
                tip: tip,
                head: head,
                base: ticket.worktree!.base?.text,
                method: rules.policy.landing.method,
                message: try message(for: ticket, rules)
            )
            switch result {
            case .empty:
                return .candidateEmpty(ticket.id, tip: ObjectID(tip))
            case .conflict(let paths):
                return .candidateConflicted(ticket.id, tip: ObjectID(tip), paths: paths)
            case .built(let built):
                var candidate = Candidate(
                    commit: ObjectID(built.commit),
                    tree: ObjectID(built.tree),
                    tip: ObjectID(tip),
                    head: ObjectID(head),
                    paths: built.paths,
                    rules: rules,
                    ownDigest: try git.policyFiles(at: built.commit).digest
                )
                // What nobody has trusted names no files to be read outside of the tree, either.
                let isTrusted = repository.trusted.contains(rules.digest)
                guard !rules.verifiers.isEmpty, rules.problem == nil, isTrusted else {
                    return .candidateBuilt(ticket.id, candidate)
                }
                candidate.surroundings = try surroundings(of: rules, in: git)
                let passes = try environment.store.passes(of: candidate.tree, in: repository.id)
                if candidate.hasPassed(for: ticket, or: passes) { try noteReuse(ticket, candidate, in: git) }
                return .candidateBuilt(ticket.id, candidate, passes: passes)
            }
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch {
            return .candidateFailed(ticket.id, reason: sentence(error))
        }
    }

    /// Writes `ci-status/<commit>.json` for a candidate that need not be judged, before anybody can hear that it has
    /// passed. Of the commit that was judged itself, what was written then is written again.
    private func noteReuse(_ ticket: Ticket, _ candidate: Candidate, in git: GitRepository) throws {
        guard let earlier = try environment.store.earlierPass(candidate.proof, for: ticket) else { return }
        var status = CIStatus(
            commit: candidate.commit,
            tree: candidate.tree,
            status: "PASS",
            checks: earlier.runs.map { Check($0, runs: environment.paths.runs) },
            isRelaxed: candidate.rules.isRelaxed
        )
        if earlier.commit != candidate.commit.text {
            status.reused = .init(commit: earlier.commit, ticket: earlier.ticket.text, time: earlier.time)
        }
        try status.write(to: git.commonDirectory)
        FaultPoint.statusReused.pass()
    }

    /// What a tree's verifiers find around it now.
    private func surroundings(of rules: Rules, in git: GitRepository) throws -> String {
        try Surroundings(rules, copies: git.topLevel, environment: baseEnvironment).name(in: git)
    }

    private func message(for ticket: Ticket, _ rules: Rules) throws -> CommitMessage {
        let description = try environment.store.description(of: ticket.id)
        let template = try MessageTemplate(rules.policy.landing.message)
        let text = template.filled { placeholder in
            switch placeholder {
            case .title: CommitMessage.oneLine(ticket.title)
            case .description: description
            case .ticket: ticket.id.text
            case .agent: ticket.profile
            }
        }
        var trailers = [("Orch-Ticket", ticket.id.text), ("Orch-Profile", ticket.profile)]
        if rules.isRelaxed { trailers.append(("Orch-Verified", LandingVerification.quick.rawValue)) }
        return CommitMessage(text, otherwise: ticket.title, trailers: trailers)
    }

    func prepareCheckout(_ ticket: Ticket, _ repository: Core.Repository, _ candidate: Candidate, _ slot: Int) -> Input
    {
        do {
            let git = try open(repository)
            let checkout = VerificationCheckout(repository: git, slot: slot, caches: candidate.rules.policy.caches)
            try checkout.prepare(candidate.commit.text)
            try git.copyFiles(candidate.rules.policy.setup?.copy ?? [], to: checkout.path)
            let setup = try checkout.setupName(candidate, environment: baseEnvironment)
            return .checkoutReady(ticket.id, isSetUp: try checkout.isSetUp(as: setup))
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch {
            return .checkoutFailed(ticket.id, reason: sentence(error))
        }
    }

    /// Looks at what the verifiers left, and writes `ci-status/<commit>.json` into the repository's git directory.
    func concludeVerification(
        _ ticket: Ticket,
        _ repository: Core.Repository,
        _ candidate: Candidate,
        _ slot: Int,
        _ verdict: Verdict
    ) -> Input {
        do {
            let git = try open(repository)
            let checkout = VerificationCheckout(repository: git, slot: slot, caches: candidate.rules.policy.caches)
            let changed = try checkout.conclude(candidate, verdict)
            FaultPoint.checkoutInspected.pass()
            let status = verdict != .passed ? "FAIL" : changed.isEmpty ? "PASS" : "ERROR"
            let runs = try environment.store.checks(of: ticket.id, tree: candidate.tree)
            try CIStatus(
                commit: candidate.commit,
                tree: candidate.tree,
                status: status,
                checks: runs.map { Check($0, runs: environment.paths.runs) },
                isRelaxed: candidate.rules.isRelaxed
            )
            .write(to: git.commonDirectory)
            FaultPoint.statusWritten.pass()
            let surroundings = verdict == .passed ? try surroundings(of: candidate.rules, in: git) : nil
            return .checkoutInspected(ticket.id, changed: changed, surroundings: surroundings)
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch {
            return .checkoutFailed(ticket.id, reason: sentence(error))
        }
    }

    func advanceTarget(_ ticket: Ticket, _ repository: Core.Repository, _ candidate: Candidate) -> Input {
        do {
            let git = try open(repository)
            let advance = try git.advance(
                repository.target,
                from: candidate.tip.text,
                to: candidate.commit.text,
                reason: "land \(ticket.id)",
                looksFirst: ticket.isLandingBlocked
            )
            switch advance {
            case .advanced, .alreadyThere:
                return .targetAdvanced(ticket.id, to: candidate.commit)
            case .moved(let now?):
                return .targetMoved(ticket.id, to: ObjectID(now))
            case .moved(nil):
                return .targetFailed(ticket.id, reason: "the branch \(repository.target) is gone")
            case .blocked(let reason, _, _):
                return .targetBlocked(ticket.id, reason: reason)
            }
        } catch let error as GitError where error.kind == .repositoryGone {
            return .repositoryGone(ticket.id, reason: error.message)
        } catch let error as GitError where error.isPassing {
            return .targetBlocked(ticket.id, reason: error.message)
        } catch {
            // An attempt before a crash may have come to its end, whatever keeps this one from looking further.
            let hasLanded = try? open(repository).hasLanded(candidate.commit.text, on: repository.target)
            if hasLanded == true { return .targetAdvanced(ticket.id, to: candidate.commit) }
            return .targetFailed(ticket.id, reason: sentence(error))
        }
    }
}
