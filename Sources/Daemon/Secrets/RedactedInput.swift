import Core

extension Input {
    /// The same without the values of secrets: the one place through which text comes to what is stored, told and
    /// decided on. Names that something is found by stay: ids, branches, and what a repository's own `.orch/` says.
    func redacted(by redactor: Redactor) -> Input {
        if redactor.isEmpty { return self }
        func clean(_ text: String) -> String { redactor.redact(text) }
        func clean(_ ticket: NewTicket) -> NewTicket {
            var ticket = ticket
            ticket.title = clean(ticket.title)
            return ticket
        }
        func clean(_ file: BacklogFile) -> BacklogFile { BacklogFile(name: clean(file.name), key: file.key) }
        switch self {
        case .enqueueAsked(let repository, let tickets): return .enqueueAsked(repository, tickets.map(clean))
        case .editAsked(let id, var edit):
            edit.title = edit.title.map(clean)
            return .editAsked(id, edit)
        case .backlogFileRead(let repository, let file, let tickets):
            return .backlogFileRead(repository, clean(file), tickets.map(clean))
        case .backlogFileRefused(let repository, let file, let problems):
            return .backlogFileRefused(repository, clean(file), problems: problems.map(clean))
        case .commandGiven(let command, let id): return .commandGiven(command.redacted(by: redactor), id)
        case .lockAsked(let repository, let pattern, let name, let reason, let duration):
            return .lockAsked(repository, pattern, by: name, reason: clean(reason), for: duration)
        case .haltAsked(let reason): return .haltAsked(reason: clean(reason))
        case .worktreeReady(let id, let branch, let base, let head, let rules, let notes):
            return .worktreeReady(id, branch: branch, base: base, head: head, rules, notes: notes.map(clean))
        case .worktreeFailed(let id, let reason): return .worktreeFailed(id, reason: clean(reason))
        case .collectFailed(let id, let reason): return .collectFailed(id, reason: clean(reason))
        case .snapshotFailed(let id, let reason): return .snapshotFailed(id, reason: clean(reason))
        case .snapshotNoted(let id, let number, let notes):
            return .snapshotNoted(id, number: number, notes: notes.map(clean))
        case .candidateBuilt(let id, var candidate, let passes):
            // A path that is changed so is in nobody's locks, and a human sees it.
            candidate.paths = candidate.paths.map(clean)
            return .candidateBuilt(id, candidate, passes: passes)
        case .candidateConflicted(let id, let tip, let paths):
            return .candidateConflicted(id, tip: tip, paths: paths.map(clean))
        case .candidateFailed(let id, let reason): return .candidateFailed(id, reason: clean(reason))
        case .checkoutFailed(let id, let reason): return .checkoutFailed(id, reason: clean(reason))
        case .checkoutInspected(let id, let changed, let surroundings):
            return .checkoutInspected(id, changed: changed.map(clean), surroundings: surroundings)
        case .targetBlocked(let id, let reason): return .targetBlocked(id, reason: clean(reason))
        case .targetFailed(let id, let reason): return .targetFailed(id, reason: clean(reason))
        case .tidied(let id, .left(let reason)): return .tidied(id, .left(reason: clean(reason)))
        case .tidied(let id, .blocked(let reason)): return .tidied(id, .blocked(reason: clean(reason)))
        case .pushFailed(let order, var problem):
            problem.reason = clean(problem.reason)
            return .pushFailed(order, problem)
        case .repositoryGone(let id, let reason): return .repositoryGone(id, reason: clean(reason))
        case .runEnded(let run, .notStarted(let reason), let at):
            return .runEnded(run, .notStarted(clean(reason)), at: at)
        case .runEnded(let run, .lost(let reason), let at): return .runEnded(run, .lost(clean(reason)), at: at)
        case .runEnded(let run, .failed(let reason), let at): return .runEnded(run, .failed(clean(reason)), at: at)
        case .runEnded(let run, .unknown(let reason), let at): return .runEnded(run, .unknown(clean(reason)), at: at)
        case .permissionAsked(let run, var question):
            question.title = clean(question.title)
            return .permissionAsked(run, question)
        case .agentLooped(let run, let finding): return .agentLooped(run, clean(finding))
        case .messageRefused(let run, let number, let reason):
            return .messageRefused(run, number, reason: clean(reason))
        case .questionAsked(let run, var question):
            question.text = clean(question.text)
            return .questionAsked(run, question)
        case .answerGiven(let id, let question, let text, let allows):
            return .answerGiven(id, question: question, text: clean(text), allows: allows)
        case .progressReported(let run, let text, let percent):
            return .progressReported(run, text: clean(text), percent: percent)
        case .summaryGiven(let run, let text): return .summaryGiven(run, text: clean(text))
        case .claimAsked, .claimWithdrawn, .claimReleaseAsked, .questionWithdrawn,
            .repositoryAsked, .trustGiven, .lockReleaseAsked, .resumeAsked, .machineMeasured, .drainAsked,
            .forbiddenAsked,
            .workCollected,
            .snapshotTaken, .candidateEmpty, .checkoutReady, .targetAdvanced, .targetMoved, .tidied(_, .done),
            .targetSeen, .diskFilled, .diskHasRoom, .clockJumped, .runStarted, .runEnded, .runWentQuiet, .runStirred,
            .runStayedQuiet, .sessionOpened, .sessionLost, .openingTaken, .messageTaken, .targetPushed, .usageSeen,
            .budgetGiven,
            .deadlineReached:
            return self
        }
    }
}

extension Command {
    fileprivate func redacted(by redactor: Redactor) -> Command {
        switch self {
        case .cancel(let reason): .cancel(reason: redactor.redact(reason))
        case .approve(let comment): .approve(comment: comment.map(redactor.redact))
        case .requestChanges(let comment): .requestChanges(comment: redactor.redact(comment))
        case .steer(let message): .steer(message: redactor.redact(message))
        case .continue, .stop, .retry: self
        }
    }
}
