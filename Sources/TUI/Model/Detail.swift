import IPC

/// The selected ticket, looked at more closely: a tab below the lists, or over the whole screen.
struct Detail: Sendable {
    /// The tab the user has chosen; it stays from ticket to ticket.
    var tab = Tab.overview
    /// Who has the keys.
    var reading = Reading.lists
    /// What is shown of whom; nil when no ticket is in hand.
    var page: (any Page)?
    /// Which tab `page` is.
    var shown = Tab.overview
    /// What is looked for.
    var search: Needle?
    /// What the page has asked and is not answered yet.
    var awaited: Int?

    enum Reading: Hashable, Sendable {
        case lists
        /// The tab below the lists has the keys; `ticket` stays, whatever becomes of the lists.
        case pane(ticket: String)
        /// The tab fills the screen.
        case page(ticket: String)

        /// The ticket that is read.
        var ticket: String? {
            switch self {
            case .lists: nil
            case .pane(let ticket), .page(let ticket): ticket
            }
        }

        var fillsScreen: Bool {
            if case .page = self { true } else { false }
        }
    }

    /// Shows `tab` of `ticket`, anew unless that is what is shown already.
    mutating func show(_ tab: Tab, of ticket: TicketRow?) {
        guard let ticket else {
            (page, awaited) = (nil, nil)
            return
        }
        if let page, page.ticket == ticket.id, shown == tab, reading != .lists || !page.isOutdated(by: ticket) {
            return
        }
        page = tab.page(of: ticket)
        page?.follow(ticket)
        (shown, awaited) = (tab, nil)
    }
}

extension Model {
    /// The room the tab is shown in.
    var room: Size {
        guard let layout else { return Size(columns: 1, rows: 1) }
        let area = detail.reading.fillsScreen ? layout.page : layout.detail
        return Size(columns: area.columns, rows: area.rows)
    }

    /// The ticket whose runs' output is looked at, and of whose growth the shell is to tell.
    var watchedTicket: String? {
        guard connection == .live, let page = detail.page, page.watchesOutput else { return nil }
        return page.ticket
    }

    /// Whether the shell is to tell what prints.
    var watchesOutput: Bool { connection == .live && (watchedTicket != nil || !runningTickets.isEmpty) }

    /// Shows the tab that is wanted of the ticket in hand. A pane of a few rows has room for the overview alone.
    mutating func settleDetail() {
        let hasRoom = detail.reading.fillsScreen || (layout?.hasTabs ?? false)
        detail.show(hasRoom ? detail.tab : .overview, of: ticketInHand)
    }

    /// Lets the page lay itself out for its room, with all there is known.
    mutating func settlePage() {
        guard var page = detail.page else { return }
        page.settle(in: self)
        detail.page = page
    }

    /// Asks what the page needs to know next, if anything.
    mutating func readOn(_ commands: inout [Command]) {
        guard connection == .live, detail.awaited == nil else { return }
        let room = room
        guard let request = detail.page?.nextRequest(in: room) else { return }
        detail.awaited = send(request, &commands)
    }

    /// Opens the ticket in hand over the whole screen.
    mutating func open(_ tab: Tab) {
        guard let ticket = ticketInHand else { return }
        detail.reading = .page(ticket: ticket.id)
        detail.tab = tab
    }
}
