/// Something Core asks of the world. Imperative. Each may be asked twice, for a crash may come at any moment between
/// the asking and the answer; the doc line says what the world answers with.
public enum Effect: Equatable, Sendable {
    /// Makes the ticket's worktree and branch, or finds them. Answer: `worktreeReady` or `worktreeFailed`.
    case prepareWorktree(TicketID)
    /// Starts the run, adopts it, or reports its end: it executes once. Answers: `runStarted`, `runEnded`.
    case startRun(RunID, RunOrder)
    /// Hands the message to the run's agent. Answer: `messageTaken` or `messageRefused`.
    case deliver(RunID, Message)
    /// Has the run's agent end its turn, where it can be asked to; not more than once. Answered by nothing.
    case interrupt(RunID)
    /// Tells the run's agent whether it may use a tool: why not, in words for its model, or nil for yes. Answered by nothing;
    /// an agent that does not hear it asks again.
    case answer(RunID, request: String, refusal: String?)
    /// Ends a run's whole process tree. Answered by its `runEnded`; nothing to do when it has ended meanwhile.
    case stopRun(RunID)
    /// Saves a snapshot, then commits what is left uncommitted. Answer: `workCollected` or `collectFailed`.
    case collectWork(TicketID, snapshot: Int)
    /// Saves the worktree's whole state. Answer: `snapshotTaken` or `snapshotFailed`.
    case takeSnapshot(TicketID, snapshot: Int)
    /// Merges the ticket's head onto the target, in nobody's checkout. Answer: `candidate…`.
    case buildCandidate(TicketID)
    /// Makes the slot's checkout hold exactly the candidate. Answer: `checkoutReady` or `checkoutFailed`.
    case prepareCheckout(TicketID, Candidate, slot: Int)
    /// Compares the slot's checkout with the candidate and writes `ci-status/<commit>.json`. Answer:
    /// `checkoutInspected` or `checkoutFailed`.
    case concludeVerification(TicketID, Candidate, slot: Int, Verdict)
    /// Moves the target from the candidate's tip to its commit. Answer: `target…`; `targetAdvanced`, too, when the
    /// target's history has the commit already: it was moved before a crash, and others may have gone on from there.
    case advanceTarget(TicketID, Candidate)
    /// Saves a last snapshot, then puts worktree and branch away. Answer: `tidied`.
    case tidy(TicketID, snapshot: Int)
}

/// What a run executes.
public enum RunOrder: Equatable, Sendable, Codable {
    case setup(Setup)
    case agent(AgentID, profile: String, attempt: Int, Feedback?, Opening? = nil)
    case verifier(Verifier, slot: Int, Candidate)
}
