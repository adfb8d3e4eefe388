import IPC

/// What a key can do.
enum Action: Hashable, Sendable {
    case resume, stop, open, quit, help
    case up, down, pageUp, pageDown, halfPageUp, halfPageDown, first, last
    case focus(Panel), nextPlace, previousPlace, left, right
    case show(Tab), nextTab, previousTab, page(PageAction)
    case back, leaveWorking, haltAll, quitNow, repaint
    case haltOrResume, haltEverything, why
    case approve, requestChanges, cancel, cancelNow, retry, priority, newTicket, editTicket
    /// `field`: to another entry of a form, so far on.
    case submit, field(Int), enterField, lose, editText
    case openShell, copyTicket, copyWorktree
    case filter, command, complete, mouse, startDaemon
}

/// Where a key counts: in the lists, in the tab that is read, or in what lies over both.
enum KeyContext: Hashable, Sendable, CaseIterable {
    case lists, page, help, quitQuestion, halting, haltQuestion
    /// A line is typed in the place of the keys, or several in a box: keys without a meaning of their own go into the text.
    case prompt, textBox, form
    case cancelQuestion, leaveQuestion
    case noDaemon

    /// Where one moves about in something long.
    static let scrolling: Set<KeyContext> = [.lists, .page, .help]
    /// Where there is a ticket in hand.
    static let tickets: Set<KeyContext> = [.lists, .page]
    static let typing: Set<KeyContext> = [.prompt, .textBox, .form]
    /// Where there is more than a line of it.
    static let writing: Set<KeyContext> = [.textBox, .form]
}

/// A key: what it is called, what it does, where, and why it may not be possible now.
///
/// This table is the only place that knows keys: `KeyMap` puts the user's own in, dispatches them, and feeds the help and
/// the status bar.
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

    static let table: [KeyBinding] =
        onPages + onTickets + moving + filing + tabs + questions + withoutDaemon + typing + everywhere

    // MARK: What is done to a ticket

    private static let onTickets: [KeyBinding] = [
        KeyBinding(
            [.character("c")],
            "c",
            .resume,
            in: KeyContext.tickets,
            hint: { model in model.ticketInHand.map { $0.state == "awaiting_approval" ? "approve" : "continue" } },
            help: "continue the ticket: approve, resume, or try its failed stage again",
            obstacle: continueObstacle
        ),
        KeyBinding(
            [.character("a")],
            "a",
            .approve,
            in: KeyContext.tickets,
            hint: { $0.ticketInHand?.state == "awaiting_approval" ? "with comment" : nil },
            help: "approve what waits for that, with a comment",
            obstacle: approveObstacle
        ),
        KeyBinding(
            [.character("s")],
            "s",
            .stop,
            in: KeyContext.tickets,
            hint: { $0.ticketInHand == nil ? nil : "stop" },
            help: "stop the ticket's agent now; everything it did is kept",
            obstacle: stopObstacle
        ),
        KeyBinding(
            [.character("r")],
            "r",
            .requestChanges,
            in: KeyContext.tickets,
            hint: { whenPossible("changes", $0, unless: changesObstacle) },
            help: "send it back to its agent with what is to change",
            obstacle: changesObstacle
        ),
        KeyBinding(
            [.character("R")],
            "R",
            .retry,
            in: KeyContext.tickets,
            help: "start its stage afresh, without what was said before",
            obstacle: retryObstacle
        ),
        KeyBinding(
            [.character("x")],
            "x",
            .cancel,
            in: KeyContext.tickets,
            help: "cancel the ticket, after asking; a snapshot of its work is kept",
            obstacle: cancelObstacle
        ),
        KeyBinding(
            [.character("p")],
            "p",
            .priority,
            in: KeyContext.tickets,
            help: "set its priority; in the prompt + and - are steps",
            obstacle: editObstacle
        ),
        KeyBinding(
            [.character("e")],
            "e",
            .editTicket,
            in: KeyContext.tickets,
            help: "edit the ticket: title, description, priority, locks and the rest",
            obstacle: editObstacle
        ),
        KeyBinding(
            [.character("o")],
            "o",
            .openShell,
            in: KeyContext.tickets,
            help: "open a shell in the ticket's worktree",
            obstacle: worktreeObstacle
        ),
        KeyBinding(
            [.character("y")],
            "y",
            .copyTicket,
            in: KeyContext.tickets,
            help: "copy the ticket's id",
            obstacle: openObstacle
        ),
        KeyBinding(
            [.character("Y")],
            "Y",
            .copyWorktree,
            in: KeyContext.tickets,
            help: "copy the path of its worktree",
            obstacle: worktreeObstacle
        ),
        KeyBinding(
            [.character("w")],
            "w",
            .why,
            in: KeyContext.tickets,
            hint: { $0.ticketInHand?.evidence == nil ? nil : "why?" },
            help: "why is it so? the timeline, at the event that brought the ticket to its state",
            obstacle: openObstacle
        ),
        KeyBinding(
            [.character("H")],
            "H",
            .haltOrResume,
            in: KeyContext.tickets,
            hint: { $0.halted == nil ? nil : "resume" },
            help: "halt everything, after asking; when it is halted, let it go on",
            obstacle: disconnectedObstacle
        ),
    ]

    // MARK: Moving

    private static let moving: [KeyBinding] = [
        KeyBinding(
            [.enter],
            "Enter",
            .open,
            in: [.lists],
            hint: { $0.ticketInHand == nil ? nil : "open" },
            help: "open the ticket over the whole screen",
            obstacle: openObstacle
        ),
        KeyBinding([.tab], "Tab", .nextPlace, in: KeyContext.tickets, help: "to the next panel, and to the tab below"),
        KeyBinding([.backTab], "S-Tab", .previousPlace, in: KeyContext.tickets, help: "to the last panel"),
        KeyBinding([.character("1")], "1", .focus(.tickets), in: KeyContext.tickets, help: "to the tickets"),
        KeyBinding(
            [.character("2")],
            "2",
            .focus(.agents),
            in: KeyContext.tickets,
            help: "to the agents; keys act on the ticket an agent works on"
        ),
        KeyBinding([.character("3")], "3", .focus(.landing), in: KeyContext.tickets, help: "to the landing queue"),
        KeyBinding([.up, .character("k")], "Up k", .up, in: KeyContext.scrolling, help: "up"),
        KeyBinding(
            [.down, .character("j")],
            "Down j",
            .down,
            in: KeyContext.scrolling,
            hint: { $0.hasMoreHelp ? "more" : nil },
            help: "down"
        ),
        KeyBinding([.left, .character("h")], "Left h", .left, in: [.lists], help: "to the tickets"),
        KeyBinding([.right, .character("l")], "Right l", .right, in: [.lists], help: "to the agents"),
        KeyBinding([.pageUp, .control("b")], "PgUp", .pageUp, in: KeyContext.scrolling, help: "a page up"),
        KeyBinding(
            [.pageDown, .control("f"), .character(" ")],
            "PgDn",
            .pageDown,
            in: KeyContext.scrolling,
            help: "a page down"
        ),
        KeyBinding([.control("u")], "Ctrl-U", .halfPageUp, in: KeyContext.scrolling, help: "half a page up"),
        KeyBinding([.control("d")], "Ctrl-D", .halfPageDown, in: KeyContext.scrolling, help: "half a page down"),
        KeyBinding([.character("g"), .home], "g", .first, in: KeyContext.scrolling, help: "to the beginning"),
        KeyBinding(
            [.character("G"), .end],
            "G",
            .last,
            in: KeyContext.scrolling,
            hint: { $0.keyContext == .page && $0.detail.shown == .transcript ? "follow" : nil },
            help: "to the end; a transcript follows it"
        ),
    ]

    // MARK: What a tab makes of them

    private static let onPages: [KeyBinding] = [
        KeyBinding(
            [.enter],
            "Enter",
            .page(.open),
            in: [.page],
            hint: { $0.detail.hint(for: .open) },
            help: "open what the cursor is on; in a pane, fill the screen; in a transcript, on to the newest run"
        ),
        KeyBinding(
            [.character("n")],
            "n",
            .page(.next),
            in: [.page],
            hint: { $0.detail.hint(for: .next) },
            help: "to the next hunk, failing line or event"
        ),
        KeyBinding([.character("N")], "N", .page(.previous), in: [.page], help: "to the one before"),
    ]

    // MARK: Tickets that are not there yet

    private static let filing: [KeyBinding] = [
        KeyBinding(
            [.character("n")],
            "n",
            .newTicket,
            in: [.lists],
            hint: { $0.connection == .live ? "new ticket" : nil },
            help: "write a new ticket",
            obstacle: newTicketObstacle
        )
    ]

    // MARK: The tabs of a ticket

    private static let tabs: [KeyBinding] =
        Tab.allCases.map { tab in
            let number = Unicode.Scalar(UInt8(ascii: "0") + UInt8(tab.number))
            return KeyBinding(
                [.character(number)],
                "\(tab.number)",
                .show(tab),
                in: KeyContext.tickets,
                help: tab.help,
                obstacle: openObstacle
            )
        } + [
            KeyBinding(
                [.left, .character("h"), .character("[")],
                "Left h",
                .previousTab,
                in: [.page],
                help: "to the tab on the left"
            ),
            KeyBinding(
                [.right, .character("l"), .character("]")],
                "Right l",
                .nextTab,
                in: [.page],
                hint: { _ in "next tab" },
                help: "to the tab on the right"
            ),
        ]

    // MARK: Questions

    private static let questions: [KeyBinding] = [
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
            [.character("q")],
            "q",
            .quitNow,
            in: [.halting],
            hint: { _ in "quit without waiting" },
            help: "quit without waiting for the answers"
        ),
    ]

    // MARK: Without a daemon

    private static let withoutDaemon: [KeyBinding] = [
        KeyBinding(
            [.enter],
            "Enter",
            .startDaemon,
            in: [.noDaemon],
            hint: { $0.isStartingDaemon ? nil : "start one" },
            help: "start a daemon in the background",
            obstacle: { $0.isStartingDaemon ? "it is being started" : nil }
        ),
        KeyBinding(
            [.character("q")],
            "q",
            .quitNow,
            in: [.noDaemon],
            hint: { _ in "quit" },
            help: "quit"
        ),
    ]

    // MARK: Typing

    private static let typing: [KeyBinding] = [
        KeyBinding(
            [.character("/")],
            "/",
            .filter,
            in: [.lists],
            hint: { $0.tickets.total > 1 ? "filter" : nil },
            help: "list only tickets that match: words, is:needs-you, agent:, lock:, p:>2, each with - for all others"
        ),
        KeyBinding(
            [.character(":")],
            ":",
            .command,
            in: KeyContext.tickets,
            help:
                "type an action by its name, with its ticket and text: approve T-3 well done; a ticket alone goes to it"
        ),
        KeyBinding([.tab], "Tab", .complete, in: [.prompt], help: "complete the command"),
        KeyBinding(
            [.enter],
            "Enter",
            .submit,
            in: [.prompt],
            hint: submitHint,
            help: "do it",
            obstacle: submitObstacle
        ),
        KeyBinding(
            [.control("s")],
            "Ctrl-S",
            .submit,
            in: [.textBox, .form],
            hint: submitHint,
            help: "do it; Enter begins a new line in a text of several lines",
            obstacle: disconnectedObstacle
        ),
        KeyBinding([.tab], "Tab", .field(1), in: [.form], hint: { _ in "next" }, help: "to the next entry"),
        KeyBinding(
            [.control("o")],
            "Ctrl-O",
            .editText,
            in: [.textBox, .form],
            hint: { _ in "editor" },
            help: "edit the text in $VISUAL or $EDITOR, a ticket as a whole"
        ),
        KeyBinding([.backTab], "S-Tab", .field(-1), in: [.form], help: "to the entry before"),
        KeyBinding([.enter], "Enter", .enterField, in: [.form], help: "on to the next entry; on the last one, do it"),
        KeyBinding(
            [.character("y")],
            "y",
            .cancelNow,
            in: [.cancelQuestion],
            hint: { _ in "cancel it" },
            help: "cancel the ticket",
            obstacle: disconnectedObstacle
        ),
        KeyBinding(
            [.character("y")],
            "y",
            .lose,
            in: [.leaveQuestion],
            hint: { _ in "lose it" },
            help: "lose the text"
        ),
    ]

    /// What is no order needs no daemon.
    private static func submitObstacle(_ model: Model) -> String? {
        if case .prompt(let prompt) = model.overlay, prompt.purpose.isLocal { return nil }
        return disconnectedObstacle(model)
    }

    private static func submitHint(_ model: Model) -> String? {
        switch model.overlay {
        case .prompt(let prompt): prompt.purpose.verb
        case .form(let form): form.subject == .new ? "file it" : "change it"
        default: nil
        }
    }

    // MARK: Everywhere

    private static let everywhere: [KeyBinding] = [
        KeyBinding(
            [.escape],
            "Esc",
            .back,
            in: Set(KeyContext.allCases),
            hint: { model in
                if case .prompt(let prompt) = model.overlay, case .filter = prompt.purpose { return "show all" }
                return switch model.keyContext {
                case .lists: model.tickets.filter == nil ? nil : "show all"
                case .quitQuestion, .haltQuestion, .cancelQuestion: "stay"
                case .leaveQuestion: "go on writing"
                case .page, .help, .halting, .prompt, .textBox, .form, .noDaemon: "back"
                }
            },
            help: "back; in the lists, list all tickets again"
        ),
        KeyBinding(
            [.character("?")],
            "?",
            .help,
            in: KeyContext.tickets,
            hint: { _ in "help" },
            help: "this help"
        ),
        KeyBinding([.character("?")], "?", .back, in: [.help], help: "back"),
        KeyBinding(
            [.character("q")],
            "q",
            .quit,
            in: [.lists],
            hint: { _ in "quit" },
            help: "quit; with agents working it asks what shall become of them"
        ),
        KeyBinding([.character("q")], "q", .back, in: [.page, .help], help: "back"),
        KeyBinding(
            [.character("M")],
            "M",
            .mouse,
            in: KeyContext.tickets,
            help: "leave the mouse to the terminal, to select text with; and take it back"
        ),
        KeyBinding([.control("l")], "Ctrl-L", .repaint, in: Set(KeyContext.allCases), help: "draw the screen anew"),
    ]
}

extension Model {
    var keyContext: KeyContext {
        switch overlay {
        case .none: detail.reading == .lists ? .lists : .page
        case .help: .help
        case .quitQuestion: .quitQuestion
        case .halting: .halting
        case .haltQuestion: .haltQuestion
        case .cancelQuestion: .cancelQuestion
        case .noDaemon: .noDaemon
        case .prompt(let prompt): prompt.purpose.hasLines ? .textBox : .prompt
        case .form: .form
        case .leaveQuestion: .leaveQuestion
        }
    }

    var isStartingDaemon: Bool {
        if case .noDaemon(.starting) = overlay { true } else { false }
    }

    /// The help goes on below the screen.
    var hasMoreHelp: Bool {
        guard case .help(let top) = overlay, let rows = layout?.page.rows else { return false }
        return top + rows < helpRows.count
    }
}

extension Detail {
    /// A word for the status bar about a key that means what the page makes of it.
    func hint(for action: PageAction) -> String? {
        if case .pane = reading, action == .open { return "fill the screen" }
        return page?.hint(for: action)
    }
}

// MARK: Why a key cannot be used

private let nothingSelected = "no ticket is selected"

private func disconnectedObstacle(_ model: Model) -> String? {
    model.connection == .live ? nil : "not possible now: the daemon is not connected"
}

private func noTicket(_ model: Model) -> String {
    if model.focus == .landing { return "nothing is landing" }
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

private func openObstacle(_ model: Model) -> String? { model.ticketInHand == nil ? noTicket(model) : nil }

private func approveObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "queued", "running": return "\(ticket.id) is \(ticket.state): it asks for your word once it is verified"
    case "stopped": return "\(ticket.id) is stopped: it has to go on first"
    case "landing": return "\(ticket.id) is landing already"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to approve"
    default: return disconnectedObstacle(model)
    }
}

private func changesObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "queued", "running", "landing":
        return "\(ticket.id) is \(ticket.state): changes can be asked for while it waits for you"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): nothing is left to change"
    default: return disconnectedObstacle(model)
    }
}

private func retryObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running", "landing": return "\(ticket.id) is \(ticket.state): stop it first"
    case "awaiting_approval": return "\(ticket.id) waits for your approval: approve it, or request changes"
    default: return continueObstacle(model)
    }
}

private func cancelObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "merged", "pr_open", "done":
        return "\(ticket.id) is \(stateWord(ticket.state)): it cannot be given up any more"
    case "cancelled": return "\(ticket.id) is cancelled already"
    default: return disconnectedObstacle(model)
    }
}

private func editObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    switch ticket.state {
    case "running", "landing": return "\(ticket.id) is \(ticket.state): stop it first"
    case "awaiting_approval": return "\(ticket.id) waits for your approval: request changes instead"
    case "merged", "pr_open", "done", "cancelled":
        return "\(ticket.id) is \(stateWord(ticket.state)): file a new ticket instead"
    default: return disconnectedObstacle(model)
    }
}

private func worktreeObstacle(_ model: Model) -> String? {
    guard let ticket = model.ticketInHand else { return noTicket(model) }
    guard ticket.worktree == nil else { return nil }
    let isFinished = TicketGroup(state: ticket.state) == .done
    return isFinished ? "the worktree of \(ticket.id) has been put away" : "\(ticket.id) has no worktree yet"
}

private func newTicketObstacle(_ model: Model) -> String? {
    disconnectedObstacle(model)
        ?? (model.repositories.isEmpty ? "orch knows no repository yet: run orch init in one" : nil)
}

/// The word of a key that the status bar names only where it can be used.
private func whenPossible(_ word: String, _ model: Model, unless obstacle: (Model) -> String?) -> String? {
    model.ticketInHand != nil && obstacle(model) == nil ? word : nil
}
