import Core
import Dispatch
import Logging
import Synchronization

/// Keeps `locks.json` on the branch `orch/locks` of each repository: people see there who holds what, and a commit of theirs
/// takes locks and releases them.
///
/// Off the engine's loop, one repository at a time each: what changes while one commit is made comes with the next. What is
/// found twice, after a crash, is taken up once: taking what one holds already and releasing what nobody holds is passed
/// over.
final class LockTableMirror: Sendable {
    private enum Work {
        case underWay
        /// Something has happened since it began.
        case isDue
    }

    private struct State {
        var works: [RepositoryID: Work] = [:]
        /// What has been said to be in the way, so that it is said once.
        var said: [RepositoryID: String] = [:]
        var hasEnded = false
    }

    /// What changes a lock mostly changes others too, and starts an agent, which comes first.
    private static let pause = DispatchTimeInterval.milliseconds(250)
    /// Nothing tells when what is in the way has gone.
    private static let patience = DispatchTimeInterval.seconds(10)

    private let engine: Engine
    private let effects: EffectRunner
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "orch.locks", qos: .utility, attributes: .concurrent)

    init(engine: Engine, effects: EffectRunner) {
        self.engine = engine
        self.effects = effects
    }

    /// The locks of a repository have changed, or its branch has. Never blocks.
    func look(at id: RepositoryID) {
        let begins = state.withLock { state in
            guard !state.hasEnded else { return false }
            defer { state.works[id] = state.works[id] == nil ? .underWay : .isDue }
            return state.works[id] == nil
        }
        if begins { queue.asyncAfter(deadline: .now() + Self.pause) { [self] in work(on: id) } }
    }

    /// Nothing is begun afterwards.
    func end() { state.withLock { $0.hasEnded = true } }

    // MARK: on the queue

    private func work(on id: RepositoryID) {
        var isPending: Bool
        repeat {
            isPending = false
            do {
                isPending = try !bringUpToDate(id)
                if !isPending { state.withLock { $0.said[id] = nil } }
            } catch {
                // Somebody's git, a full disk, a repository that is gone: the locks themselves are in the store.
                say((error as? GitError)?.message ?? "\(error)", id)
                isPending = true
            }
        } while takesUp(id)
        if isPending { queue.asyncAfter(deadline: .now() + Self.patience) { [self] in look(at: id) } }
    }

    /// Whether something has happened meanwhile; else the work on it is over.
    private func takesUp(_ id: RepositoryID) -> Bool {
        state.withLock { state in
            let isDue = state.works[id] == .isDue && !state.hasEnded
            state.works[id] = isDue ? .underWay : nil
            return isDue
        }
    }

    private func say(_ what: String, _ id: RepositoryID) {
        let isNew = state.withLock { state in
            defer { state.said[id] = what }
            return state.said[id] != what
        }
        guard isNew else { return }
        effects.environment.logger.warning(
            "the branch \(GitRepository.lockBranch) is behind, and is tried again: \(what)",
            metadata: ["repository": "\(id)"]
        )
    }

    /// Takes up what people have committed, and commits what has changed. False when something is in the way.
    private func bringUpToDate(_ id: RepositoryID) throws -> Bool {
        let operation = "keep \(GitRepository.lockBranch)"
        for _ in 1...5 {
            guard let now = held(in: id) else { return true }
            let git = try effects.open(now.repository)
            let branch = try git.lockBranch(for: operation)
            // Nobody needs a branch that says that nothing is held.
            if branch.tip == nil, now.rows.isEmpty { return true }
            let edits = try LockTableEdits(git, branch, for: operation)
            let refused = edits.isEmpty ? [] : try takeUp(edits, now)
            FaultPoint.lockTableTakenUp.pass()
            guard let rows = edits.isEmpty ? now.rows : held(in: id)?.rows else { return true }
            let text = LockTableFile.text(rows)
            if Array(text.utf8) == edits.theirs ?? [] {
                if let tip = branch.tip, tip != branch.known { try git.noteLockTable(tip, for: operation) }
                return true
            }
            let message = LockTableMessage.text(
                from: edits.mentions,
                to: Set(rows.map(\.mention)),
                refused: refused + edits.problems
            )
            let commit = try git.commitLockTable(text, on: branch.tip ?? branch.known, message, for: operation)
            try git.noteLockTable(commit, for: operation)
            FaultPoint.lockTableNoted.pass()
            switch try git.moveLockBranch(from: branch.tip, to: commit, for: operation) {
            case .moved: return true
            case .behind: continue
            case .blocked(let why):
                say(why, id)
                return false
            }
        }
        return false
    }

    // MARK: the engine

    private struct Unavailable: Error, CustomStringConvertible { let description: String }

    private struct Held {
        let repository: Core.Repository
        let grants: [Grant]
        let rows: Set<LockTableFile.Row>
    }

    /// What is held in a repository; nil where there is none, or the daemon is ending.
    private func held(in id: RepositoryID) -> Held? {
        wait { answer in
            engine.read { view in
                let grants = view.core.grants.values.filter { $0.repository == id }
                let held = view.core.repositories[id].map {
                    Held(repository: $0, grants: grants, rows: Set(grants.map { view.lockTableRow($0) }))
                }
                answer(held)
            }
        }
    }

    /// Asks for what people have committed; what is refused, a sentence each.
    ///
    /// - Throws: where nothing can be stored now. Then it is asked for again.
    private func takeUp(_ edits: LockTableEdits, _ now: Held) throws -> [String] {
        var refused: [String] = []
        for key in edits.released {
            let grant = now.grants.first { $0.pattern == key.pattern && $0.person?.name == key.name }
            guard let grant else { continue }
            if let why = try ask(.lockReleaseAsked(.fence(grant.fence))) { refused.append("\(key.pattern): \(why)") }
        }
        for entry in edits.taken where !now.grants.contains(where: { entry.isHeld(by: $0) }) {
            let redactor = effects.environment.redactor
            let why =
                [entry.pattern.text, entry.name].contains(where: redactor.holds)
                ? "the pattern or the name holds the value of a secret"
                : try ask(entry.input(in: now.repository.id, at: Timestamp.now()))
            if let why { refused.append("\(redactor.redact(entry.pattern.text)): \(why)") }
        }
        return refused
    }

    /// Why Core refuses; nil where it does not.
    private func ask(_ input: Input) throws -> String? {
        let refusal: Refusal?? = wait { answer in
            engine.ask(input) { result, _ in
                if case .failure(let refusal) = result { answer(refusal) } else { answer(.some(nil)) }
            }
        }
        guard let refusal = refusal.flatMap(\.self) else { return nil }
        if refusal.code == .unavailable { throw Unavailable(description: refusal.message) }
        return refusal.message
    }

    /// The answer to a question; nil when the daemon is ending.
    private func wait<Answer: Sendable>(_ question: (@escaping @Sendable (Answer?) -> Void) -> Bool) -> Answer? {
        let answered = DispatchSemaphore(value: 0)
        let content = Mutex<Answer?>(nil)
        let isAsked = question { answer in
            content.withLock { $0 = answer }
            answered.signal()
        }
        guard isAsked else { return nil }
        answered.wait()
        return content.withLock { $0 }
    }
}

extension Engine.View {
    func lockTableRow(_ grant: Grant) -> LockTableFile.Row {
        let holder: LockTableFile.Row.Holder =
            switch grant.holder {
            case .ticket(let id): .ticket(id, title: core.tickets[id]?.title ?? "")
            case .person(let name): .person(name: name, reason: grant.person?.reason ?? "")
            }
        let until = core.personalLockEnd(grant.fence)
        return LockTableFile.Row(pattern: grant.pattern, holder: holder, since: grant.since, until: until)
    }
}
