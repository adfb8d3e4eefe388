import IPC

/// A ticket as it is being written: a new one, or other words for one that nothing is under way for.
struct TicketForm: Sendable {
    let subject: Subject
    private(set) var entries: [Entry]
    /// The one that has the keys.
    private(set) var place = 0
    private(set) var phase = Phase.writing
    /// Which profiles there are has been asked, and is not answered yet; meanwhile one can write.
    var profilesAsked: Int?
    /// As it was before anybody wrote.
    private var original: [Name: String]

    enum Subject: Hashable, Sendable {
        case new
        case ticket(String)
    }

    enum Name: String, CaseIterable, Sendable {
        case title, description, priority, locks
        case dependsOn = "depends on"
        case agent, repository
    }

    enum Phase: Hashable, Sendable {
        /// What the ticket says now is being read: nothing can be written yet.
        case reading(Int)
        case writing
        /// It has been sent, and stays until that is answered.
        case sent(Int)
    }

    struct Entry: Sendable {
        let name: Name
        var value: Value
    }

    enum Value: Sendable {
        case text(TextField)
        /// One of a few, by the arrows.
        case choice([Choice], chosen: Int)

        var text: String {
            switch self {
            case .text(let field): field.text
            case .choice(let choices, let chosen): choices[chosen].value
            }
        }
    }

    struct Choice: Hashable, Sendable {
        var value: String
        var label: String
    }

    /// A ticket for one of the repositories (paths), of which there is at least one.
    init(repositories: [String], chosen: Int) {
        self.init(.new, repositories: repositories, chosen: chosen)
    }

    /// Other words for a ticket. Its description is still to be read.
    init(_ row: TicketRow) {
        self.init(.ticket(row.id))
        set(.title, row.title)
        set(.priority, String(row.priority))
        set(.locks, row.locks.joined(separator: ", "))
        set(.dependsOn, row.depends_on.joined(separator: ", "))
        set(.agent, row.profile)
        remember()
    }

    private init(_ subject: Subject, repositories: [String] = [], chosen: Int = 0) {
        self.subject = subject
        original = [:]
        entries = Name.allCases.compactMap { name in
            switch name {
            case .title, .priority, .dependsOn: Entry(name: name, value: .text(TextField()))
            case .description, .locks: Entry(name: name, value: .text(TextField(hasLines: true)))
            case .agent: Entry(name: name, value: .choice([Choice(value: "", label: "the default")], chosen: 0))
            case .repository where subject == .new:
                Entry(
                    name: name,
                    value: .choice(repositories.map { Choice(value: $0, label: $0) }, chosen: chosen)
                )
            case .repository: nil
            }
        }
        remember()
    }

    private mutating func remember() {
        original = Dictionary(uniqueKeysWithValues: entries.map { ($0.name, $0.value.text) })
    }

    // MARK: What stands in it

    subscript(_ name: Name) -> String { entries.first { $0.name == name }?.value.text ?? "" }

    /// Something would be lost with it.
    var hasChanged: Bool { entries.contains { hasChanged($0.name) } }

    func hasChanged(_ name: Name) -> Bool { self[name] != original[name] ?? "" }

    /// Those that are shown: there is no choice between one repository.
    var shown: [Int] {
        entries.indices.filter { index in
            guard entries[index].name == .repository, case .choice(let choices, _) = entries[index].value else {
                return true
            }
            return choices.count > 1
        }
    }

    /// Puts a text in, with the cursor behind it; a choice that is not offered is, from now on.
    mutating func set(_ name: Name, _ text: String) {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return }
        switch entries[index].value {
        case .text(var field):
            field.replace(with: text)
            entries[index].value = .text(field)
        case .choice(var choices, _):
            if !choices.contains(where: { $0.value == text }) { choices.append(Choice(value: text, label: text)) }
            let chosen = choices.firstIndex { $0.value == text } ?? 0
            entries[index].value = .choice(choices, chosen: chosen)
        }
    }

    // MARK: Moving and writing

    mutating func go(to name: Name) { place = shown.firstIndex(of: entries.firstIndex { $0.name == name } ?? 0) ?? 0 }

    /// To the next or the last entry, around the end.
    mutating func go(by distance: Int) { place = (place + distance + shown.count) % shown.count }

    var isAtLast: Bool { place == shown.count - 1 }

    /// The entry that has the keys.
    var current: Entry { entries[shown[place]] }

    /// Does what a key does to the entry that has the keys; false: nothing.
    mutating func take(_ key: Key, columns: Int) -> Bool {
        guard phase == .writing else { return false }
        let index = shown[place]
        switch (entries[index].value, key) {
        case (.text(var field), _):
            if field.take(key, columns: columns) {
                entries[index].value = .text(field)
                return true
            }
        case (.choice(let choices, let chosen), .left):
            entries[index].value = .choice(choices, chosen: (chosen + choices.count - 1) % choices.count)
            return true
        case (.choice(let choices, let chosen), .right), (.choice(let choices, let chosen), .character(" ")):
            entries[index].value = .choice(choices, chosen: (chosen + 1) % choices.count)
            return true
        case (.choice, _): break
        }
        // Beyond the first and last row are the neighbours.
        switch key {
        case .up where place > 0: go(by: -1)
        case .down where !isAtLast: go(by: 1)
        default: return false
        }
        return true
    }

    // MARK: The daemon's part

    mutating func reads(_ request: Int) { phase = .reading(request) }
    mutating func isSent(as request: Int) { phase = .sent(request) }
    mutating func isWritten() { phase = .writing }

    /// What the ticket says now.
    mutating func take(description: String) {
        set(.description, description)
        original[.description] = description
        phase = .writing
    }

    /// Which profiles can be chosen from.
    mutating func take(profiles: [(name: String, isDefault: Bool)]) {
        profilesAsked = nil
        guard let index = entries.firstIndex(where: { $0.name == .agent }) else { return }
        let chosen = self[.agent]
        var choices = profiles.map { Choice(value: $0.name, label: $0.name) }
        if subject == .new {
            let usual = profiles.first { $0.isDefault }?.name
            choices.insert(Choice(value: "", label: usual.map { "the default, \($0)" } ?? "the default"), at: 0)
        }
        guard !choices.isEmpty else { return }
        entries[index].value = .choice(choices, chosen: 0)
        set(.agent, chosen)
    }
}
