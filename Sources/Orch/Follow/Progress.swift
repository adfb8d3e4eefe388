import IPC

/// Follows some tickets until nothing of them can go on without a human, telling what happens.
struct Progress {
    let tickets: [String]
    let client: Client
    let console: Console
    /// Tells in JSON lines instead.
    let json: Bool

    private var picture: Picture
    private var sentences = EventSentence(clock: Moments.clock)

    init(_ tickets: [String], from picture: Picture, _ client: Client, _ console: Console, json: Bool) {
        self.tickets = tickets
        self.picture = picture
        self.client = client
        self.console = console
        self.json = json
    }

    /// The rows of the tickets when all have ended or wait for a human. Nil when nobody reads our output any more.
    mutating func follow() throws -> [TicketRow]? {
        let stream = EventStream(client, console)
        do {
            while true {
                let lines = try stream.next()
                if lines.isEmpty { return nil }
                for line in lines { try take(line) }
                if isAtRest, try isStillAtRest() { return rows }
            }
        } catch var error as RPCError where error.code == .disconnected {
            error.hint = "nothing is lost: start a daemon again (orch daemon) and look with `orch list`"
            throw error
        }
    }

    /// As they are listed: with the reason why a queued one waits.
    private var rows: [TicketRow] {
        tickets.compactMap { id in
            guard var row = picture.tickets[id] else { return nil }
            if row.state == "queued" { row.reason = picture.waiting[id] }
            return row
        }
    }

    private mutating func take(_ line: Notification) throws {
        do throws(Picture.Gap) {
            _ = try picture.apply(line)
        } catch {
            try client.subscribe(since: picture.seq)
            return
        }
        guard !json else { return }
        for sentence in sentences.lines(line) where !sentence.isDetail {
            guard let ticket = sentence.ticket, tickets.contains(ticket) else { continue }
            console.write("\(SafeText.line(ticket))  \(SafeText.line(sentence.text))")
        }
    }

    /// All have ended or wait for a human; or the rest waits for those, and nothing runs anywhere that could change it.
    private var isAtRest: Bool {
        let open = tickets.filter { picture.tickets[$0].map { !$0.isSettled } ?? true }
        if open.isEmpty { return true }
        return open.allSatisfy { picture.tickets[$0]?.state == "queued" }
            && !picture.tickets.values.contains { $0.state == "running" || $0.state == "landing" }
            && picture.tickets.values.contains { $0.isSettled && !$0.hasEnded }
    }

    /// Events arrive one by one, and what looks like rest may be the moment between two of them.
    private mutating func isStillAtRest() throws -> Bool {
        try client.request("tick")
        for case .notification(let line) in try client.receive() { try take(line) }
        return isAtRest
    }
}

extension TicketRow {
    /// Nothing will change it any more.
    var hasEnded: Bool { ["merged", "pr_open", "done", "cancelled"].contains(state) }

    /// It has landed, or whatever its workflow ends in.
    var hasLanded: Bool { hasEnded && state != "cancelled" }

    /// It has ended, or a human has to say how it goes on.
    var isSettled: Bool { hasEnded || ["awaiting_approval", "needs_human_review", "stopped"].contains(state) }
}
