import Core
import Foundation
import Logging

// What the engine does while the store cannot be written. What Core has decided is not undone because a disk is full: it
// waits, and is stored when there is room. Meanwhile whoever asks is told what is durable, whoever commands is told that
// nothing can be, and what runs goes on, its ends waiting here.

extension Engine {
    /// How long a command that was decided just before waits for its answer.
    static let patience = Duration.seconds(2)
    /// How often a daemon that has given up its reserve looks for room.
    static let roomInterval = Duration.seconds(2)

    /// Stores what a round has come to, however long it takes. False when the daemon ends before that has worked.
    func commit(_ round: inout Round) -> Bool {
        guard !round.batch.steps.isEmpty else { return true }
        var problem: StoreError
        switch attempt(round.batch) {
        case nil: return true
        case let error?: problem = error
        }
        if case .full = problem, reserve?.release() == true {
            logger.error("the disk is full; the reserve has been given up for what is to be stored")
            switch attempt(round.batch) {
            case nil: return true
            case let error?: problem = error
            }
        }
        return waitUntilStored(&round, problem)
    }

    /// Nil when it is stored.
    private func attempt(_ batch: Batch) -> StoreError? {
        do {
            try store.commit(batch)
            return nil
        } catch .rejected(let reason) {
            // A rule of the schema is broken: the mistake is ours, and trying again mends nothing. The next daemon
            // goes on from what is durable, which is sound.
            fatalError("the store rejected what Core has decided: \(reason)")
        } catch {
            if case .full = error { diskIsFull = true }
            return error
        }
    }

    private func waitUntilStored(_ round: inout Round, _ first: StoreError) -> Bool {
        var problem = first
        let view = durable(before: round)
        let clock = SuspendingClock()
        let answersDue = clock.now + Self.patience
        var delay = Duration.milliseconds(100)
        var attemptDue = clock.now + delay
        say(problem)
        round.answerReads(view)
        while true {
            let next = round.answers.isEmpty ? attemptDue : min(attemptDue, answersDue)
            guard let items = mailbox.take(limit: Self.batchLimit, within: clock.now.duration(to: next)) else {
                return false
            }
            for item in items { serve(item, view, problem) }
            // What cannot be stored is dropped: nobody has been told of it.
            if mailbox.isClosed { return false }
            if clock.now >= answersDue { round.giveUpAnswers(Refusal(notYet: problem), view) }
            guard clock.now >= attemptDue else { continue }
            switch attempt(round.batch) {
            case nil:
                hooks.trouble(nil)
                logger.notice("the store can be written again")
                return true
            case let error?:
                if error != problem { say(error) }
                problem = error
                delay = min(delay * 2, .seconds(5))
                attemptDue = clock.now + delay
            }
        }
    }

    private func say(_ problem: StoreError) {
        logger.error("the store cannot be written; trying again", metadata: ["error": "\(problem)"])
        hooks.trouble("\(problem)")
    }

    /// Something that arrives while nothing can be stored.
    private func serve(_ item: Item, _ view: View, _ problem: StoreError) {
        switch item {
        case .read(let body):
            var view = view
            view.trouble = "\(problem)"
            body(view)
        case .wait(let condition, let then): waiters.append((condition, then))
        case .input(_, _, let answer?): answer(.failure(Refusal(unstored: problem)), view)
        case .input(_, _, nil), .start: held.append(item)
        }
    }

    /// What was true before the round: what is durable.
    private func durable(before round: Round) -> View {
        View(
            core: core.before(
                round.batch.steps.map(\.changes),
                counters: round.before.counters,
                isDiskFull: round.before.isDiskFull,
                standstill: round.before.standstill,
                ledger: round.before.ledger,
                at: round.now
            ),
            seq: round.before.seq,
            evidence: evidence.mapValues(Optional.some).merging(round.before.evidence) { $1 }.compactMapValues(\.self),
            rows: rows
        )
    }

    // MARK: the disk

    /// The disk has filled, or has room again: told once, as soon as it can be stored.
    func lookAtDisk(_ now: Instant, _ round: inout Round) {
        if diskIsFull, !core.isDiskFull { decide(.diskFilled, now, &round) }
        guard core.isDiskFull else { return }
        let moment = SuspendingClock.now
        guard let due = roomIsDue, due <= moment else {
            roomIsDue = roomIsDue ?? moment + Self.roomInterval
            return
        }
        roomIsDue = moment + Self.roomInterval
        guard reserve?.hasRoomBeside() ?? true else { return }
        diskIsFull = false
        roomIsDue = nil
        decide(.diskHasRoom, now, &round)
    }
}

extension Refusal {
    /// To a command that came while nothing could be stored.
    init(unstored problem: StoreError) {
        self.init(.unavailable, "nothing has been changed: \(problem)", hint: "try again when there is room")
    }

    /// To a command that was decided when the store failed.
    init(notYet problem: StoreError) {
        self.init(
            .unavailable,
            "not done yet: \(problem)",
            hint: "the daemon does it as soon as it can; asking again then does no harm"
        )
    }
}
