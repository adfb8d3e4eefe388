// Which tickets are listed.

extension Model {
    mutating func writeFilter() {
        overlay = .prompt(Prompt(.filter(selected: selectedTicket), text: tickets.filter?.text ?? ""))
        focus = .tickets
    }

    /// The list follows what is typed.
    mutating func filterAsTyped() {
        guard case .prompt(let prompt) = overlay, case .filter(let selected) = prompt.purpose else { return }
        list(only: Filter(prompt.field.text), selecting: selected)
        message = tickets.filter?.problem.map { Message(kind: .refused, text: $0, hint: nil) }
    }

    /// The ticket that was selected comes back with the list it is in; meanwhile the first is.
    mutating func list(only filter: Filter?, selecting selected: String?) {
        tickets.list(only: filter)
        selectedTicket = selected.flatMap { tickets.index(of: $0) == nil ? nil : $0 }
        reselect(after: nil)
    }

    mutating func listAll(selecting selected: String? = nil) {
        guard tickets.filter != nil else { return }
        list(only: nil, selecting: selected ?? selectedTicket)
    }

    // MARK: The mouse

    mutating func handMouse(_ commands: inout [Command]) {
        preferences.reportsMouse.toggle()
        commands.append(.reportMouse(preferences.reportsMouse))
        let key = preferences.keys.name(of: .mouse, in: keyContext)
        message = Message(
            kind: .done,
            text: preferences.reportsMouse
                ? "the mouse is the dashboard's again" : "the mouse is the terminal's: select text with it",
            hint: preferences.reportsMouse ? nil : "\(key) takes it back"
        )
    }
}
