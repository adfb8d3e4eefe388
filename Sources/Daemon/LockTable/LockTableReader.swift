import Core

/// What people have written into `locks.json`. What it says of tickets is passed over: their locks are orch's to give.
struct LockTableReader {
    /// A person's entry.
    struct Entry: Hashable {
        enum End: Hashable {
            case open
            case at(Instant)
            case after(Duration)
        }

        let pattern: LockPattern
        let name: String
        let reason: String
        let end: End

        /// What an entry is told from others by.
        var key: Key { Key(pattern: pattern, name: name) }
    }

    struct Key: Hashable {
        let pattern: LockPattern
        let name: String
    }

    private(set) var entries: [Entry] = []
    /// Of all locks in it, those of tickets included.
    private(set) var mentions: Set<LockMention> = []
    private(set) var problems: [FileProblem] = []

    /// Reads all that can be read; `problems` says what cannot.
    init(_ bytes: [UInt8]) {
        do throws(FileProblems) {
            try read(SourceText(bytes, name: LockTableFile.name))
        } catch {
            problems += error.problems
        }
    }

    private static let fields = ["pattern", "by", "reason", "for", "until", "since", "ticket", "title"]

    private mutating func note(_ place: DocumentPlace, _ message: String) {
        problems.append(FileProblem(file: LockTableFile.name, at: place, message))
    }

    private mutating func read(_ source: SourceText) throws(FileProblems) {
        var parser = JSONDocumentParser(source.bytes)
        let document: DocumentNode
        do throws(JSONDocumentParser.Failure) { document = try parser.parseDocument() } catch {
            return note(error.place, error.message)
        }
        for twice in parser.duplicates { note(twice.place, twice.message) }
        guard case .object(let members) = document.value, let locks = members.first(where: { $0.key == "locks" }),
            case .list(let elements) = locks.value.value
        else { return note(document.place, #"this is not `{"locks": […]}`"#) }
        for element in elements { readEntry(element) }
    }

    private mutating func readEntry(_ node: DocumentNode) {
        guard case .object(let members) = node.value else {
            return note(node.place, "a lock is an object; this is \(node.kind)")
        }
        var fields: [String: DocumentNode] = [:]
        for member in members {
            fields[member.key] = member.value
            guard !Self.fields.contains(member.key) else { continue }
            let hint = NearestName.hint(for: member.key, among: Self.fields)
            note(member.place, "unknown field \(quoted(member.key))\(hint)")
        }
        if let mention = mention(fields) { mentions.insert(mention) }
        if fields["ticket"] != nil { return }
        guard let pattern = pattern(fields["pattern"], node.place),
            let name = text(fields["by"], "by", "who holds it", node.place),
            let reason = text(fields["reason"], "reason", "why", node.place),
            let end = end(fields)
        else { return }
        let entry = Entry(pattern: pattern, name: name, reason: reason, end: end)
        if entries.contains(where: { $0.key == entry.key }) {
            return note(node.place, "\(name) has \(pattern) in the file already; keep one of the two")
        }
        entries.append(entry)
    }

    private func mention(_ fields: [String: DocumentNode]) -> LockMention? {
        guard case .string(let pattern)? = fields["pattern"]?.value,
            case .string(let holder)? = (fields["ticket"] ?? fields["by"])?.value
        else { return nil }
        return LockMention(pattern: pattern, holder: holder)
    }

    // MARK: Fields: each returns nil having said why

    private mutating func text(
        _ node: DocumentNode?,
        _ name: String,
        _ meaning: String,
        _ place: DocumentPlace
    ) -> String? {
        if case .string(let text)? = node?.value { return text }
        note(node?.place ?? place, "a lock needs \(quoted(name)), a string: \(meaning)")
        return nil
    }

    private mutating func pattern(_ node: DocumentNode?, _ place: DocumentPlace) -> LockPattern? {
        guard let text = text(node, "pattern", "what is locked", place) else { return nil }
        do throws(LockPatternError) { return try LockPattern(text) } catch {
            note(node?.place ?? place, error.description)
            return nil
        }
    }

    private mutating func end(_ fields: [String: DocumentNode]) -> Entry.End? {
        if let node = fields["until"] {
            if case .string(let text) = node.value, let instant = Timestamp.instant(text) { return .at(instant) }
            note(node.place, "`until` is a moment in UTC, such as \"2026-11-30T18:00:00Z\"; or write `for`: \"2h\"")
            return nil
        }
        guard let node = fields["for"] else { return .open }
        guard case .string(let text) = node.value else {
            note(node.place, "`for` is a duration, such as \"2h\"")
            return nil
        }
        do throws(DurationText.Problem) { return .after(try DurationText.parse(text)) } catch {
            note(node.place, error.description)
            return nil
        }
    }
}

extension LockTableReader.Entry {
    /// What is asked of Core for it, as of `now`.
    func input(in repository: RepositoryID, at now: Instant) -> Input {
        let duration: Duration? =
            switch end {
            case .open: nil
            case .at(let instant): instant - now
            case .after(let duration): duration
            }
        return .lockAsked(repository, pattern, by: name, reason: reason, for: duration)
    }

    /// Whether somebody holds just this already, asked for before a crash perhaps.
    func isHeld(by grant: Grant) -> Bool {
        guard grant.pattern == pattern, let person = grant.person, person.name == name, person.reason == reason
        else { return false }
        switch end {
        case .open: return person.expires == nil
        case .at(let instant): return person.expires.map { ($0 - instant).magnitude < .seconds(1) } ?? false
        case .after: return false
        }
    }
}

extension Duration {
    fileprivate var magnitude: Duration { self < .zero ? .zero - self : self }
}
