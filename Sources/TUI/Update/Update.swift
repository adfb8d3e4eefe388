import IPC

/// The only thing that changes a model: what happened goes in, what is wanted of the world comes out.
func update(_ model: inout Model, _ input: Input, at now: Moment) -> [Command] {
    model.now = now
    var commands: [Command] = []
    switch input {
    case .key(let key): model.press(key, &commands)
    case .mouse(let mouse): model.point(mouse, &commands)
    case .pasteBegan: model.isPasting = true
    case .pasteEnded: model.isPasting = false
    case .resized(let size): model.size = size
    case .clock: break
    case .connectionLost(let reason): model.loseConnection(reason)
    case .snapshot(let tickets, let agents, let waiting):
        let isFirst = !model.hasPicture
        let before = model.needy(among: model.tickets.rows.keys)
        model.replacePicture(tickets, agents, waiting)
        model.regainConnection()
        model.tellWhatWasMissed()
        // Those that need somebody when the dashboard starts are seen.
        if !isFirst { model.alert(of: tickets.keys, unless: before, &commands) }
    case .repositories(let rows):
        model.repositories = rows.sorted { (trailingNumber(of: $0.id), $0.id) < (trailingNumber(of: $1.id), $1.id) }
    case .daemonMissing:
        model.mayStartDaemon = true
        if case .none = model.overlay { model.overlay = .noDaemon(.offered) }
    case .daemonFailed(let reason, let hint): model.takeFailedStart(reason, hint)
    case .connectionRegained: model.regainConnection()
    case .caughtUp: model.tellWhatWasMissed()
    case .changed(let tickets, let agents):
        let before = model.needy(among: tickets.keys)
        model.change(tickets, agents)
        model.alert(of: tickets.keys, unless: before, &commands)
    case .troubled(let trouble): model.trouble = trouble
    case .halted(let reason): model.halted = reason
    case .spent(let spending): model.spending = spending
    case .waiting(let reasons):
        for (ticket, reason) in reasons { model.waiting[ticket] = reason }
    case .locksHeld(let locks): model.locks = locks
    case .happened(let ticket, let event):
        if model.detail.page?.ticket == ticket { model.detail.page?.hear(event) }
        model.followMessage(of: ticket, event)
    case .acts(let run, let activity): model.note(activity, of: run)
    case .outputWatched: model.detail.page?.lookAgain()
    case .outputGrew(let run, let stream, let size): model.detail.page?.grow(run: run, stream: stream, size: size)
    case .printed(let ticket, let moment):
        let printed = moment ?? now
        model.lastOutput[ticket] = max(model.lastOutput[ticket] ?? printed, printed)
    case .answered(let id, let answer): model.take(answer, to: id, &commands)
    case .edited(let text): model.takeEdited(text)
    case .reported(let message): model.message = message
    }
    model.settleDetail()
    model.settle()
    model.settlePage()
    model.readOn(&commands)
    return commands
}

// MARK: The picture

extension Model {
    fileprivate mutating func replacePicture(
        _ rows: [String: TicketRow],
        _ agents: [AgentRow],
        _ waiting: [String: String]
    ) {
        let place = selectedTicket.flatMap { tickets.index(of: $0) }
        tickets.replaceAll(with: rows)
        self.agents = agents.sorted(by: inOrder)
        self.waiting = waiting
        hasPicture = true
        reselect(after: place)
    }

    fileprivate mutating func change(_ changedTickets: [String: TicketRow?], _ changedAgents: [String: AgentRow?]) {
        let place = selectedTicket.flatMap { tickets.index(of: $0) }
        for (id, row) in changedTickets {
            if let row { tickets.set(row) } else { tickets.remove(id) }
            if row?.state != "queued" { waiting[id] = nil }
        }
        for (id, row) in changedAgents {
            agents.removeAll { $0.id == id }
            if let row { agents.append(row) }
        }
        if !changedAgents.isEmpty {
            agents.sort(by: inOrder)
            let running = Set(runningTickets)
            lastOutput = lastOutput.filter { running.contains($0.key) }
            activities = activities.filter { running.contains($0.key) }
        }
        reselect(after: place)
    }

    /// A selection that is gone moves to what has taken its place.
    mutating func reselect(after place: Int?) {
        if selectedTicket.map({ tickets.index(of: $0) == nil }) ?? true {
            selectedTicket = tickets.id(at: min(place ?? 0, tickets.count - 1))
        }
        if agentInHand == nil { selectedAgent = agents.first?.id }
        reselectLanding()
        followDetail()
    }

    /// One that has left the landing queue gives way to the first.
    private mutating func reselectLanding() {
        let queue = tickets.landing
        if selectedLanding.map({ !queue.contains($0) }) ?? true { selectedLanding = queue.first }
        if queue.isEmpty, focus == .landing { focus = .tickets }
    }

    /// What is read is told how its ticket is now; one that is gone is read no more.
    private mutating func followDetail() {
        if let ticket = detail.reading.ticket, tickets[ticket] == nil { detail.reading = .lists }
        guard let page = detail.page, let row = tickets[page.ticket] else { return }
        detail.page?.follow(row)
    }

    private mutating func startPageOver() {
        detail.awaited = nil
        detail.page?.startOver()
    }

    fileprivate mutating func loseConnection(_ reason: String) {
        if connection == .live { lastKnown = tickets }
        connection = .lost(reason: reason)
        let unanswered = pending.values.filter(\.isOrder).count
        pending = [:]
        if unanswered > 0 {
            message = Message(
                kind: .failed,
                text: "the daemon went away before it answered",
                hint: "look at the ticket's state when it is back, and repeat: that is safe"
            )
        }
        if case .halting = overlay { overlay = .none }
        forgetAwaited()
        startPageOver()
    }

    /// Whoever types meanwhile goes on.
    fileprivate mutating func takeFailedStart(_ reason: String, _ hint: String?) {
        switch overlay {
        case .none, .noDaemon: overlay = .noDaemon(.failed(reason, hint: hint))
        default: message = Message(kind: .failed, text: reason, hint: hint)
        }
    }

    fileprivate mutating func regainConnection() {
        if case .lost = connection { message = Message(kind: .done, text: Self.welcome, hint: nil) }
        if case .noDaemon(let start) = overlay {
            overlay = .none
            if start == .starting { message = Message(kind: .done, text: "the daemon runs", hint: nil) }
        }
        connection = .live
        mayStartDaemon = false
        startPageOver()
    }

    private static let welcome = "the daemon is back"

    /// In counts, unless something else has been said since.
    fileprivate mutating func tellWhatWasMissed() {
        guard let before = lastKnown else { return }
        lastKnown = nil
        guard let said = message, said.text == Self.welcome else { return }
        message?.text = "\(said.text): \(tickets.news(since: before))"
    }
}

private func inOrder(_ a: AgentRow, _ b: AgentRow) -> Bool {
    (trailingNumber(of: a.id), a.id) < (trailingNumber(of: b.id), b.id)
}

// MARK: Requests and answers

extension Model {
    mutating func send(_ request: DaemonRequest, _ commands: inout [Command]) -> Int {
        let id = nextRequest
        nextRequest += 1
        pending[id] = request
        commands.append(.send(id: id, request))
        return id
    }

    fileprivate mutating func take(_ answer: Answer, to id: Int, _ commands: inout [Command]) {
        guard let request = pending.removeValue(forKey: id) else { return }
        if request.isOrder {
            message = report(on: request, answer)
            noteMessage(of: request, answer)
            settleTyping(answered: id, answer)
        } else if takeForForm(answer, to: id) {
        } else if detail.awaited == id {
            let room = room
            detail.awaited = nil
            detail.page?.take(answer, to: request, in: room)
        }
        halt(answered: id, answer, &commands)
    }

    private func report(on order: DaemonRequest, _ answer: Answer) -> Message {
        switch answer {
        case .failure(let failure): return Message(kind: .failed, text: failure.message, hint: failure.hint)
        case .result(let value):
            if let sentence = order.sentence(for: value) { return Message(kind: .done, text: sentence, hint: nil) }
            let failure = Answer.Failure.notUnderstood
            return Message(kind: .failed, text: failure.message, hint: failure.hint)
        }
    }

    /// Quits when the last stop is answered; stays when one failed, so that its reason is read.
    private mutating func halt(answered id: Int, _ answer: Answer, _ commands: inout [Command]) {
        guard case .halting(var unanswered) = overlay, unanswered.remove(id) != nil else { return }
        if case .failure = answer {
            overlay = .none
        } else if unanswered.isEmpty {
            commands.append(.quit)
        } else {
            overlay = .halting(unanswered: unanswered)
        }
    }
}

// MARK: Keeping the selection in sight

extension Model {
    var layout: Layout? {
        let landing = tickets.landing.count
        return Layout(size: size, agents: agents.count, landing: landing, focus: focus, stacks: glyphs.isPlain)
    }

    fileprivate mutating func settle() {
        guard let layout else { return }
        let lines = tickets.lineCount(headings: layout.hasHeadings)
        let selected = selectedTicket.flatMap { tickets.lineIndex(of: $0, headings: layout.hasHeadings) } ?? 0
        let top = scrolled(ticketTop, toShow: selected, of: lines, in: layout.tickets.rows)
        let scrolledUp = top < ticketTop
        ticketTop = top
        // Scrolling up, the heading above the first ticket of a group comes into sight with it.
        if scrolledUp, top == selected, layout.hasHeadings,
            case .heading = tickets.line(at: selected - 1, headings: true)
        {
            ticketTop -= 1
        }
        let agent = agents.firstIndex { $0.id == selectedAgent } ?? 0
        agentTop = scrolled(agentTop, toShow: agent, of: agents.count, in: layout.agents.rows)
        let queue = tickets.landing
        let landing = queue.firstIndex { $0 == selectedLanding } ?? 0
        landingTop = scrolled(landingTop, toShow: landing, of: queue.count, in: layout.landing.rows)
    }
}

/// The first visible line, moved no further than `line` needs to be seen, with nothing empty below the last one.
private func scrolled(_ top: Int, toShow line: Int, of count: Int, in rows: Int) -> Int {
    min(max(min(top, count - rows), line - rows + 1, 0), line)
}
