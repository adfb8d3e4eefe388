import Core

/// Reads the tickets of one file from its values.
struct TicketReader {
    let file: String
    private(set) var drafts: [TicketDraft] = []
    private(set) var places: [DraftPlaces] = []
    private(set) var problems: [FileProblem] = []
    /// Whether nothing has been found that could be a ticket.
    private(set) var isEmpty = true

    init(file: String) { self.file = file }

    private mutating func note(_ place: DocumentPlace, _ message: String) {
        problems.append(FileProblem(file: file, at: place, message))
    }

    mutating func readDocument(_ node: DocumentNode) {
        switch node.value {
        case .null: break
        case .list(let elements): readTickets(elements)
        case .object(let members) where members.contains(where: { $0.key == "tickets" }):
            readWrapper(members)
        case .object, .bool, .number, .string: readTicket(node)
        }
    }

    /// Reads a ticket whose other fields stand above its description.
    mutating func readMarkdown(_ frontMatter: DocumentNode?, _ body: MarkdownTicket.Body) {
        let nothing = DocumentNode(place: DocumentPlace(), value: .object([]))
        let fields = frontMatter.map { $0.value == .null ? nothing : $0 } ?? nothing
        if case .list = fields.value {
            isEmpty = false
            return note(fields.place, "the front matter is a list; a Markdown file is one ticket")
        }
        readTicket(fields, body)
    }

    /// What the text below the front matter says. False, having said why, where the front matter says it as well.
    private mutating func take(
        _ body: MarkdownTicket.Body,
        into draft: inout TicketDraft,
        _ places: inout DraftPlaces
    ) -> Bool {
        if places.fields[.title] == nil, let heading = body.heading {
            draft.title = heading.text
            places.fields[.title] = heading.place
        }
        guard !body.text.isEmpty else { return true }
        if !draft.description.isEmpty, let place = places.fields[.description] {
            note(place, "the description is the text below the front matter; move this there")
            return false
        }
        draft.description = body.text
        places.fields[.description] = body.place
        return true
    }

    private mutating func readWrapper(_ members: [DocumentMember]) {
        for member in members {
            guard member.key == "tickets" else {
                note(member.place, "unknown key \(quoted(member.key)) beside `tickets`; put it into a ticket")
                continue
            }
            switch member.value.value {
            case .list(let elements): readTickets(elements)
            case .null: break
            case .bool, .number, .string, .object:
                note(member.value.place, "`tickets` is \(member.value.kind); write a list of tickets")
            }
        }
    }

    private mutating func readTickets(_ nodes: [DocumentNode]) {
        for node in nodes { readTicket(node) }
    }

    private static let keys = TicketDraft.Field.allCases.map(\.rawValue)

    private mutating func readTicket(_ node: DocumentNode, _ body: MarkdownTicket.Body? = nil) {
        isEmpty = false
        guard case .object(let members) = node.value else {
            return note(node.place, "a ticket is an object with at least a `title`; this is \(node.kind)")
        }
        var draft = TicketDraft(title: "")
        var places = DraftPlaces(file: file, ticket: node.place)
        // Fields whose value could not be read: what they hold says nothing more.
        var unread: Set<TicketDraft.Field> = []
        for member in members {
            guard let field = TicketDraft.Field(rawValue: member.key) else {
                let hint = NearestName.hint(for: member.key, among: Self.keys)
                let known = "; known here: \(Self.keys.joined(separator: ", "))"
                note(member.place, "unknown key \(quoted(member.key))\(hint.isEmpty ? known : hint)")
                continue
            }
            places.fields[field] = member.value.place
            if member.value.value == .null, field != .title { continue }
            if !read(field, member.value, into: &draft, &places) { unread.insert(field) }
        }
        if let body, !take(body, into: &draft, &places) { unread.insert(.description) }
        if places.fields[.title] == nil {
            let begin = body == nil ? "say" : "put one into the front matter, or a `# heading` below it, to say"
            note(node.place, "the ticket has no `title`; \(begin) in one line what is to be done")
            unread.insert(.title)
        }
        for problem in draft.problems where !unread.contains(problem.field) {
            note(places.place(of: problem.field, index: problem.index), problem.message)
        }
        drafts.append(draft)
        self.places.append(places)
    }

    /// Reads one field; false, having said why, when it could not be read in whole.
    private mutating func read(
        _ field: TicketDraft.Field,
        _ node: DocumentNode,
        into draft: inout TicketDraft,
        _ places: inout DraftPlaces
    ) -> Bool {
        let name = quoted(field.rawValue)
        switch field {
        case .id:
            guard let id = id(node, name) else { return false }
            draft.id = TicketID(id)
        case .title:
            guard let title = text(node, name) else { return false }
            draft.title = title
        case .description:
            guard let description = text(node, name) else { return false }
            draft.description = description
        case .agent:
            guard let agent = text(node, name) else { return false }
            draft.agent = agent
        case .workflow:
            guard let workflow = text(node, name) else { return false }
            draft.workflow = workflow
        case .priority:
            guard let priority = priority(node) else { return false }
            draft.priority = priority
        case .locks:
            guard let nodes = list(node, name, example: "[src/**, docs/avatar.md]") else { return false }
            let read = nodes.map { ($0.place, lock($0)) }
            draft.locks = read.compactMap(\.1)
            places.elements[field] = read.compactMap { $0.1 == nil ? nil : $0.0 }
            return draft.locks.count == nodes.count
        case .dependsOn:
            guard let nodes = list(node, name, example: "[T-1, T-2]") else { return false }
            let read = nodes.map { ($0.place, id($0, name)) }
            draft.dependsOn = read.compactMap { $0.1.map(TicketID.init) }
            places.elements[field] = read.compactMap { $0.1 == nil ? nil : $0.0 }
        }
        return true
    }

    // MARK: Kinds: each returns nil having said why

    private mutating func text(_ node: DocumentNode, _ name: String) -> String? {
        switch node.value {
        case .string(let text): return text
        case .null: return ""
        case .number(let text):
            note(node.place, "\(name) is the number \(quoted(text)); put it into quotes to make it text")
        case .bool(let value):
            note(node.place, "\(name) is the truth value `\(value)`; put it into quotes to make it text")
        case .list, .object:
            note(node.place, "\(name) is \(node.kind); write text")
        }
        return nil
    }

    private mutating func id(_ node: DocumentNode, _ name: String) -> String? {
        if case .number(let text) = node.value { return text }
        if node.value == .null {
            note(node.place, "\(name) has an element without a value; write a ticket's id")
            return nil
        }
        return text(node, name)
    }

    private mutating func priority(_ node: DocumentNode) -> Int? {
        let wanted = "write a whole number, higher first"
        switch node.value {
        case .number(let text):
            if let value = Int(text) { return value }
            let isWhole = text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2B || $0 == 0x2D }
            let range = TicketDraft.priorities
            note(
                node.place,
                isWhole
                    ? "priority \(quoted(text)) is out of range; it is a whole number from \(range.lowerBound) to "
                        + "\(range.upperBound), higher first"
                    : "`priority` is \(quoted(text)); \(wanted)"
            )
        case .string(let text):
            note(
                node.place,
                Int(text) == nil
                    ? "`priority` is the text \(quoted(text)); \(wanted)"
                    : "`priority` is the text \(quoted(text)); write the number without quotes"
            )
        case .null, .bool, .list, .object:
            note(node.place, "`priority` is \(node.kind); \(wanted)")
        }
        return nil
    }

    private mutating func list(_ node: DocumentNode, _ name: String, example: String) -> [DocumentNode]? {
        if case .list(let nodes) = node.value { return nodes }
        note(node.place, "\(name) is \(node.kind); write a list, such as `\(example)`")
        return nil
    }

    private mutating func lock(_ node: DocumentNode) -> LockPattern? {
        guard case .string(let text) = node.value else {
            note(node.place, "a lock is \(node.kind); write a pattern as text, such as `\"src/**\"`")
            return nil
        }
        do throws(LockPatternError) {
            return try LockPattern(text)
        } catch {
            note(node.place, error.description)
            return nil
        }
    }
}
