import IPC

/// Every key: the only place that knows which there are.
extension KeyBinding {
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
            hint: { $0.ticketInHand?.yesWord },
            help: "approve what waits for that, with a comment; answer what its agent asks, or allow it",
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
            hint: { model in
                whenPossible(model.ticketInHand?.asksLeave == true ? "deny" : "changes", model, unless: changesObstacle)
            },
            help: "send it back to its agent with what is to change; deny what its agent asks for",
            obstacle: changesObstacle
        ),
        KeyBinding(
            [.character("m")],
            "m",
            .message,
            in: KeyContext.tickets,
            hint: { $0.ticketInHand?.state == "running" ? "message" : nil },
            help: "tell its agent something: at once where it takes messages, else with its next run",
            obstacle: messageObstacle
        ),
        KeyBinding(
            [.character("R")],
            "R",
            .retry,
            in: KeyContext.tickets,
            minorHint: { whenPossible("afresh", $0, unless: retryObstacle) },
            help: "start its stage afresh, without what was said before",
            obstacle: retryObstacle
        ),
        KeyBinding(
            [.character("x")],
            "x",
            .cancel,
            in: KeyContext.tickets,
            minorHint: { whenPossible("cancel", $0, unless: cancelObstacle) },
            help: "cancel the ticket, after asking; a snapshot of its work is kept",
            obstacle: cancelObstacle
        ),
        KeyBinding(
            [.character("p")],
            "p",
            .priority,
            in: KeyContext.tickets,
            minorHint: { whenPossible("priority", $0, unless: editObstacle) },
            help: "set its priority; in the prompt + and - are steps",
            obstacle: editObstacle
        ),
        KeyBinding(
            [.character("e")],
            "e",
            .editTicket,
            in: KeyContext.tickets,
            minorHint: { whenPossible("edit", $0, unless: editObstacle) },
            help: "edit the ticket: title, description, priority, locks and the rest",
            obstacle: editObstacle
        ),
        KeyBinding(
            [.character("o")],
            "o",
            .openShell,
            in: KeyContext.tickets,
            minorHint: { whenPossible("shell", $0, unless: worktreeObstacle) },
            help: "open a shell in the ticket's worktree",
            obstacle: worktreeObstacle
        ),
        KeyBinding(
            [.character("y")],
            "y",
            .copyTicket,
            in: KeyContext.tickets,
            minorHint: { whenPossible("copy id", $0, unless: openObstacle) },
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
            help:
                "open or unfold what the cursor is on; in a pane, fill the screen; in a transcript, on to the newest run"
        ),
        KeyBinding(
            [.character("n")],
            "n",
            .page(.next),
            in: [.page],
            hint: { $0.detail.search == nil ? $0.detail.hint(for: .next) : "next match" },
            help: "to the next hunk, failing line, failed tool or event; to the next of what is looked for"
        ),
        KeyBinding([.character("N")], "N", .page(.previous), in: [.page], help: "to the one before"),
        KeyBinding(
            [.character("t")],
            "t",
            .rawOutput,
            in: [.page],
            hint: { $0.detail.page?.rawOutputHint },
            help: "in a transcript, between what its agent's stream says and the stream itself"
        ),
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
            help: "stop every agent; nothing starts or lands until you let it go on",
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
            [.character("D")],
            "D",
            .startDaemon,
            in: KeyContext.tickets,
            hint: { $0.connection != .live && $0.mayStartDaemon ? "start a daemon" : nil },
            help: "start a daemon in the background, where none runs",
            obstacle: { model in
                if model.connection == .live { return "a daemon runs" }
                return model.mayStartDaemon ? nil : "it is not known yet that none runs"
            }
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
            [.character("/")],
            "/",
            .search,
            in: [.page],
            help: "look for something in a transcript, a diff or what a check has printed; n and N go on to the others"
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
                case .page where model.detail.search != nil: "end search"
                case .page, .help, .halting, .prompt, .textBox, .form, .noDaemon: "back"
                }
            },
            help: "back; in the lists, list all tickets again; in a tab, search no more"
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
