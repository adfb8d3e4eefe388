// What people tell the agent of a ticket: kept until an agent has taken it in, and told again where nobody knows whether
// one has. And the session in which an agent remembers what it was told before.

extension Orchestrator {
    mutating func steer(_ id: TicketID, _ text: String) throws(Refusal) {
        guard text.utf8.count <= Message.longest else {
            throw Refusal(
                .refused,
                "the message for \(id) is too long: \(text.utf8.count) bytes, of \(Message.longest) at most",
                hint: "put it into a file of the repository, and name that"
            )
        }
        // The same again, before anybody has read it, is the same.
        if tickets[id]!.messages?.contains(where: { $0.text == text }) == true { return }
        guard tickets[id]!.messages?.count ?? 0 < Message.limit else {
            throw Refusal(
                .refused,
                "\(Message.limit) messages wait for \(id) already",
                hint: "`orch continue \(id)` has its agent read them"
            )
        }
        let delivery = try delivery(of: id)
        let message = Message(number: (tickets[id]!.lastMessage ?? 0) + 1, text: text, at: now, delivery: delivery)
        change(id) { ticket in
            ticket.lastMessage = message.number
            ticket.messages = (ticket.messages ?? []) + [message]
        }
        emit(.messageQueued(id, message))
    }

    /// How a message for the ticket begins its way; a ticket whose work was thought done is worked on again.
    private mutating func delivery(of id: TicketID) throws(Refusal) -> Message.Delivery {
        let ticket = tickets[id]!
        let command = Command.steer(message: "")
        switch ticket.state {
        case .queued(.work), .stopped(.work, _), .needsHuman(_, .work): return .waiting
        case .queued(.verify): enter(id, .queued(resume: .work))
        case .stopped(.verify, let withAll): enter(id, .stopped(resume: .work, withAll: withAll))
        case .needsHuman(let problem, .verify): enter(id, .needsHuman(problem, resume: .work))
        case .running(let running):
            switch running.step {
            case .working(let run, _) where running.halt == nil: return .handed(run: run)
            case .preparing(.work), .settingUp, .working, .collecting, .snapshotting: return .waiting
            case .preparing(.verify), .trying:
                throw refused(
                    command,
                    id,
                    "its agent has ended, and its work is being verified",
                    "`orch request-changes \(id)` once it is, or `orch stop \(id)` first"
                )
            }
        case .awaitingApproval:
            throw refused(
                command,
                id,
                "its agent has ended",
                "`orch request-changes \(id)` sends it back with a comment"
            )
        case .landing: throw refused(command, id, "it is landing", "`orch request-changes \(id)` sends it back")
        case .merged, .cancelled: preconditionFailure("\(id) has ended")
        }
        return .waiting
    }

    /// What the next run of its agent is told first: all that no agent is known to have taken in.
    mutating func open(_ id: TicketID, run: Int) {
        let cost = spendable(by: id)
        change(id) { ticket in
            let messages = (ticket.messages ?? []).map { message in
                var message = message
                message.delivery = .opening(run: run)
                return message
            }
            if !messages.isEmpty { ticket.messages = messages }
            let session = ticket.session.flatMap { $0.profile == ticket.profile ? $0.id : nil }
            let opening = Opening(session: session, messages: messages, cost: cost)
            ticket.opening = opening == Opening() ? nil : opening
        }
    }

    // MARK: what runs tell

    mutating func sessionOpened(_ run: RunID, _ id: String) {
        guard let ticket = tickets[run.ticket], ticket.currentRun == run else { return }
        let session = AgentSession(id: id, profile: ticket.profile)
        guard ticket.session != session else { return }
        change(run.ticket) { $0.session = session }
        emit(.sessionOpened(run, id))
    }

    mutating func sessionLost(_ run: RunID) {
        guard let ticket = tickets[run.ticket], ticket.currentRun == run, ticket.opening?.session != nil,
            ticket.lostSession != run.number
        else { return }
        change(run.ticket) { ticket in
            ticket.session = nil
            ticket.lostSession = run.number
        }
        emit(.sessionLost(run))
    }

    /// The agent of the run is at work, and knows what it was told first.
    mutating func openingTaken(_ run: RunID) {
        guard let ticket = tickets[run.ticket], ticket.currentRun == run else { return }
        take(run) { $0.delivery == .opening(run: run.number) }
    }

    mutating func messageTaken(_ run: RunID, _ number: Int) {
        guard tickets[run.ticket]?.currentRun == run else { return }
        take(run) { $0.number == number }
    }

    /// It waits for the next run.
    mutating func messageRefused(_ run: RunID, _ number: Int, _ reason: String) {
        guard let messages = tickets[run.ticket]?.messages,
            let index = messages.firstIndex(where: { $0.number == number && $0.delivery == .handed(run: run.number) })
        else { return }
        change(run.ticket) { $0.messages![index].delivery = .waiting }
        emit(.messageDeferred(run.ticket, number, reason: reason))
    }

    private mutating func take(_ run: RunID, _ isMeant: (Message) -> Bool) {
        let taken = (tickets[run.ticket]?.messages ?? []).filter(isMeant)
        for message in taken {
            change(run.ticket) { ticket in
                ticket.messages!.removeAll { $0.number == message.number }
                if ticket.messages!.isEmpty { ticket.messages = nil }
            }
            emit(.messageTaken(run, message.number))
        }
    }

    /// The agent's run has ended. One that has done its work has read what it was told first; of what else it was handed
    /// nobody knows whether it has read it, so that it is told again.
    mutating func settleMessages(_ run: RunID, _ outcome: RunOutcome) {
        if outcome == .exited(0) { take(run) { $0.delivery == .opening(run: run.number) } }
        guard tickets[run.ticket]!.messages?.contains(where: { $0.delivery != .waiting }) == true else { return }
        change(run.ticket) { ticket in
            for index in ticket.messages!.indices { ticket.messages![index].delivery = .waiting }
        }
        emit(.ticketChanged(run.ticket))
    }
}
