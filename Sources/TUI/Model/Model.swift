import IPC

/// Everything the dashboard knows. `update` changes it, `view` draws it; neither does anything else.
public struct Model: Sendable {
    var size: Size
    var now: Moment
    let glyphs: Glyphs
    let localTime: LocalTime
    var preferences: Preferences

    var tickets = TicketList()
    /// In the order of their numbers.
    var agents: [AgentRow] = []
    /// By id, in the order of their numbers.
    var repositories: [RepositoryRow] = []
    /// Why a queued ticket waits, by ticket.
    var waiting: [String: String] = [:]
    /// Who holds what now.
    var locks: [LockRow] = []
    /// When what is at work on a ticket last printed something, by ticket.
    var lastOutput: [String: Moment] = [:]

    /// What the agents that say so do, by ticket.
    var activities: [String: Activity] = [:]
    /// The message to an agent that was sent last from here, until that has taken it in.
    var sentMessage: SentMessage?

    var focus = Panel.tickets
    var selectedTicket: String?
    var selectedAgent: String?
    /// In the landing queue.
    var selectedLanding: String?
    /// The first visible line of each panel.
    var ticketTop = 0
    var agentTop = 0
    var landingTop = 0

    var detail = Detail()
    var overlay = Overlay.none
    var connection = Connection.connecting
    /// No daemon runs, as far as is known, and one can be started from here.
    var mayStartDaemon = false
    /// The tickets as they were when the connection was lost, until all that was missed is here.
    var lastKnown: TicketList?
    /// What is wrong with the daemon, in two or three words.
    var trouble: String?
    /// Why everything is halted, which may be empty; nil while it is not.
    var halted: String?
    var message: Message?
    var spending = Spending()

    /// There has been a picture: the tickets are those of a daemon.
    var hasPicture = false
    /// When it was told last that somebody is needed.
    var lastAlert: Moment?

    /// What has been asked of the daemon and is not answered yet.
    var pending: [Int: DaemonRequest] = [:]
    var nextRequest = 1
    /// Between the marks of a paste, nothing is a key.
    var isPasting = false

    init(
        size: Size,
        now: Moment,
        glyphs: Glyphs = .unicode,
        localTime: LocalTime = .utc,
        preferences: Preferences = Preferences()
    ) {
        self.size = size
        self.now = now
        self.glyphs = glyphs
        self.localTime = localTime
        self.preferences = preferences
    }

    /// The ticket that commands act on: the one that is read, the selected one, or that of the selected agent.
    var ticketInHand: TicketRow? {
        if let ticket = detail.reading.ticket { return tickets[ticket] }
        return switch focus {
        case .tickets: selectedTicket.flatMap { tickets[$0] }
        case .agents: agentInHand?.ticket.flatMap { tickets[$0] }
        case .landing: selectedLanding.flatMap { tickets[$0] }
        }
    }

    var agentInHand: AgentRow? { selectedAgent.flatMap { id in agents.first { $0.id == id } } }

    /// Tickets an agent works on now.
    var runningTickets: [String] { agents.compactMap { $0.state == "idle" ? nil : $0.ticket } }
}

/// A list of tickets, or of what works on them.
enum Panel: Sendable { case tickets, agents, landing }

/// What lies over the panels and has the keys.
enum Overlay: Sendable {
    case none
    case help(top: Int)
    /// Agents are working: what shall become of them?
    case quitQuestion
    /// Quitting once these stops are answered.
    case halting(unanswered: Set<Int>)
    /// Shall everything be halted?
    case haltQuestion
    /// Shall this ticket be given up?
    case cancelQuestion(ticket: String)
    /// Something is being typed.
    case prompt(Prompt)
    case form(TicketForm)
    /// Shall what is being typed be lost?
    indirect case leaveQuestion(Overlay)
    /// No daemon runs, and one can be started.
    case noDaemon(DaemonStart)
}

/// A daemon that is started from here.
enum DaemonStart: Hashable, Sendable {
    case offered, starting
    /// It did not come up: why, in a sentence, and what to do about it.
    case failed(String, hint: String?)
}

enum Connection: Hashable, Sendable {
    /// Connected or connecting for the first time; the picture is not here yet.
    case connecting
    case live
    /// The picture on the screen is the last one known.
    case lost(reason: String)
}

/// One line about what just happened, until the next key.
struct Message: Hashable, Sendable {
    enum Kind: Sendable { case done, refused, failed }
    var kind: Kind
    var text: String
    var hint: String?
}
