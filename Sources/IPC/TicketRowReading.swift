// Of tickets' rows there are ten thousand in a picture, and two with every event: they are read from their members
// directly, without the containers of a `Decoder`. What comes out is what the synthesized `Decodable` makes of them.

extension TicketRow {
    /// The row whose members these are. Throws where one is missing or of another kind.
    init(members object: JSONObject) throws {
        let members = Members(object)
        id = try members.required("id")
        title = try members.required("title")
        repository = try members.required("repository")
        state = try members.required("state")
        reason = try members.optional("reason")
        stale_since = try members.optional("stale_since")
        stale_until = try members.optional("stale_until")
        stale_evidence = try members.optional("stale_evidence")
        stage = try members.optional("stage")
        agent = try members.optional("agent")
        profile = try members.required("profile")
        priority = try members.required("priority")
        locks = try members.required("locks")
        depends_on = try members.required("depends_on")
        branch = try members.optional("branch")
        worktree = try members.optional("worktree")
        commit = try members.optional("commit")
        attempts = try members.required("attempts")
        run = try members.optional("run")
        agent_run = try members.optional("agent_run")
        comments = try members.optional("comments")
        since = try members.required("since")
        created = try members.required("created")
        evidence = try members.optional("evidence")
        blocked = try members.optional("blocked")
        landing_place = try members.optional("landing_place")
        question = try members.optional("question")
        claim = try members.optional("claim")
        progress = try members.optional("progress")
        checks = try members.optional("checks")
        messages = try members.optional("messages")
        last_message = try members.optional("last_message")
        session = try members.optional("session")
        usage = try members.optional("usage")
        budget = try members.optional("budget")
    }
}

/// The members of an object by name, each as what is wanted; an optional one may be null as well as absent.
private struct Members {
    private let object: JSONObject
    init(_ object: JSONObject) { self.object = object }

    func required(_ name: String) throws -> String {
        if case .string(let string)? = object[name] { string } else { try decoded(name) }
    }
    func optional(_ name: String) throws -> String? {
        switch object[name] {
        case .string(let string)?: string
        case nil, .null?: nil
        default: try decoded(name)
        }
    }
    func required(_ name: String) throws -> Int {
        if case .int(let number)? = object[name] { Int(number) } else { try decoded(name) }
    }
    func required(_ name: String) throws -> [String] {
        guard case .array(let elements)? = object[name] else { return try decoded(name) }
        return try elements.map { element in
            if case .string(let string) = element { string } else { try decoded(name) }
        }
    }
    func optional<Member: Decodable>(_ name: String) throws -> Member? {
        switch object[name] {
        case nil, .null?: nil
        default: try decoded(name)
        }
    }

    /// What is no plain case goes the usual way.
    private func decoded<Member: Decodable>(_ name: String) throws -> Member {
        guard let value = object[name] else { throw Missing(name: name) }
        return try value.decode()
    }

    private struct Missing: Error {
        let name: String
    }
}
