import IPC

/// What `ticket.show` says beyond the ticket's row.
struct TicketFacts: Sendable {
    /// Line by line, made safe to draw.
    var description: [Text]
    var runs: [RunRow]
    /// Oldest first.
    var comments: [Comment]

    /// What a person said of the ticket.
    struct Comment: Equatable, Sendable {
        var time: String
        /// `approved`, `changes_requested`, `rejected`.
        var kind: String
        var text: String
    }

    /// nil where the answer is not one to `ticket.show`.
    init?(_ value: JSONValue) {
        guard let description = value["description"]?.stringValue else { return nil }
        self.description = description.isEmpty ? [] : safeLines(of: description)
        runs = (value["runs"]?.arrayValue ?? []).compactMap { try? $0.decode() }
        comments = (value["comments"]?.arrayValue ?? []).compactMap { comment in
            guard let text = comment["text"]?.stringValue else { return nil }
            return Comment(
                time: comment["time"]?.stringValue ?? "",
                kind: comment["kind"]?.stringValue ?? "",
                text: text
            )
        }
    }
}

/// The facts of a ticket as a page knows them: asked for when its row has changed, and no sooner than the last are here.
struct FactsReader: Sendable {
    let ticket: String
    private(set) var facts: TicketFacts?
    private(set) var failure: String?
    private var row: TicketRow?
    private var isOutdated = true

    init(ticket: String) { self.ticket = ticket }

    mutating func follow(_ row: TicketRow) {
        guard row != self.row else { return }
        self.row = row
        isOutdated = true
    }

    mutating func startOver() { isOutdated = true }

    mutating func nextRequest() -> DaemonRequest? {
        guard isOutdated else { return nil }
        isOutdated = false
        return .showTicket(ticket)
    }

    mutating func take(_ answer: Answer) {
        switch answer.result.flatMap({ TicketFacts($0).map(Result.success) ?? .failure(.notUnderstood) }) {
        case .success(let facts): (self.facts, failure) = (facts, nil)
        case .failure(let failure): self.failure = failure.message
        }
    }
}
