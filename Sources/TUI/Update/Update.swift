import IPC

/// The only thing that changes a model: what happened goes in, what is wanted of the world comes out.
func update(_ model: inout Model, _ input: Input, at now: Moment) -> [Command] {
    model.now = now
    var commands: [Command] = []
    switch input {
    case .key(let key): model.press(key, &commands)
    case .mouse(let mouse): model.point(mouse)
    case .pasteBegan: model.isPasting = true
    case .pasteEnded: model.isPasting = false
    case .resized(let size): model.size = size
    case .clock: break
    case .connectionLost(let reason): model.loseConnection(reason)
    case .snapshot(let tickets, let agents, let waiting): model.replacePicture(tickets, agents, waiting)
    case .connectionRegained: model.regainConnection()
    case .changed(let tickets, let agents): model.change(tickets, agents)
    case .troubled(let trouble): model.trouble = trouble
    case .halted(let reason): model.halted = reason
    case .waiting(let reasons):
        for (ticket, reason) in reasons { model.waiting[ticket] = reason }
    case .outputWatched: model.changeTranscript { $0.lookAgain() }
    case .outputGrew(let run, let stream, let size): model.grow(run, stream, size)
    case .answered(let id, let answer): model.take(answer, to: id, &commands)
    }
    model.settle()
    model.readOn(&commands)
    return commands
}

// MARK: The picture

extension Model {
    fileprivate mutating func replacePicture(_ rows: [TicketRow], _ agents: [AgentRow], _ waiting: [String: String]) {
        let place = selectedTicket.flatMap { tickets.index(of: $0) }
        tickets.replaceAll(with: rows)
        self.agents = agents.sorted(by: inOrder)
        self.waiting = waiting
        reselect(after: place)
        regainConnection()
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
        if !changedAgents.isEmpty { agents.sort(by: inOrder) }
        reselect(after: place)
    }

    /// A selection that is gone moves to what has taken its place.
    private mutating func reselect(after place: Int?) {
        if selectedTicket.map({ tickets[$0] == nil }) ?? true {
            selectedTicket = tickets.id(at: min(place ?? 0, tickets.count - 1))
        }
        if agentInHand == nil { selectedAgent = agents.first?.id }
    }

    fileprivate mutating func loseConnection(_ reason: String) {
        connection = .lost(reason: reason)
        let unanswered = pending.values.filter(\.isCommand).count
        pending = [:]
        if unanswered > 0 {
            message = Message(
                kind: .failed,
                text: "the daemon went away before it answered",
                hint: "look at the ticket's state when it is back, and repeat: that is safe"
            )
        }
        if case .halting = overlay { overlay = .none }
        changeTranscript { $0.startOver() }
    }

    fileprivate mutating func regainConnection() {
        if case .lost = connection { message = Message(kind: .done, text: "the daemon is back", hint: nil) }
        connection = .live
        changeTranscript { $0.startOver() }
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
        switch (request, answer) {
        case (.readOutput(let run, _, _, _), .output(let page)):
            let columns = transcriptColumns
            changeTranscript { if $0.run == run { $0.take(page, columns: columns) } }
        case (.readOutput(let run, _, _, _), .failure(let failure)):
            changeTranscript { if $0.run == run { $0.fail(failure.message) } }
        case (.readOutput, .ticket), (.readOutput, .standstill), (.resume, .output), (.resume, .standstill),
            (.stop, .output), (.stop, .standstill), (.haltEverything, .ticket), (.haltEverything, .output),
            (.resumeEverything, .ticket), (.resumeEverything, .output):
            message = Message(kind: .failed, text: "the daemon answered something else than was asked", hint: nil)
        case (.resume(let ticket, let approves), .ticket(let state)):
            let text = "\(ticket) \(approves ? "approved" : "continues"): now \(stateWord(state))"
            message = Message(kind: .done, text: text, hint: nil)
        case (.stop(let ticket), .ticket(let state)):
            let text = state == "stopped" ? "\(ticket) is stopped" : "\(ticket) is stopping"
            message = Message(kind: .done, text: text, hint: nil)
        case (.haltEverything, .standstill(_, let tickets)), (.resumeEverything, .standstill(_, let tickets)):
            let isHalt = request == .haltEverything
            let count = tickets == 1 ? "1 ticket" : "\(tickets) tickets"
            let rest = tickets == 0 ? "" : isHalt ? "; stopping \(count)" : "; \(count) back in the queue"
            let text = (isHalt ? "everything is halted" : "everything goes on") + rest
            message = Message(kind: .done, text: text, hint: nil)
        case (.resume, .failure(let failure)), (.stop, .failure(let failure)),
            (.haltEverything, .failure(let failure)), (.resumeEverything, .failure(let failure)):
            message = Message(kind: .failed, text: failure.message, hint: failure.hint)
        }
        halt(answered: id, answer, &commands)
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

extension DaemonRequest {
    /// Asks for something to happen, rather than to be told something.
    var isCommand: Bool {
        switch self {
        case .resume, .stop, .haltEverything, .resumeEverything: true
        case .readOutput: false
        }
    }
}

// MARK: The transcript

extension Model {
    mutating func changeTranscript(_ change: (inout Transcript) -> Void) {
        guard case .transcript(var transcript) = overlay else { return }
        // The model's copy is let go first: two would make every change copy the window.
        overlay = .none
        change(&transcript)
        overlay = .transcript(transcript)
    }

    /// The ticket whose runs' output is looked at, and of whose growth the shell is to tell.
    var watchedTicket: String? {
        guard case .transcript(let transcript) = overlay, connection == .live else { return nil }
        return transcript.ticket
    }

    var transcriptRows: Int { layout?.page.rows ?? 1 }
    var transcriptColumns: Int { layout?.page.columns ?? 1 }

    fileprivate mutating func grow(_ run: String, _ stream: String, _ size: Int) {
        changeTranscript { if $0.run == run, $0.stream == stream { $0.grow(to: size) } }
    }

    /// Asks for the page the transcript needs next, if any.
    fileprivate mutating func readOn(_ commands: inout [Command]) {
        guard connection == .live, overlay.isTranscript else { return }
        let (rows, columns) = (transcriptRows, transcriptColumns)
        var request: DaemonRequest?
        changeTranscript { request = $0.nextRead(rows: rows, columns: columns) }
        if let request { _ = send(request, &commands) }
    }
}

// MARK: Keeping the selection in sight

extension Model {
    var layout: Layout? { Layout(size: size, agentCount: agents.count) }

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
    }
}

/// The first visible line, moved no further than `line` needs to be seen, with nothing empty below the last one.
private func scrolled(_ top: Int, toShow line: Int, of count: Int, in rows: Int) -> Int {
    min(max(min(top, count - rows), line - rows + 1, 0), line)
}
