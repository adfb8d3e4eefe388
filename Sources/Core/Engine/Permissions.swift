// Agents that ask for leave to use a tool. The lock table answers first, then what the profile says, then a person. An answer
// is no fact: whoever has not heard it asks again, and what a person has answered stays with the question.

/// A use of a tool that an agent asks leave for, as orch sees it.
public struct PermissionQuestion: Equatable, Sendable {
    /// By this the agent knows its answer.
    public var request: String
    /// `Write src/a.swift`, for people.
    public var title: String
    /// What it writes within the worktree, from its root.
    public var writes: [String]
    /// What the rules of its profile say.
    public var action: PermissionPolicy.Action
    /// How long a person is waited for.
    public var limit: Duration

    public init(
        request: String,
        title: String,
        writes: [String],
        action: PermissionPolicy.Action,
        limit: Duration
    ) {
        self.request = request
        self.title = title
        self.writes = writes
        self.action = action
        self.limit = limit
    }

    var key: String { Self.key(request) }
    static func key(_ request: String) -> String { "permission:\(request)" }
}

extension Orchestrator {
    mutating func permissionAsked(_ run: RunID, _ question: PermissionQuestion) {
        guard let ticket = tickets[run.ticket], ticket.workingRun == run else {
            return journal.ask(.answer(run, request: question.request, refusal: "This run is being ended."))
        }
        if let known = ticket.dealings?.questions.first(where: { $0.key == question.key }) {
            if known.answer != nil { answerPermission(run, known) }
            return
        }
        if let refusal = refusalOfLocks(ticket, run, question.writes) { return deny(run, question, refusal) }
        switch question.action {
        case .allow: journal.ask(.answer(run, request: question.request, refusal: nil))
        case .deny: deny(run, question, "The person you work for does not allow this. Do without it.")
        case .ask:
            let asked = NewQuestion(
                key: question.key,
                kind: .permission,
                text: question.title,
                limit: question.limit
            )
            do throws(Refusal) { try ask(run, asked) } catch {
                deny(run, question, "Nobody could be asked: \(error.message).")
            }
        }
    }

    private mutating func deny(_ run: RunID, _ question: PermissionQuestion, _ refusal: String) {
        journal.ask(.answer(run, request: question.request, refusal: refusal))
        emit(.permissionDenied(run, question.title, reason: refusal))
    }

    /// A person's word; nobody's is no.
    mutating func answerPermission(_ run: RunID, _ question: Question) {
        guard let request = PermissionQuestion.request(of: question.key) else { return }
        guard let answer = question.answer else {
            let refusal = "Nobody has answered in time whether you may. Do without it, or go another way."
            return journal.ask(.answer(run, request: request, refusal: refusal))
        }
        let words = answer.text.allSatisfy(\.isWhitespace) ? "" : " They say: \(answer.text)"
        let refusal = answer.allows == true ? nil : "The person you work for says no.\(words)"
        journal.ask(.answer(run, request: request, refusal: refusal))
    }

    // MARK: locks

    /// Why the ticket may not write there, in words for its agent; nil where it may. Takes what it lacks where the policy of
    /// its repository says so and nobody holds it.
    private mutating func refusalOfLocks(_ ticket: Ticket, _ run: RunID, _ paths: [String]) -> String? {
        let paths = paths.filter { path in !ticket.locks.contains { $0.covers(path: path) } }
        guard !paths.isEmpty else { return nil }
        let holders = Set(paths.flatMap { held[ticket.repository]?.owners(covering: $0) ?? [] })
            .subtracting([.ticket(ticket.id)]).sorted()
        guard holders.isEmpty else { return refusal(of: paths, heldBy: holders) }
        guard ticket.isBounded else { return nil }
        switch ticket.worktree?.lockViolation ?? .block {
        case .warn: return nil
        case .claim where claimAtOnce(ticket, run, paths): return nil
        case .claim, .block:
            let own = ticket.locks.map(\.text)
            return
                "This ticket may change \(list(own)), and \(list(paths)) is not among it. Nobody holds it: where you need it, "
                + "take it with the tool claim_paths and try again; else leave it as it is."
        }
    }

    private func refusal(of paths: [String], heldBy holders: [LockHolder]) -> String {
        let names = holders.map { holder in
            guard case .ticket(let id) = holder, let title = tickets[id]?.title else { return holder.name }
            return "\(holder.name) (\(title))"
        }
        return
            "\(list(paths)) is held by \(list(names)), so this ticket may not change it now. Work on something else first, or "
            + "wait for it with the tool claim_paths; do not write there by another way."
    }

    private mutating func claimAtOnce(_ ticket: Ticket, _ run: RunID, _ paths: [String]) -> Bool {
        guard !paths.contains(where: SecretMark.isIn), let patterns = try? paths.map(LockPattern.init(path:)),
            ticket.locks.count + patterns.count <= Self.locksOfTicket
        else { return false }
        change(ticket.id) { ticket in
            ticket.locks += patterns
            ticket.claimed = (ticket.claimed ?? []) + patterns
        }
        takeLocks(of: ticket.id)
        emit(.claimGranted(run, patterns))
        return true
    }
}

extension PermissionQuestion {
    fileprivate static func request(of key: String) -> String? {
        let prefix = Self.key("")
        return key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : nil
    }
}
