/// What a client knows: the snapshot, with every event since folded in. It needs to know no event's name for that,
/// and each event costs only what it touches.
public struct Picture: Equatable, Sendable {
    /// The last event folded in.
    public private(set) var seq = 0
    /// The whole snapshot, as it travels, fields this version does not know included.
    public private(set) var json = JSONObject()
    /// The rows, decoded. One that does not decode is absent here and stays in `json`.
    public private(set) var tickets: [String: TicketRow] = [:]
    public private(set) var agents: [String: AgentRow] = [:]
    /// By fence.
    public private(set) var locks: [String: LockRow] = [:]
    public private(set) var repositories: [String: RepositoryRow] = [:]
    /// Why each queued ticket waits, where something is known.
    public private(set) var waiting: [String: String] = [:]
    /// What the machine lacks for another ticket to start.
    public private(set) var shortage: String?

    /// What an event changed, by id.
    public struct Touched: Equatable, Sendable {
        public var tickets: Set<String> = []
        public var agents: Set<String> = []
        public var locks: Set<String> = []
        public var repositories: Set<String> = []
        /// Whether something beside the rows changed.
        public var daemon = false

        public init() {}
        public var isEmpty: Bool { self == Touched() }
    }

    /// Events are missing: take a new snapshot, or `subscribe` with `since` the picture's `seq`.
    public struct Gap: Error, Equatable, Sendable {
        public let expected: Int
        public let found: Int

        public init(expected: Int, found: Int) {
            self.expected = expected
            self.found = found
        }
    }

    /// Nothing has happened yet: event 1 comes next.
    public init() {}

    /// The picture in the result of `snapshot`.
    public init(snapshot result: JSONValue) throws(RPCError) {
        guard let seq = result["seq"]?.intValue, case .object(let picture)? = result["picture"] else {
            throw RPCError(
                .internal,
                "the snapshot has no seq or no picture",
                hint: "is the daemon of another version?"
            )
        }
        self.seq = seq
        json = picture
        for (ticket, reason) in result["waiting"]?.objectValue ?? [:] { waiting[ticket] = reason.stringValue }
        shortage = result["shortage"]?.stringValue
        tickets = Self.rows(picture["tickets"], TicketRow.init(members:))
        agents = Self.rows(picture["agents"], Self.decode)
        locks = Self.rows(picture["locks"], Self.decode)
        repositories = Self.rows(picture["repositories"], Self.decode)
    }

    /// Folds one notification in: an event by its patch, `ticket.waiting` by its reasons, `daemon.shortage`. Events that the picture
    /// already has, and lines without meaning for it, touch nothing. Throws, unchanged, when events are missing.
    public mutating func apply(_ notification: Notification) throws(Gap) -> Touched {
        let params = notification.params
        if notification.method == "ticket.waiting" { return wait(params["waiting"]?.objectValue ?? [:]) }
        if notification.method == "daemon.shortage" {
            shortage = params["shortage"]?.stringValue
            var touched = Touched()
            touched.daemon = true
            return touched
        }
        // Every stored event has a patch; `hello`, `through` and `goodbye` name a seq without being events.
        guard let found = notification.seq, let patch = params["patch"]?.objectValue else { return Touched() }
        guard found > seq else { return Touched() }
        guard found == seq + 1 else { throw Gap(expected: seq + 1, found: found) }
        seq = found
        return fold(patch)
    }

    private mutating func wait(_ reasons: JSONObject) -> Touched {
        var touched = Touched()
        for (ticket, reason) in reasons {
            waiting[ticket] = reason.stringValue
            touched.tickets.insert(ticket)
        }
        return touched
    }

    private mutating func fold(_ patch: JSONObject) -> Touched {
        var touched = Touched()
        for (section, change) in patch {
            let ids = changed(section, change)
            switch section {
            case "tickets": touched.tickets = ids
            case "agents": touched.agents = ids
            case "locks": touched.locks = ids
            case "repositories": touched.repositories = ids
            default: touched.daemon = true
            }
        }
        MergePatch.apply(patch, to: &json)
        for id in touched.tickets { tickets[id] = row("tickets", id, TicketRow.init(members:)) }
        for id in touched.agents { agents[id] = row("agents", id, Self.decode) }
        for id in touched.locks { locks[id] = row("locks", id, Self.decode) }
        for id in touched.repositories { repositories[id] = row("repositories", id, Self.decode) }
        return touched
    }

    /// The ids a change to a section names; all that are there when the section is removed or replaced as a whole.
    private func changed(_ section: String, _ change: JSONValue) -> Set<String> {
        if case .object(let rows) = change { return Set(rows.keys) }
        return Set(json[section]?.objectValue?.keys ?? [])
    }

    private func row<Row>(_ section: String, _ id: String, _ read: (JSONObject) throws -> Row) -> Row? {
        json[section]?[id]?.objectValue.flatMap { try? read($0) }
    }

    private static func rows<Row>(_ section: JSONValue?, _ read: (JSONObject) throws -> Row) -> [String: Row] {
        guard case .object(let members)? = section else { return [:] }
        var rows = [String: Row](minimumCapacity: members.count)
        for (id, value) in members {
            if case .object(let object) = value { rows[id] = try? read(object) }
        }
        return rows
    }

    private static func decode<Row: Decodable>(_ members: JSONObject) throws -> Row {
        try JSONValue.object(members).decode()
    }
}
