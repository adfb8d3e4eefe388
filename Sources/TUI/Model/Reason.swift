import IPC

/// A sentence that may be true only until then.
struct Passing: Sendable {
    var text: String
    var nextChange: Moment?
}

extension Model {
    /// Why a ticket is as it is: what holds now, rather than what its row was told when it changed.
    func reason(of ticket: TicketRow) -> Passing? {
        silence(of: ticket)
            ?? (haltReason(of: ticket) ?? waitReason(of: ticket) ?? questionReason(of: ticket) ?? ticket.reason).map {
                Passing(text: $0)
            }
    }

    /// How long its agent has been silent, and what is done about it: read anew every second.
    private func silence(of ticket: TicketRow) -> Passing? {
        guard let since = ticket.stale_since.flatMap({ Moment($0) })?.milliseconds else { return nil }
        let until = ticket.stale_until.flatMap { Moment($0) }?.milliseconds
        let now = now.milliseconds
        let changes = [since, until].compactMap(\.self).map { moment in
            let passed = (now - moment) % 1000
            return Moment(milliseconds: now - passed + (passed < 0 ? 0 : 1000))
        }
        let sentence = Silence.sentence(
            evidence: ticket.stale_evidence,
            seconds: Int(max(0, now - since) / 1000),
            // Rounded up: it is not over before it is over.
            left: until.map { Int(($0 - now + 999) / 1000) }
        )
        return Passing(text: sentence, nextChange: changes.min())
    }

    private func waitReason(of ticket: TicketRow) -> String? {
        ticket.state == "queued" ? waiting[ticket.id] : nil
    }

    /// What its agent asks is what it waits for.
    private func questionReason(of ticket: TicketRow) -> String? {
        guard ticket.state == "running", ticket.reason != "stopping", let question = ticket.question else { return nil }
        return "asks\(question.isPermission ? " for leave" : ""): \(question.text)"
    }

    /// A row in the landing queue does not change when everything is halted, and nothing lands.
    private func haltReason(of ticket: TicketRow) -> String? {
        guard ticket.state == "landing", let reason = halted else { return nil }
        return "everything is halted\(reason.isEmpty ? "" : " (\(reason))"); it goes on when you resume"
    }

    /// Other tickets that the reason names: those it waits for.
    func ticketsNamed(in reason: String?, besides own: String) -> [TicketRow] {
        var named: [TicketRow] = []
        for word in (reason ?? "").split(whereSeparator: { " ,;:()".contains($0) }) {
            guard word != own, let row = tickets[String(word)], !named.contains(row) else { continue }
            named.append(row)
        }
        return named
    }

    /// Whom a queued ticket waits for, in a word: another ticket, or a person who holds its paths.
    func holder(for ticket: TicketRow) -> String? {
        guard let reason = waitReason(of: ticket) else { return nil }
        if let other = ticketsNamed(in: reason, besides: ticket.id).first { return other.id }
        // `waits for src/**, held by ann: the release`
        let words = reason.split(separator: " ")
        guard let held = words.firstIndex(of: "held"), words[held...].dropFirst().first == "by" else { return nil }
        let name = words[(held + 2)...].joined(separator: " ").split(separator: ":").first
        return name.map(String.init)
    }

    // MARK: What helps

    /// What can be done about a ticket now, as keys and what they do; only keys that there are, and that would do it.
    func advice(on ticket: TicketRow) -> [(key: String, does: String)] {
        let diff: (Action, String) = (.show(.diff), "shows what it changes")
        let back: (Action, String) = (.requestChanges, "sends it back with what you write")
        let why: (Action, String) = (.why, "shows how it came to this")
        var keys: [(Action, String)] = []
        switch ticket.state {
        case "awaiting_approval": keys = [(.resume, "approves it"), back, diff, (.show(.checks), "shows its checks")]
        case "needs_human_review":
            keys = [(.resume, "tries again"), back, why, (.show(.transcript), "shows what was printed")]
        case "stopped": keys = [(.resume, "lets it go on"), back, diff]
        case "running" where ticket.question?.isPermission == true:
            keys = [(.approve, "allows it"), (.requestChanges, "denies it"), (.message, "tells it something else")]
        case "running" where ticket.question != nil: keys = [(.approve, "answers it"), (.stop, "stops it")]
        case "running": keys = [(.stop, "stops it and keeps everything"), (.show(.transcript), "shows what it prints")]
        case "landing": keys = [(.stop, "takes it out of the queue"), why]
        case "queued": keys = [(.stop, "keeps it from starting")]
        case "merged", "pr_open", "done", "cancelled": keys = [diff, why]
        default: keys = [why]
        }
        if halted != nil { keys.append((.haltOrResume, "lets everything go on")) }
        return keys.compactMap { key, does in
            guard let binding = preferences.keys.find(key, in: .page), binding.obstacle(self) == nil else { return nil }
            return (binding.name, does)
        }
    }
}
