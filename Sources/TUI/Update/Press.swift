import IPC

// What keys and the mouse do.

extension Model {
    mutating func press(_ key: Key, _ commands: inout [Command]) {
        guard !isPasting else { return paste(key) }
        message = nil
        guard let binding = preferences.keys.find(key, in: keyContext) else {
            // Where text is typed, what is no key of it is nothing: an escape might cost the text.
            if type(key) || KeyContext.typing.contains(keyContext) { return }
            if case .alt(let character) = key {
                press(.escape, &commands)
                press(.character(character), &commands)
            }
            return
        }
        use(binding, &commands)
    }

    /// Does what a key is for, or says why not.
    mutating func use(_ binding: KeyBinding, _ commands: inout [Command]) {
        if let obstacle = binding.obstacle(self) {
            message = Message(kind: .refused, text: obstacle, hint: nil)
        } else {
            perform(binding.action, &commands)
        }
    }

    private mutating func perform(_ action: Action, _ commands: inout [Command]) {
        switch action {
        case .resume:
            guard let ticket = ticketInHand else { return }
            _ = send(.resume(ticket: ticket.id, approves: ticket.state == "awaiting_approval"), &commands)
        case .stop: ticketInHand.map { _ = send(.stop(ticket: $0.id), &commands) }
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
        case .approve: ticketInHand.map { overlay = .prompt(Prompt($0.sayYes)) }
        case .requestChanges: ticketInHand.map { overlay = .prompt(Prompt($0.sayNo)) }
        case .message: ticketInHand.map { overlay = .prompt(Prompt(.message(ticket: $0.id))) }
        case .rawOutput: toggleRawOutput()
        case .cancel: ticketInHand.map { overlay = .cancelQuestion(ticket: $0.id) }
        case .cancelNow:
            guard case .cancelQuestion(let ticket) = overlay else { return }
            overlay = .none
            _ = send(.cancel(ticket: ticket), &commands)
        case .retry: ticketInHand.map { _ = send(.retry(ticket: $0.id), &commands) }
        case .priority:
            ticketInHand.map { overlay = .prompt(Prompt(.priority(ticket: $0.id), text: String($0.priority))) }
        case .newTicket: writeNewTicket(&commands)
        case .editTicket: ticketInHand.map { editTicket($0, &commands) }
        case .filter: writeFilter()
        case .search: writeSearch()
        case .command: overlay = .prompt(Prompt(.command))
        case .complete: completeCommand()
        case .mouse: handMouse(&commands)
        case .startDaemon:
            overlay = .noDaemon(.starting)
            commands.append(.startDaemon)
        case .submit: submit(&commands)
        case .field(let distance): moveInForm { $0.go(by: distance) }
        case .enterField: enterField(&commands)
        case .lose: overlay = .none
        case .editText: editText(&commands)
        case .openShell:
            guard let ticket = ticketInHand, let folder = ticket.worktree else { return }
            let notice = "\(folder) is the worktree of \(ticket.id); exit leads back to the dashboard"
            commands.append(.openShell(folder: folder, notice: notice))
        case .copyTicket: ticketInHand.map { commands.append(.copy($0.id)) }
        case .copyWorktree: ticketInHand?.worktree.map { commands.append(.copy($0)) }
        case .back: goBack()
        case .repaint: commands.append(.repaint)
        case .open: ticketInHand.map { open(detail.tab == .overview ? .best(for: $0) : detail.tab) }
        case .show(let tab): show(tab)
        case .nextTab: detail.tab = detail.shown.neighbour(1)
        case .previousTab: detail.tab = detail.shown.neighbour(-1)
        case .why: showEvidence()
        case .page(.next) where detail.search != nil: findNext(forwards: true)
        case .page(.previous) where detail.search != nil: findNext(forwards: false)
        case .page(let action): performOnPage(action)
        case .focus(let panel): focus(panel)
        case .nextPlace: focusNeighbour(1)
        case .previousPlace: focusNeighbour(-1)
        case .left: focus(.tickets)
        case .right: focus(focus == .tickets ? .agents : focus)
        case .up: move(.rows(-1))
        case .down: move(.rows(1))
        case .pageUp: move(.rows(-pageRows))
        case .pageDown: move(.rows(pageRows))
        case .halfPageUp: move(.rows(-max(1, pageRows / 2)))
        case .halfPageDown: move(.rows(max(1, pageRows / 2)))
        case .first: move(.beginning)
        case .last: move(.end)
        }
    }

    private mutating func goBack() {
        switch overlay {
        case .none where detail.reading != .lists && detail.search != nil: detail.search = nil
        case .none where detail.reading == .lists && tickets.filter != nil: listAll()
        case .none: if !(detail.page?.goBack() ?? false) { detail.reading = .lists }
        case .leaveQuestion(let typing): overlay = typing
        case .prompt(let prompt):
            if case .filter(let selected) = prompt.purpose { listAll(selecting: selected) }
            overlay = wouldLoseText ? .leaveQuestion(overlay) : .none
        default: overlay = wouldLoseText ? .leaveQuestion(overlay) : .none
        }
    }

    private mutating func haltAll(_ commands: inout [Command]) {
        var unanswered: Set<Int> = []
        for ticket in runningTickets { unanswered.insert(send(.stop(ticket: ticket), &commands)) }
        if unanswered.isEmpty { commands.append(.quit) } else { overlay = .halting(unanswered: unanswered) }
    }

    // MARK: The tabs

    /// Shows a tab of the ticket in hand: below the lists where there is room, else over the whole screen.
    private mutating func show(_ tab: Tab) {
        detail.tab = tab
        guard detail.reading == .lists, !(layout?.hasTabs ?? false) else { return }
        open(tab)
    }

    /// The timeline over the whole screen, on the event that brought the ticket where it is.
    private mutating func showEvidence() {
        open(.timeline)
        settleDetail()
        guard var page = detail.page as? TimelinePage else { return }
        page.seekEvidence()
        detail.page = page
    }

    private mutating func performOnPage(_ action: PageAction) {
        if action == .open, case .pane(let ticket) = detail.reading {
            detail.reading = .page(ticket: ticket)
            return
        }
        let room = room
        switch detail.page?.perform(action, in: room) {
        case .refused(let reason): message = Message(kind: .refused, text: reason, hint: nil)
        case .tab(let tab): detail.tab = tab
        case .done, nil: break
        }
    }

    /// A transcript as its agent's stream was understood, or as it came.
    private mutating func toggleRawOutput() {
        if case .refused(let reason) = detail.page?.toggleRawOutput() {
            message = Message(kind: .refused, text: reason, hint: nil)
        }
    }

    // MARK: Moving

    private mutating func focus(_ panel: Panel) {
        focus = panel
        detail.reading = .lists
    }

    /// Around the panels that are shown, and the tab below them.
    private mutating func focusNeighbour(_ distance: Int) {
        guard let layout, !detail.reading.fillsScreen else { return }
        var places: [Panel?] = [.tickets, .agents] + (tickets.landing.isEmpty ? [] : [.landing])
        // A tab can be read where there is one.
        if layout.hasTabs, ticketInHand != nil { places.append(nil) }
        let here = detail.reading == .lists ? places.firstIndex(of: focus) ?? 0 : places.count - 1
        let there = places[(here + distance + places.count) % places.count]
        if let panel = there {
            focus(panel)
        } else if let ticket = ticketInHand {
            detail.reading = .pane(ticket: ticket.id)
        }
    }

    private var pageRows: Int {
        guard let layout else { return 1 }
        if case .help = overlay { return layout.page.rows }
        if detail.reading != .lists { return room.rows }
        return layout.rectangle(of: focus).rows
    }

    private mutating func move(_ motion: Motion) {
        switch overlay {
        case .help(let top): overlay = .help(top: helpTop(after: motion, from: top))
        case .none where detail.reading != .lists: movePage(motion)
        case .none: moveSelection(motion)
        case .quitQuestion, .halting, .haltQuestion, .cancelQuestion, .prompt, .form, .leaveQuestion, .noDaemon: break
        }
    }

    private mutating func movePage(_ motion: Motion) {
        let room = room
        detail.page?.move(motion, in: room)
    }

    private func helpTop(after motion: Motion, from top: Int) -> Int {
        let last = max(0, helpRows.count - pageRows)
        return switch motion {
        case .rows(let distance): max(0, min(top + distance, last))
        case .beginning: 0
        case .end: last
        }
    }

    private mutating func moveSelection(_ motion: Motion) {
        switch focus {
        case .tickets:
            let here = selectedTicket.flatMap { tickets.index(of: $0) } ?? 0
            selectedTicket = tickets.id(at: motion.place(from: here, of: tickets.count))
            // The first heading is seen again.
            if motion == .beginning { ticketTop = 0 }
        case .agents:
            guard !agents.isEmpty else { return }
            let here = agents.firstIndex { $0.id == selectedAgent } ?? 0
            selectedAgent = agents[motion.place(from: here, of: agents.count)].id
        case .landing:
            let queue = tickets.landing
            guard !queue.isEmpty else { return }
            let here = queue.firstIndex { $0 == selectedLanding } ?? 0
            selectedLanding = queue[motion.place(from: here, of: queue.count)]
        }
    }

    // MARK: The mouse

    mutating func point(_ mouse: Mouse, _ commands: inout [Command]) {
        guard let layout else { return }
        switch mouse.kind {
        case .press, .doublePress: click(mouse, layout, &commands)
        case .wheelUp: scroll(at: mouse, by: -3, layout)
        case .wheelDown: scroll(at: mouse, by: 3, layout)
        case .drag, .release: break
        }
    }

    private mutating func click(_ mouse: Mouse, _ layout: Layout, _ commands: inout [Command]) {
        let target = view(self).targets.last { $0.area.contains(x: mouse.x, y: mouse.y) }
        if let binding = target.flatMap({ preferences.keys.find($0.action, in: keyContext) }) {
            message = nil
            return use(binding, &commands)
        }
        guard case .none = overlay else { return }
        message = nil
        if !isRead(at: mouse, layout) {
            guard select(at: mouse, layout), mouse.kind == .doublePress else { return }
        } else if let ticket = ticketInHand, !detail.reading.fillsScreen {
            detail.reading = .pane(ticket: ticket.id)
            guard mouse.kind == .doublePress else { return }
        } else {
            return
        }
        perform(detail.reading == .lists ? .open : .page(.open), &commands)
    }

    /// The mouse is on the tab.
    private func isRead(at mouse: Mouse, _ layout: Layout) -> Bool {
        detail.reading.fillsScreen || layout.hasTabs && layout.detail.contains(x: mouse.x, y: mouse.y)
    }

    /// Selects what is there, if anything is.
    private mutating func select(at mouse: Mouse, _ layout: Layout) -> Bool {
        guard let panel = layout.panel(atX: mouse.x, y: mouse.y) else { return false }
        focus(panel)
        let row = mouse.y - layout.rectangle(of: panel).y
        switch panel {
        case .tickets:
            let line = tickets.line(at: ticketTop + row, headings: layout.hasHeadings)
            guard case .ticket(let id) = line else { return false }
            selectedTicket = id
        case .agents:
            guard agents.indices.contains(agentTop + row) else { return false }
            selectedAgent = agents[agentTop + row].id
        case .landing:
            let queue = tickets.landing
            guard queue.indices.contains(landingTop + row) else { return false }
            selectedLanding = queue[landingTop + row]
        }
        return true
    }

    private mutating func scroll(at mouse: Mouse, by distance: Int, _ layout: Layout) {
        switch overlay {
        case .help: move(.rows(distance))
        case .none where isRead(at: mouse, layout): movePage(.rows(distance))
        case .none: scrollList(at: mouse, by: distance, layout)
        default: break
        }
    }

    /// Scrolls the view, and takes the selection along only where it would leave it.
    private mutating func scrollList(at mouse: Mouse, by distance: Int, _ layout: Layout) {
        switch layout.panel(atX: mouse.x, y: mouse.y) {
        case .tickets: scrollTickets(by: distance, layout)
        case .agents:
            agentTop = max(0, min(agentTop + distance, agents.count - layout.agents.rows))
            guard let selected = agents.firstIndex(where: { $0.id == selectedAgent }) else { return }
            selectedAgent = agents[max(agentTop, min(selected, agentTop + layout.agents.rows - 1))].id
        case .landing:
            let queue = tickets.landing
            landingTop = max(0, min(landingTop + distance, queue.count - layout.landing.rows))
            guard let selected = queue.firstIndex(where: { $0 == selectedLanding }) else { return }
            selectedLanding = queue[max(landingTop, min(selected, landingTop + layout.landing.rows - 1))]
        case nil: break
        }
    }

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
}

extension Motion {
    /// Where it leads from a place in a list.
    func place(from here: Int, of count: Int) -> Int {
        switch self {
        case .rows(let distance): max(0, min(here + distance, count - 1))
        case .beginning: 0
        case .end: max(0, count - 1)
        }
    }
}
