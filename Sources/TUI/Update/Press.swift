import IPC

// What keys and the mouse do.

extension Model {
    mutating func press(_ key: Key, _ commands: inout [Command]) {
        guard !isPasting else { return }
        message = nil
        guard let binding = KeyBinding.find(key, in: keyContext) else { return }
        if let obstacle = binding.obstacle(self) {
            message = Message(kind: .refused, text: obstacle, hint: nil)
            return
        }
        perform(binding.action, &commands)
    }

    private mutating func perform(_ action: Action, _ commands: inout [Command]) {
        switch action {
        case .resume:
            guard let ticket = ticketInHand else { return }
            _ = send(.resume(ticket: ticket.id, approves: ticket.state == "awaiting_approval"), &commands)
        case .stop: ticketInHand.map { _ = send(.stop(ticket: $0.id), &commands) }
        case .openTranscript: openTranscript()
        case .help: overlay = .help(top: 0)
        case .quit:
            if runningTickets.isEmpty || connection != .live { commands.append(.quit) } else { overlay = .quitQuestion }
        case .leaveWorking, .quitNow: commands.append(.quit)
        case .haltAll: haltAll(&commands)
        case .haltOrResume:
            if halted == nil { overlay = .haltQuestion } else { _ = send(.resumeEverything, &commands) }
        case .haltEverything:
            overlay = .none
            _ = send(.haltEverything, &commands)
        case .back: overlay = .none
        case .repaint: commands.append(.repaint)
        case .switchPanel: focus = focus == .tickets ? .agents : .tickets
        case .focusTickets: focus = .tickets
        case .focusAgents: focus = .agents
        case .up: move(by: -1)
        case .down: move(by: 1)
        case .pageUp: move(by: -pageRows)
        case .pageDown: move(by: pageRows)
        case .halfPageUp: move(by: -max(1, pageRows / 2))
        case .halfPageDown: move(by: max(1, pageRows / 2))
        case .first: moveToEnd(first: true)
        case .last: moveToEnd(first: false)
        }
    }

    private mutating func openTranscript() {
        let ticket: String? =
            if case .transcript(let shown) = overlay { shown.ticket } else { ticketInHand?.id }
        guard let ticket, let run = tickets[ticket]?.run else { return }
        overlay = .transcript(Transcript(ticket: ticket, run: run))
    }

    private mutating func haltAll(_ commands: inout [Command]) {
        var unanswered: Set<Int> = []
        for ticket in runningTickets { unanswered.insert(send(.stop(ticket: ticket), &commands)) }
        if unanswered.isEmpty { commands.append(.quit) } else { overlay = .halting(unanswered: unanswered) }
    }

    // MARK: Moving

    private var pageRows: Int {
        guard let layout else { return 1 }
        switch overlay {
        case .none: return focus == .tickets ? layout.tickets.rows : layout.agents.rows
        case .help, .quitQuestion, .halting, .haltQuestion, .transcript: return layout.page.rows
        }
    }

    private mutating func move(by distance: Int) {
        let (rows, columns) = (transcriptRows, transcriptColumns)
        switch overlay {
        case .transcript:
            changeTranscript { $0.scroll(by: distance, rows: rows, columns: columns) }
        case .help(let top):
            overlay = .help(top: max(0, min(top + distance, helpRows.count - rows)))
        case .none:
            switch focus {
            case .tickets: selectTicket(at: (selectedTicket.flatMap { tickets.index(of: $0) } ?? 0) + distance)
            case .agents: selectAgent(at: (agents.firstIndex { $0.id == selectedAgent } ?? 0) + distance)
            }
        case .quitQuestion, .halting, .haltQuestion: break
        }
    }

    private mutating func moveToEnd(first: Bool) {
        switch overlay {
        case .transcript: changeTranscript { if first { $0.scrollToBeginning() } else { $0.scrollToEnd() } }
        case .help, .none: move(by: first ? -helpRows.count - tickets.count - agents.count : .max / 2)
        case .quitQuestion, .halting, .haltQuestion: break
        }
        // The first heading is seen again.
        if first, focus == .tickets { ticketTop = 0 }
    }

    private mutating func selectTicket(at place: Int) {
        selectedTicket = tickets.id(at: max(0, min(place, tickets.count - 1)))
    }

    private mutating func selectAgent(at place: Int) {
        guard !agents.isEmpty else { return }
        selectedAgent = agents[max(0, min(place, agents.count - 1))].id
    }

    // MARK: The mouse

    mutating func point(_ mouse: Mouse) {
        guard let layout else { return }
        guard case .none = overlay else {
            if mouse.kind != .press { move(by: mouse.kind == .wheelUp ? -3 : 3) }
            return
        }
        switch mouse.kind {
        case .press:
            message = nil
            if layout.tickets.contains(x: mouse.x, y: mouse.y) {
                focus = .tickets
                let line = tickets.line(at: ticketTop + mouse.y - layout.tickets.y, headings: layout.hasHeadings)
                if case .ticket(let id) = line { selectedTicket = id }
            } else if layout.agents.contains(x: mouse.x, y: mouse.y) {
                focus = .agents
                let index = agentTop + mouse.y - layout.agents.y
                if agents.indices.contains(index) { selectedAgent = agents[index].id }
            }
        case .wheelUp, .wheelDown:
            let distance = mouse.kind == .wheelUp ? -3 : 3
            if layout.tickets.contains(x: mouse.x, y: mouse.y) {
                scrollTickets(by: distance, layout)
            } else if layout.agents.contains(x: mouse.x, y: mouse.y) {
                scrollAgents(by: distance, layout)
            }
        }
    }

    /// Scrolls the view, and takes the selection along only where it would leave it.
    private mutating func scrollTickets(by distance: Int, _ layout: Layout) {
        let headings = layout.hasHeadings
        let rows = layout.tickets.rows
        let count = tickets.lineCount(headings: headings)
        ticketTop = max(0, min(ticketTop + distance, count - rows))
        guard let selected = selectedTicket.flatMap({ tickets.lineIndex(of: $0, headings: headings) }) else { return }
        let visible = ticketTop..<min(ticketTop + rows, count)
        guard !visible.contains(selected) else { return }
        let candidates = selected < visible.lowerBound ? Array(visible) : visible.reversed()
        for line in candidates {
            if case .ticket(let id) = tickets.line(at: line, headings: headings) {
                selectedTicket = id
                return
            }
        }
    }

    private mutating func scrollAgents(by distance: Int, _ layout: Layout) {
        agentTop = max(0, min(agentTop + distance, agents.count - layout.agents.rows))
        guard let selected = agents.firstIndex(where: { $0.id == selectedAgent }) else { return }
        selectAgent(at: max(agentTop, min(selected, agentTop + layout.agents.rows - 1)))
    }
}
