import IPC

// What is typed behind a colon: an action's name, the ticket it is for, and the text it asks for.

extension Model {
    mutating func run(_ line: String, _ commands: inout [Command]) {
        let words = line.split(separator: " ").map(String.init)
        guard let name = words.first else { return overlay = .none }
        var rest = Array(words.dropFirst())
        if name == "theme" { return useTheme(rest, &commands) }
        if rest.isEmpty, let ticket = ticket(named: name) {
            overlay = .none
            return go(to: ticket)
        }
        let context: KeyContext = detail.reading == .lists ? .lists : .page
        guard let binding = KeyBinding.command(name, in: context) ?? KeyBinding.command(name, in: .lists) else {
            return refuse(unknown: name)
        }
        overlay = .none
        if binding.contexts.contains(.page), let ticket = rest.first.flatMap(ticket) {
            go(to: ticket)
            rest.removeFirst()
        }
        use(binding, &commands)
        answer(with: rest.joined(separator: " "), name, &commands)
    }

    /// What the action asks for has been typed already.
    private mutating func answer(with text: String, _ name: String, _ commands: inout [Command]) {
        guard !text.isEmpty, message == nil else { return }
        guard case .prompt(var prompt) = overlay else {
            message = Message(kind: .refused, text: "\(name) takes no text: \(text)", hint: nil)
            return
        }
        prompt.field.replace(with: text)
        overlay = .prompt(prompt)
        filterAsTyped()
        // Several lines are read once more before they are sent.
        if !prompt.purpose.hasLines { submit(&commands) }
    }

    private mutating func useTheme(_ words: [String], _ commands: inout [Command]) {
        do throws(ThemeChoice.Problem) {
            commands.append(.theme(try ThemeChoice(words.joined(separator: " "))))
            overlay = .none
        } catch {
            message = Message(kind: .refused, text: error.message, hint: error.hint)
        }
    }

    private mutating func refuse(unknown name: String) {
        let hint = nearest(to: name, among: commandNames).map { "did you mean \($0)?" }
        message = Message(kind: .refused, text: "there is no action \(name)", hint: hint)
    }

    private func ticket(named id: String) -> String? {
        tickets[id]?.id ?? tickets[id.uppercased()]?.id
    }

    /// Selects a ticket, wherever it was hidden.
    private mutating func go(to ticket: String) {
        if tickets.index(of: ticket) == nil { listAll() }
        guard detail.reading.ticket != ticket else { return }
        (detail.reading, focus, selectedTicket) = (.lists, .tickets, ticket)
    }

    // MARK: Completion

    /// Actions that mean something where there is no question.
    private var commandNames: [String] {
        KeyBinding.actionNames.filter {
            KeyBinding.command($0, in: .lists) != nil || KeyBinding.command($0, in: .page) != nil
        } + ["theme"]
    }

    mutating func completeCommand() {
        guard case .prompt(var prompt) = overlay, prompt.purpose == .command else { return }
        let text = prompt.field.text
        let word = text.split(separator: " ", omittingEmptySubsequences: false).last.map(String.init) ?? ""
        let before = String(text.dropLast(word.count))
        let candidates = candidates(behind: before).filter { $0.lowercased().hasPrefix(word.lowercased()) }
        guard let first = candidates.first else {
            return message = Message(kind: .refused, text: "nothing begins with \(word)", hint: nil)
        }
        var common = first
        for candidate in candidates {
            while !candidate.lowercased().hasPrefix(common.lowercased()) { common.removeLast() }
        }
        prompt.field.replace(with: before + common + (candidates.count == 1 ? " " : ""))
        overlay = .prompt(prompt)
        if candidates.count > 1 {
            message = Message(kind: .done, text: candidates.joined(separator: "  "), hint: nil)
        }
    }

    private func candidates(behind before: String) -> [String] {
        let ids = { tickets.rows.keys.sorted { (trailingNumber(of: $0), $0) < (trailingNumber(of: $1), $1) } }
        switch before.split(separator: " ").first {
        case nil: return commandNames + ids()
        case "theme": return Theme.Name.allCases.map(\.rawValue)
        case "filter": return Filter.State.allCases.map { "is:\($0.rawValue)" } + ["agent:", "lock:", "p:"]
        default: return ids()
        }
    }
}

extension KeyBinding {
    /// The action of that name, where it means something.
    static func command(_ name: String, in context: KeyContext) -> KeyBinding? {
        table.first { $0.action.name == name && $0.contexts.contains(context) }
    }
}
