public import Core

/// The only place that reads GitHub's issues, as `gh issue list --json number,title,body,labels` prints them.
public enum IssueFile {
    /// An issue, and the ticket it makes.
    public struct Issue: Hashable, Sendable {
        public let labels: [String]
        public let isClosed: Bool
        /// Its id is `GH-` and the issue's number; its priority the highest that a label `priority:N` gives.
        public let draft: TicketDraft
    }

    /// The command whose output this reads.
    public static let command = "gh issue list --json number,title,body,labels"

    /// Reads a file, `-` being standard input.
    ///
    /// - Throws: everything that is wrong with it, each kind of problem once, at its first place.
    public static func read(_ path: String) throws(FileProblems) -> [Issue] {
        let name = path == "-" ? "standard input" : path
        switch FileBytes.read(path) {
        case .bytes(let bytes): return try parse(bytes, name: name)
        case .missing: throw FileProblems([FileProblem(file: name, message: "there is no such file")])
        case .failed(let reason): throw FileProblems([FileProblem(file: name, message: "the file \(reason)")])
        }
    }

    static func parse(_ bytes: [UInt8], name: String) throws(FileProblems) -> [Issue] {
        let source = try SourceText(bytes, name: name)
        var reader = IssueReader(file: name)
        var parser = JSONDocumentParser(source.bytes)
        var documents: [DocumentNode] = []
        do throws(JSONDocumentParser.Failure) {
            while let value = try parser.parseNext() { documents.append(value) }
        } catch {
            throw FileProblems([FileProblem(file: name, at: error.place, error.message)])
        }
        // `gh … --paginate` prints a list for each page.
        for document in documents { reader.readList(document) }
        if documents.isEmpty { reader.note("", DocumentPlace(), "the file is empty; fill it with: \(command)") }
        guard reader.problems.isEmpty else { throw FileProblems(reader.problems) }
        return reader.issues
    }
}

/// Reads issues from the values of one file.
private struct IssueReader {
    let file: String
    private(set) var issues: [IssueFile.Issue] = []
    private(set) var problems: [FileProblem] = []
    private var said: Set<String> = []
    private var numbers: [Int: DocumentPlace] = [:]

    init(file: String) { self.file = file }

    private static let needed = ["number", "title", "body", "labels"]
    /// What gh knows besides, and a ticket has no use for.
    private static let passedOver = [
        "assignees", "author", "closed", "closedAt", "closedByPullRequestsReferences", "comments", "createdAt", "id",
        "isPinned", "milestone", "projectCards", "projectItems", "reactionGroups", "state", "stateReason", "updatedAt",
        "url",
    ]

    /// Says it of the first place alone: what is wrong with one issue is mostly wrong with all.
    mutating func note(_ kind: String, _ place: DocumentPlace, _ message: String) {
        if said.insert(kind).inserted { problems.append(FileProblem(file: file, at: place, message)) }
    }

    mutating func readList(_ node: DocumentNode) {
        guard case .list(let elements) = node.value else {
            return note(
                "list",
                node.place,
                "this is \(node.kind) and no list of issues; make one with: \(IssueFile.command)"
            )
        }
        for element in elements { readIssue(element) }
    }

    private mutating func readIssue(_ node: DocumentNode) {
        guard case .object(let members) = node.value else {
            return note("issue", node.place, "an issue is an object; this is \(node.kind)")
        }
        var fields: [String: DocumentNode] = [:]
        for member in members {
            fields[member.key] = member.value
            guard !Self.needed.contains(member.key), !Self.passedOver.contains(member.key) else { continue }
            let hint = NearestName.hint(for: member.key, among: Self.needed + Self.passedOver)
            note(member.key, member.place, "unknown field \(quoted(member.key))\(hint)")
        }
        for name in Self.needed where fields[name] == nil {
            note(name, node.place, "the issue has no \(quoted(name)); list issues with: \(IssueFile.command)")
        }
        guard let number = fields["number"].flatMap({ self.number($0) }),
            let title = fields["title"].flatMap({ text($0, "title") }),
            let body = fields["body"].flatMap({ text($0, "body") }),
            let labels = fields["labels"].flatMap({ self.labels($0) })
        else { return }
        if let first = numbers.updateValue(node.place, forKey: number) {
            return note("twice", node.place, "the issue \(number) is in line \(first.line) already")
        }
        let draft = Self.draft(number, title: title, body: body, labels)
        for problem in draft.problems {
            let place = fields[problem.field == .description ? "body" : problem.field.rawValue]?.place ?? node.place
            note(problem.field.rawValue + problem.message, place, "issue \(number): \(problem.message)")
        }
        let isClosed = fields["state"]?.value == .string("CLOSED") || fields["closed"]?.value == .bool(true)
        issues.append(IssueFile.Issue(labels: labels, isClosed: isClosed, draft: draft))
    }

    // MARK: Kinds: each returns nil having said why

    private mutating func number(_ node: DocumentNode) -> Int? {
        if case .number(let text) = node.value, let number = Int(text), number > 0 { return number }
        note("number kind", node.place, "`number` is \(node.kind) and no issue's number")
        return nil
    }

    private mutating func text(_ node: DocumentNode, _ name: String) -> String? {
        switch node.value {
        case .string(let text): return text
        case .null where name == "body": return ""
        case .null, .bool, .number, .list, .object:
            note(name + " kind", node.place, "\(quoted(name)) is \(node.kind) and no text")
            return nil
        }
    }

    /// gh prints objects with a `name`; plain names are taken as well.
    private mutating func labels(_ node: DocumentNode) -> [String]? {
        guard case .list(let elements) = node.value else {
            note("labels kind", node.place, "`labels` is \(node.kind) and no list")
            return nil
        }
        var labels: [String] = []
        for element in elements {
            if case .string(let name) = element.value {
                labels.append(name)
            } else if case .object(let members) = element.value,
                case .string(let name)? = members.first(where: { $0.key == "name" })?.value.value
            {
                labels.append(name)
            } else {
                note("label kind", element.place, "a label is an object with a `name`; this is \(element.kind)")
                return nil
            }
        }
        return labels
    }

    // MARK: The ticket

    private static func draft(_ number: Int, title: String, body: String, _ labels: [String]) -> TicketDraft {
        let body = body.replacing("\r\n", with: "\n")
        var draft = TicketDraft(id: TicketID("GH-\(number)"), title: title, description: body)
        let scalars = title.unicodeScalars
        if scalars.count > TicketDraft.maximumTitle {
            // The rest of it is not lost.
            draft.title = String(String.UnicodeScalarView(scalars.prefix(TicketDraft.maximumTitle - 1))) + "…"
            draft.description = title + "\n\n" + body
        }
        draft.priority = labels.compactMap(priority).max() ?? 0
        return draft
    }

    /// N of `priority:N`.
    private static func priority(_ label: String) -> Int? {
        guard label.lowercased().hasPrefix("priority:") else { return nil }
        return Int(label.dropFirst("priority:".count).filter { $0 != " " })
    }
}
