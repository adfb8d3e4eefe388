import IPC

/// What a key can do.
enum Action: Hashable, Sendable {
    case resume, stop, open, quit, help
    case up, down, pageUp, pageDown, halfPageUp, halfPageDown, first, last
    case focus(Panel), nextPlace, previousPlace, left, right
    case show(Tab), nextTab, previousTab, page(PageAction)
    case back, leaveWorking, haltAll, quitNow, repaint
    case haltOrResume, haltEverything, why
    case approve, requestChanges, message, cancel, cancelNow, retry, priority, newTicket, editTicket
    /// `field`: to another entry of a form, so far on.
    case submit, field(Int), enterField, lose, editText
    case openShell, copyTicket, copyWorktree
    case filter, search, command, complete, mouse, startDaemon
    case rawOutput
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
    /// The same, where there is room once all the others have theirs.
    var minorHint: @Sendable (Model) -> String?
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
        minorHint: @escaping @Sendable (Model) -> String? = { _ in nil },
        help: String,
        obstacle: @escaping @Sendable (Model) -> String? = { _ in nil }
    ) {
        self.keys = keys
        self.name = name
        self.hint = hint
        self.minorHint = minorHint
        self.help = help
        self.contexts = contexts
        self.action = action
        self.obstacle = obstacle
    }
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
