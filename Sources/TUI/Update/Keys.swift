import IPC

/// What a key can do.
enum Action: Hashable, Sendable {
    case resume, stop, openTranscript, quit, help
    case up, down, pageUp, pageDown, halfPageUp, halfPageDown, first, last
    case switchPanel, focusTickets, focusAgents
    case back, leaveWorking, haltAll, quitNow, repaint
    case haltOrResume, haltEverything
}

/// Where a key counts.
enum KeyContext: Hashable, Sendable { case panels, transcript, help, quitQuestion, halting, haltQuestion }

/// A key: what it is called, what it does, where, and why it may not be possible now.
///
/// This table is the only place that knows keys: it dispatches them, and it feeds the help and the status bar.
struct KeyBinding: Sendable {
    var keys: [Key]
    /// As the help and the status bar call it.
    var name: String
    /// A word for the status bar; nil: not shown there now.
    var hint: @Sendable (Model) -> String?
    /// A sentence for the help.
    var help: String
    var contexts: Set<KeyContext>
    var action: Action
    /// Why it cannot be done now; nil: it can.
    var obstacle: @Sendable (Model) -> String?

    init(
        _ keys: [Key],
        _ name: String,
        _ action: Action,
        in contexts: Set<KeyContext>,
        hint: @escaping @Sendable (Model) -> String? = { _ in nil },
        help: String,
        obstacle: @escaping @Sendable (Model) -> String? = { _ in nil }
    ) {
        self.keys = keys
        self.name = name
        self.hint = hint
        self.help = help
        self.contexts = contexts
        self.action = action
        self.obstacle = obstacle
    }

    static func find(_ key: Key, in context: KeyContext) -> KeyBinding? {
        table.first { $0.contexts.contains(context) && $0.keys.contains(key) }
    }

    static let table: [KeyBinding] = [
        KeyBinding(
            [.character("c")],
            "c",
            .resume,
            in: [.panels],
            hint: { model in model.ticketInHand.map { $0.state == "awaiting_approval" ? "approve" : "continue" } },
            help: "continue the ticket: approve, resume, or try its failed stage again",
            obstacle: continueObstacle
        ),
        KeyBinding(
            [.character("s")],
            "s",
            .stop,
            in: [.panels],
            hint: { $0.ticketInHand == nil ? nil : "stop" },
            help: "stop the ticket's agent now; everything it did is kept",
            obstacle: stopObstacle
        ),
        KeyBinding(
            [.enter],
            "Enter",
            .openTranscript,
            in: [.panels],
            hint: { $0.ticketInHand == nil ? nil : "transcript" },
            help: "read what the ticket's agent prints",
            obstacle: transcriptObstacle
        ),
        KeyBinding(
            [.character("H")],
            "H",
            .haltOrResume,
            in: [.panels],
            hint: { $0.halted == nil ? nil : "resume" },
            help: "halt everything, after asking; when it is halted, let it go on",
            obstacle: disconnectedObstacle
        ),
        KeyBinding(
            [.tab, .backTab],
            "Tab",
            .switchPanel,
            in: [.panels],
            hint: { $0.focus == .tickets ? "agents" : "tickets" },
            help: "the other panel; on an agent, c and s act on its ticket"
        ),
        KeyBinding([.up, .character("k")], "Up k", .up, in: [.panels, .transcript, .help], help: "up"),
        KeyBinding(
            [.down, .character("j")],
            "Down j",
            .down,
            in: [.panels, .transcript, .help],
            hint: { $0.hasMoreHelp ? "more" : nil },
            help: "down"
        ),
        KeyBinding([.left, .character("h")], "Left h", .focusTickets, in: [.panels], help: "to the tickets"),
        KeyBinding([.right, .character("l")], "Right l", .focusAgents, in: [.panels], help: "to the agents"),
        KeyBinding([.pageUp, .control("b")], "PgUp", .pageUp, in: [.panels, .transcript, .help], help: "a page up"),
        KeyBinding(
            [.pageDown, .control("f"), .character(" ")],
            "PgDn",
            .pageDown,
            in: [.panels, .transcript, .help],
            help: "a page down"
        ),
        KeyBinding(
            [.control("u")],
            "Ctrl-U",
            .halfPageUp,
            in: [.panels, .transcript, .help],
            help: "half a page up"
        ),
        KeyBinding(
            [.control("d")],
            "Ctrl-D",
            .halfPageDown,
            in: [.panels, .transcript, .help],
            help: "half a page down"
        ),
        KeyBinding(
            [.character("g"), .home],
            "g",
            .first,
            in: [.panels, .transcript, .help],
            hint: { $0.keyContext == .transcript ? "top" : nil },
            help: "to the beginning"
        ),
        KeyBinding(
            [.character("G"), .end],
            "G",
            .last,
            in: [.panels, .transcript, .help],
            hint: { $0.keyContext == .transcript ? "follow" : nil },
            help: "to the end; a transcript follows it"
        ),
        KeyBinding(
            [.enter],
            "Enter",
            .openTranscript,
            in: [.transcript],
            hint: { $0.hasNewerRun ? "newer run" : nil },
            help: "on to the ticket's newest run",
            obstacle: transcriptObstacle
        ),
        KeyBinding(
            [.character("l")],
            "l",
            .leaveWorking,
            in: [.quitQuestion],
            hint: { _ in "leave them working" },
            help: "quit; the agents go on working"
        ),
        KeyBinding(
            [.character("h")],
            "h",
            .haltAll,
            in: [.quitQuestion],
            hint: { _ in "halt them all" },
            help: "stop every running ticket, then quit",
            obstacle: disconnectedObstacle
        ),
        KeyBinding(
            [.character("y")],
            "y",
            .haltEverything,
            in: [.haltQuestion],
            hint: { _ in "halt everything" },
            help: "stop every agent; nothing starts or lands until H is pressed again",
            obstacle: disconnectedObstacle
        ),
        KeyBinding(
            [.escape],
            "Esc",
            .back,
            in: [.panels, .transcript, .help, .quitQuestion, .halting, .haltQuestion],
            hint: { model in
                switch model.keyContext {
                case .panels: nil
                case .quitQuestion, .haltQuestion: "stay"
                case .transcript, .help, .halting: "back"
                }
            },
            help: "back"
        ),
        KeyBinding(
            [.character("?")],
            "?",
            .help,
            in: [.panels, .transcript],
            hint: { _ in "help" },
            help: "this help"
        ),
        KeyBinding([.character("?")], "?", .back, in: [.help], help: "back"),
        KeyBinding(
            [.character("q")],
            "q",
            .quit,
            in: [.panels],
            hint: { _ in "quit" },
            help: "quit; with agents working it asks what shall become of them"
        ),
        KeyBinding([.character("q")], "q", .back, in: [.transcript, .help], help: "back"),
        KeyBinding(
            [.character("q")],
            "q",
            .quitNow,
            in: [.halting],
            hint: { _ in "quit without waiting" },
            help: "quit without waiting for the answers"
        ),
        KeyBinding(
            [.control("l")],
            "Ctrl-L",
            .repaint,
            in: [.panels, .transcript, .help, .quitQuestion, .halting, .haltQuestion],
            help: "draw the screen anew"
        ),
    ]
}

extension Model {
    var keyContext: KeyContext {
        switch overlay {
        case .none: .panels
        case .help: .help
        case .quitQuestion: .quitQuestion
        case .halting: .halting
        case .haltQuestion: .haltQuestion
        case .transcript: .transcript
        }
    }

    /// The help goes on below the screen.
    var hasMoreHelp: Bool {
        guard case .help(let top) = overlay, let rows = layout?.page.rows else { return false }
        return top + rows < helpRows.count
    }

    /// The transcript shows an earlier run than the ticket's last.
    var hasNewerRun: Bool {
        guard case .transcript(let transcript) = overlay, let run = tickets[transcript.ticket]?.run else {
            return false
        }
        return run != transcript.run
    }
}

// MARK: Why a key cannot be used

private let nothingSelected = "no ticket is selected"

private func disconnectedObstacle(_ model: Model) -> String? {
    model.connection == .live ? nil : "not possible now: the daemon is not connected"
}

private func noTicket(_ model: Model) -> String {
    guard model.focus == .agents, let agent = model.agentInHand else { return nothingSelected }
    return "\(agent.id) works on no ticket"
}

private func continueObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running": return "\(ticket.id) is \(ticket.reason == "stopping" ? "still stopping" : "running already")"
    case "queued": return "\(ticket.id) starts by itself: \(model.waiting[ticket.id] ?? "it waits for its turn")"
    case "landing": return "\(ticket.id) is landing already"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to do"
    default: return disconnectedObstacle(model)
    }
}

private func stopObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "stopped": return "\(ticket.id) is stopped already"
    case "awaiting_approval", "needs_human_review": return "\(ticket.id) waits for you: no agent works on it"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): no agent works on it"
    default: return disconnectedObstacle(model)
    }
}

private func transcriptObstacle(_ model: Model) -> String? {
    if model.overlay.isTranscript { return model.hasNewerRun ? nil : "this is the newest run" }
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    return ticket.run == nil ? "\(ticket.id) has not run yet" : nil
}

extension Overlay {
    var isTranscript: Bool {
        if case .transcript = self { true } else { false }
    }
}
