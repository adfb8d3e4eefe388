// The kill switch: people halt everything, and nothing starts or lands until they say otherwise.

/// That everything is halted.
public struct Standstill: Equatable, Sendable {
    public var since: Instant
    /// In people's words; may be empty.
    public var reason: String

    public init(since: Instant, reason: String) {
        self.since = since
        self.reason = reason
    }
}

extension Orchestrator {
    /// The longest reason, in bytes.
    private static let longestReason = 500

    /// Stops what runs as `stop` does, and freezes the landing queues where they are. A landing that is moving its target at
    /// this moment is let finish: its outcome is on the way. Halting again changes nothing but the reason, where one is given.
    mutating func haltEverything(_ reason: String) throws(Refusal) {
        guard reason.utf8.count <= Self.longestReason else {
            throw Refusal(.invalid, "cannot halt: a reason has up to \(Self.longestReason) bytes", hint: nil)
        }
        if let standstill, reason.isEmpty || reason == standstill.reason { return }
        let isNew = standstill == nil
        let new = Standstill(since: standstill?.since ?? now, reason: reason)
        standstill = new
        emit(.halted(new))
        guard isNew else { return }
        for id in tickets.values.sorted(by: { $0.serial < $1.serial }).map(\.id) where isUnderWay(id) {
            try halt(id, .standstill, naming: .stop)
        }
    }

    /// Whether something of the ticket runs that halting ends.
    private func isUnderWay(_ id: TicketID) -> Bool {
        switch tickets[id]!.state {
        case .running: return true
        case .landing(let landing):
            switch landing.step {
            case .trying(.waitingForSlot), .waiting, .waitingForPaths, .advancing, .blocked: return false
            case .trying: return true
            }
        case .queued, .stopped, .awaitingApproval, .needsHuman, .merged, .cancelled: return false
        }
    }

    /// What halting has stopped goes back to its place in the queue; what people have stopped one by one stays so.
    mutating func resumeEverything() {
        guard standstill != nil else { return }
        standstill = nil
        emit(.resumed)
        guard !isPlanted(.resumeForgets) else { return }
        for ticket in tickets.values.sorted(by: { $0.serial < $1.serial }) {
            guard case .stopped(let stage, true?) = ticket.state else { continue }
            goOn(ticket.id, resume: stage)
        }
    }

    private mutating func goOn(_ id: TicketID, resume stage: Stage) {
        enter(id, .queued(resume: stage))
        emit(.ticketContinued(id, .continue))
    }

    /// What was under way for it has ended. If everything goes on again by now, so does it.
    mutating func becomeStill(_ id: TicketID, resume stage: Stage) {
        guard standstill != nil else { return goOn(id, resume: stage) }
        enter(id, .stopped(resume: stage, withAll: true))
        emit(.ticketStopped(id))
    }

    /// Its trial has ended; its place in the queue is kept.
    mutating func stayInLandingQueue(_ id: TicketID) {
        guard case .landing(var landing) = tickets[id]!.state else { preconditionFailure("\(id) is not landing") }
        landing.halt = nil
        enter(id, .landing(landing))
        setStep(id, .waiting(nil))
        emit(.ticketChanged(id))
    }

    /// Whether what another git is in the way of may be tried again: while everything is halted, nothing lands.
    func mayRetry(_ id: TicketID) -> Bool {
        guard standstill != nil, case .landing? = tickets[id]?.state else { return true }
        return false
    }
}
