import IPC

// Telling that somebody is needed.

extension TicketRow {
    /// Waits for a human's word, or for what only a human can clear.
    var needsHuman: Bool { TicketGroup(self) == .needsYou || blocked == true }
}

extension Model {
    /// How long one alert is enough for all that come with it.
    private static let burstMilliseconds: Int64 = 5000

    /// Those that need somebody already; none where nobody is to be told.
    func needy(among ids: some Sequence<String>) -> Set<String> {
        guard preferences.alert != .off else { return [] }
        return Set(ids.filter { tickets[$0]?.needsHuman == true })
    }

    /// Tells of tickets that need somebody, and did not `before`.
    mutating func alert(of changed: some Sequence<String>, unless before: Set<String>, _ commands: inout [Command]) {
        let needy = needy(among: changed).subtracting(before).sorted().compactMap { tickets[$0] }
        guard let first = needy.first else { return }
        if let lastAlert, now.milliseconds - lastAlert.milliseconds < Self.burstMilliseconds { return }
        lastAlert = now
        let sentence = needy.count == 1 ? "\(first.id) needs you: \(first.title)" : "\(needy.count) tickets need you"
        commands.append(.alert(sentence))
    }
}
