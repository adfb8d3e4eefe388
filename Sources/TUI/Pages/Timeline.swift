import IPC

/// A ticket's events, oldest first, as far as they have been read: from the newest backwards, page by page.
struct Timeline: Sendable {
    struct Entry: Sendable {
        let seq: Int
        let event: Notification
        /// In words.
        var sentence = ""
        /// A step between those that matter.
        var isDetail = false
    }

    let ticket: String
    private(set) var entries: [Entry] = []
    private(set) var hasEarlier = true
    private(set) var failure: String?
    /// Grows with every change of `entries`.
    private(set) var revision = 0
    /// There may be newer ones than are here.
    private var isOutdated = true
    /// Those have been asked for, and until they are here what happens does not join up with what is.
    private var isCatchingUp = false
    private var hasRead = false
    /// How many entries have their words, and what wording them has taught.
    private var worded = 0
    private var sentences: EventSentence?

    init(ticket: String) { self.ticket = ticket }

    var isReading: Bool { !hasRead && failure == nil }

    // MARK: Reading

    /// - Parameter wantsEarlier: those before the first are looked for.
    mutating func nextRequest(wantsEarlier: Bool) -> DaemonRequest? {
        guard failure == nil else { return nil }
        if isOutdated {
            (isOutdated, isCatchingUp) = (false, true)
            return .listEvents(ticket: ticket, before: nil, after: entries.last?.seq)
        }
        guard hasRead, wantsEarlier, hasEarlier, let first = entries.first else { return nil }
        return .listEvents(ticket: ticket, before: first.seq, after: nil)
    }

    mutating func take(_ answer: Answer, before: Int?) {
        let page: EventPage
        switch answer.result.flatMap({ EventPage($0).map(Result.success) ?? .failure(.notUnderstood) }) {
        case .success(let answered): page = answered
        case .failure(let failure):
            self.failure = failure.message
            return
        }
        revision += 1
        if before == nil { isCatchingUp = false }
        if before != nil {
            entries = page.entries.filter { $0.seq < (entries.first?.seq ?? .max) } + entries
            // The words of a run's end need its beginning.
            (worded, sentences) = (0, nil)
            hasEarlier = page.hasMore && !page.entries.isEmpty
        } else if !hasRead || page.hasMore {
            // More has been missed than one answer holds: what is here does not join up with it.
            entries = page.entries
            (worded, sentences) = (0, nil)
            hasEarlier = page.hasMore
        } else {
            entries += page.entries.filter { $0.seq > (entries.last?.seq ?? 0) }
        }
        hasRead = true
    }

    /// Takes an event in as it happens. Those of before an answer are in that.
    mutating func hear(_ event: Notification) {
        guard hasRead, !isOutdated, !isCatchingUp, let seq = event.seq, seq > (entries.last?.seq ?? 0) else { return }
        revision += 1
        entries.append(Entry(seq: seq, event: event))
    }

    mutating func startOver() {
        isOutdated = true
        failure = nil
    }

    // MARK: Words

    /// Words what has none yet.
    mutating func word(clock: @escaping @Sendable (String) -> String) {
        var sentences = sentences ?? EventSentence(clock: clock)
        for index in worded..<entries.count {
            let line = sentences.lines(entries[index].event).first
            entries[index].sentence = line?.text ?? ""
            entries[index].isDetail = line?.isDetail ?? false
        }
        worded = entries.count
        self.sentences = sentences
    }
}

/// The answer to `ticket.events`.
private struct EventPage {
    var entries: [Timeline.Entry]
    var hasMore: Bool

    init?(_ value: JSONValue) {
        guard let events = value["events"]?.arrayValue else { return nil }
        entries = events.compactMap { event in
            guard let seq = event["seq"]?.intValue, let name = event["event"]?.stringValue else { return nil }
            return Timeline.Entry(seq: seq, event: Notification(name, event.objectValue ?? [:]))
        }
        hasMore = value["more"]?.boolValue ?? false
    }
}
