// What people read about a ticket: every sentence in one place, so that they can be read in one sitting.

extension Ticket {
    /// Why it is in its state, in one sentence; nil for a queued ticket, whose reason is computed (`Waiting`).
    public var reason: String? {
        switch state {
        case .queued: nil
        case .running(let running): dealingsReason ?? running.reason
        case .stopped(_, nil): "stopped; `continue` resumes it"
        case .stopped: "stopped by `orch halt`; it goes on after `orch resume`"
        case .awaitingApproval(_, let reasons): reasons.map(\.sentence).joined(separator: "; ")
        case .landing(let landing): landing.reason
        case .needsHuman(let problem, _): problem.sentence
        case .merged(let commit, _): "landed as \(commit.short)"
        case .cancelled(let reason, _): reason.isEmpty ? "cancelled" : "cancelled: \(reason)"
        }
    }

    /// That its agent waits for a person, or for another ticket.
    private var dealingsReason: String? {
        guard let run = workingRun, stale == nil, let dealings else { return nil }
        if let question = dealings.openQuestion {
            let asks = question.kind == .permission ? "asks for permission" : "asks"
            return "run \(run.number): the agent \(asks): \(quoted(question.text, limit: 200))"
        }
        guard let claim = dealings.claims.first else { return nil }
        return "run \(run.number): the agent waits for \(list(claim.patterns.map(\.text)))"
    }

    /// The workflow's stage it is in: `setup`, `work`, `verify`, `approve`, `land`.
    public var stageName: String? {
        switch state {
        case .queued(let stage), .stopped(let stage, _), .needsHuman(_, let stage): stage.rawValue
        case .running(let running):
            switch running.step {
            case .preparing(let stage): stage.rawValue
            case .settingUp: "setup"
            case .working, .collecting, .snapshotting: "work"
            case .trying: "verify"
            }
        case .awaitingApproval: "approve"
        case .landing, .merged: "land"
        case .cancelled: nil
        }
    }
}

extension Running {
    var reason: String {
        if case .budget(let problem)? = halt { return "stopping: \(problem.sentence)" }
        if halt != nil { return "stopping" }
        return switch step {
        case .preparing: "its worktree is being made"
        case .settingUp: "the setup command runs"
        case .working(let run, nil): "run \(run): the agent works"
        case .working(_, let stale?): stale.sentence
        case .collecting: "its work is being collected"
        case .trying(let trial): trial.reason
        case .snapshotting: "its worktree is being saved"
        }
    }
}

extension Stale {
    /// Without moments: these are in fields of their own, for each client to say in its way.
    var sentence: String {
        let next = if case .ending = next { "its run is being ended" } else { "its run is ended soon unless it moves" }
        return "stale: no sign of life (\(evidence)); \(next)"
    }

    /// `no output, no CPU, no changed file`.
    public var evidence: String {
        lookedAt.map { "no \($0.noun)" }.joined(separator: ", ")
    }
}

extension SignOfLife {
    public var noun: String {
        switch self {
        case .output: "output"
        case .cpu: "CPU"
        case .files: "changed file"
        case .waits: "a wait for others"
        }
    }
}

extension Trial {
    var reason: String {
        switch self {
        case .building: "its work is being merged onto the target"
        case .waitingForSlot: "waits for a verification slot"
        case .checkingOut: "the candidate is being checked out"
        case .verifying(let candidate, _, let index, _, _):
            "verifier \(candidate.rules.checks[index].name) runs "
                + "(\(index + 1) of \(candidate.rules.checks.count))"
        case .concluding: "the verifiers' result is being recorded"
        }
    }
}

extension Landing {
    var reason: String {
        if halt != nil { return "stopping" }
        return switch step {
        case .waiting: "in the landing queue"
        case .trying(let trial): trial.reason
        case .waitingForPaths(_, let holders):
            "changes paths that \(list(holders.map(\.name))) \(holders.count == 1 ? "holds" : "hold")"
        case .advancing: "the target branch is being moved"
        case .blocked(_, let reason): "waits: \(reason)"
        }
    }
}

extension ApprovalReason {
    public var sentence: String {
        switch self {
        case .policy: "waits for approval"
        case .noVerifier: "no verifier is configured, so nothing has tested it"
        case .sensitivePaths(let paths): "it changes what verification means (\(list(paths)))"
        case .afterChange: "its diff has changed since it was approved"
        case .approvalExpired(let limit):
            "it was approved more than \(DurationText.format(limit)) ago, for longer than an approval holds"
        }
    }
}

extension Problem {
    public var sentence: String {
        switch self {
        case .worktreeFailed(let reason): "its worktree could not be made: \(reason)"
        case .setupFailed(let run, let outcome): "the setup command failed (run \(run): \(outcome))"
        case .agentFailed(let run, let outcome): "the agent failed (run \(run): \(outcome))"
        case .agentStale(let run, let attempts):
            "its agent gave no sign of life (run \(run))" + sentBack(attempts) + "; its locks are released"
        case .agentLooped(let run, let finding): "the agent goes round in circles (run \(run)): \(finding)"
        case .noChange(let run): "the agent changed nothing at all (run \(run))"
        case .nothingLeft: "the target has everything it changes already"
        case .collectFailed(let reason): "its work could not be collected: \(reason)"
        case .candidateFailed(let reason): "its work could not be merged onto the target: \(reason)"
        case .verifyFailed(let verifier, let run, let outcome, let attempts):
            "verifier \(verifier) failed (run \(run): \(outcome))" + sentBack(attempts)
        case .verifyError(let reason): "it could not be verified: \(reason)"
        case .conflict(let paths, let attempts): "conflicts with the target in \(list(paths))" + sentBack(attempts)
        case .lockViolation(let paths, _):
            "it changes paths outside its locks: \(list(paths))"
                + (paths.contains(where: SecretMark.isIn) ? " (no lock can name a secret's value)" : "")
        case .lockCycle(let wanted, let holders):
            "it waits for \(list(wanted.map(\.text))) of \(list(holders.map(\.text))), which wait for what it holds"
        case .untrusted(let digest):
            "the repository's .orch/ (\(digest.prefix(10))) is not trusted; look at it, then run: orch trust"
        case .configuration(let reason): reason
        case .dependency(let id, .unknown): "it depends on \(id), which does not exist"
        case .dependency(let id, .cancelled): "it depends on \(id), which was cancelled"
        case .landingFailed(let reason): "it could not be landed: \(reason)"
        case .repositoryGone(let reason): reason
        case .budget(let problem): problem.sentence
        }
    }

    private func sentBack(_ attempts: Int) -> String {
        switch attempts {
        case 0: ""
        case 1: ", after its agent tried once more"
        default: ", after its agent tried \(attempts) times more"
        }
    }
}

extension Waiting {
    public var sentence: String {
        switch self {
        case .draining: "the daemon is ending; it starts when the daemon is back"
        case .diskFull: "waits for room on the disk"
        case .halted(""): "everything is halted; it goes on after `orch resume`"
        case .halted(let reason): "everything is halted (\(reason)); it goes on after `orch resume`"
        case .shortage(let shortage): shortage.sentence
        case .dependencies(let ids): "waits for \(list(ids.map(\.text))) to land"
        case .lock(let pattern, let holder): "waits for lock \(pattern) of \(holder)"
        case .reservation(let pattern, let first): "waits behind \(first), which has reserved \(pattern)"
        case .person(let pattern, let person): "waits for \(pattern), held by \(person.name): \(person.reason)"
        case .agent(let busy): "waits for a free agent (\(busy) busy)"
        case .quota(.profile(let name), let limit):
            "waits for a free agent of profile \(name) (\(limit) at a time)"
        case .quota(.repository, let limit): "waits for a free agent of its repository (\(limit) at a time)"
        // A budget has no limit of agents.
        case .quota(.budget, _): "waits for the budget"
        case .budget(let shortfall): shortfall.sentence
        }
    }
}

extension BudgetUnit {
    /// `5.32 of 5.00 USD`.
    func phrase(_ amount: Int, of cap: Int) -> String { "\(text(amount)) of \(text(cap)) \(noun)" }

    func text(_ amount: Int) -> String {
        switch self {
        case .usd: Dollars.short(amount)
        case .tokens: String(amount)
        }
    }

    var noun: String {
        switch self {
        case .usd: "USD"
        case .tokens: "tokens"
        }
    }
}

extension BudgetProblem {
    public var sentence: String {
        switch self {
        case .reached(.ticket, let unit, let spent, let cap):
            "its budget is used up (\(unit.phrase(spent, of: cap))); `orch budget` gives it more"
        case .reached(let span, let unit, let spent, let cap):
            "the budget of the \(span.rawValue) is used up (\(unit.phrase(spent, of: cap))); "
                + "`continue` has it wait for the next \(span.rawValue)"
        case .unpriced(let tokens):
            "nobody knows what \(tokens) tokens of its agent cost, and money is limited; "
                + "say so in `prices`, or set `budgets.unknownUsage` to `allow`"
        }
    }
}

extension BudgetShortfall {
    public var sentence: String {
        let known = "waits for the budget of the \(span.rawValue): \(unit.phrase(spent, of: cap)) used"
        let aside = reserved > 0 ? ", \(unit.text(reserved)) set aside for others" : ""
        let own = wanted > 0 ? ", \(unit.text(wanted)) wanted" : ""
        return known + aside + own + "; it begins anew on \(renews) at 00:00 UTC"
    }
}

extension Shortage {
    public var sentence: String {
        switch self {
        case .memory(let free, let wanted): "waits for memory: \(size(free)) free, \(size(wanted)) wanted"
        case .disk(let free, let wanted): "waits for room on the disk: \(size(free)) free, \(size(wanted)) wanted"
        case .memoryPressure(let percent, let limit):
            "waits for memory: programs wait for it \(percent) % of the time, the limit is \(limit) %"
        case .cpuPressure(let percent, let limit):
            "waits for the CPU: programs wait for it \(percent) % of the time, the limit is \(limit) %"
        }
    }

    /// `400 MiB`, with three digits at the most.
    private func size(_ bytes: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, unit) = (max(0, bytes) * 10, 0)
        while value >= 10_240, unit + 1 < units.count { (value, unit) = (value / 1024, unit + 1) }
        let tenths = value < 100 && value % 10 != 0 ? ".\(value % 10)" : ""
        return "\(value / 10)\(tenths) \(units[unit])"
    }
}

/// `a, b and c`, at most five of them.
func list(_ names: [String]) -> String {
    let shown = names.prefix(names.count > 5 ? 4 : 5)
    if names.count > shown.count { return shown.joined(separator: ", ") + " and \(names.count - shown.count) more" }
    guard let last = shown.last, shown.count > 1 else { return shown.joined() }
    return shown.dropLast().joined(separator: ", ") + " and " + last
}

extension Verifier {
    /// What is said of those that did not leave the tree as it was, so that nobody knows which of the two they judged.
    public static func changed(_ paths: [String]) -> String {
        "the verifiers changed the tree they judged (\(list(paths))); have git ignore what they make"
    }
}

extension Feedback {
    public var sentence: String {
        switch self {
        case .verifierFailed(let name, _, _, let summary): "verifier \(name) failed: \(summary)"
        case .conflict(let paths, _): "conflicts with the target in \(list(paths))"
        case .changesRequested(let comment): "changes requested: \(comment)"
        case .runLost(let run): "run \(run) was lost"
        case .runStale(let run): "run \(run) gave no sign of life"
        }
    }
}
