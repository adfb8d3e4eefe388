import IPC

// What the overview of a ticket says where there is room, part by part.

extension Sheet {
    mutating func heading(_ title: String) {
        space()
        row([(0, title, .heading)])
    }

    /// Its title, its state, why it is so, and what helps.
    mutating func present(_ ticket: TicketRow, of model: Model) {
        prose(ticket.title, style: .title)
        let look = StateLook(ticket, glyphs: model.glyphs)
        let length = age(since: ticket.stale_since ?? ticket.waitsSince)
        var state: [[(text: String, style: Style)]] = [
            [
                ("\(look.glyph.text) \(look.words(of: ticket))", look.style),
                (length.isEmpty ? "" : " for \(length)", .plain),
            ]
        ]
        if let stage = ticket.stage { state.append([("stage \(stage)", .plain)]) }
        if let agent = ticket.agent { state.append([(agent, .plain)]) }
        if ticket.attempts > 1 { state.append([("attempt \(ticket.attempts)", .plain)]) }
        if let comments = ticket.comments { state.append([(counted(comments, "comment"), .plain)]) }
        flow(state)
        if let reason = model.reason(of: ticket) {
            changes(at: reason.nextChange)
            prose(reason.text)
            for other in model.ticketsNamed(in: reason.text, besides: ticket.id) { line(other, of: model) }
        }
        if let activity = model.activity(on: ticket.id) { show(activity, model) }
        if let usage = ticket.usage {
            let spent = UsageText.spent(usage, of: ticket.budget ?? model.spending.ticketBudget)
            row([(0, "used", .dim), (5, spent, .plain)])
        }
        presentWords(of: ticket)
        if let checks = ticket.checks { row([(0, progress(of: checks), .plain)]) }
        let advice = model.advice(on: ticket)
        if !advice.isEmpty { flow(advice.map { [($0.key, .key), (" \($0.does)", .dim)] }) }
    }

    /// What its agent says of itself to those who wait: what it waits for, how far it is.
    private mutating func presentWords(of ticket: TicketRow) {
        if let claim = ticket.claim {
            let length = age(since: claim.since)
            row([(0, "waits for locks, for \(length): \(claim.patterns.joined(separator: ", "))", .waiting)])
        }
        if let progress = ticket.progress {
            let length = age(since: progress.time)
            let percent = progress.percent.map { "\($0) %, " } ?? ""
            row([(0, "it says: \(percent)\(progress.text)", .plain), (columns - 9, "\(length) ago", .dim)])
        }
    }

    /// What its agent does now: `now: Bash  make test, for 12s`.
    private mutating func show(_ activity: ActivityRow, _ model: Model) {
        let length = age(since: activity.since)
        let words = "\(activity.sentence(clock: model.localTime.minute))\(length.isEmpty ? "" : ", for \(length)")"
        row([(0, "now:", .dim), (5, words, activity.isHeldUp ? .waiting : .plain)])
    }

    /// What its agent has been told, and is not known to have taken in.
    mutating func listMessages(_ messages: [MessageRow]) {
        guard !messages.isEmpty else { return }
        heading("Messages on their way")
        for message in messages {
            let length = age(since: message.time)
            row([
                (2, "\(message.number)", .dim), (6, message.deliverySentence, .waiting), (30, "\(length) ago", .dim),
            ])
            prose(message.text, indent: 6)
        }
    }

    /// `test runs for 12s, 1 of 3 checks has passed`.
    private mutating func progress(of checks: ChecksRow) -> String {
        let passed = "\(checks.done) of \(counted(checks.total, "check")) \(checks.done == 1 ? "has" : "have") passed"
        guard let running = checks.running else { return passed }
        let length = age(since: checks.since ?? "")
        return "\(running) runs\(length.isEmpty ? "" : " for \(length)"), \(passed)"
    }

    /// Another ticket in a row.
    private mutating func line(_ ticket: TicketRow, of model: Model) {
        let look = StateLook(ticket, glyphs: model.glyphs)
        let length = age(since: ticket.since)
        let word = "\(look.glyph.text) \(look.word)"
        let agent = ticket.agent.map { " · \($0)" } ?? ""
        row([
            (2, ticket.id, .plain), (11, word, look.style),
            (23, "\(length)\(agent) · \(ticket.title)", .dim),
        ])
    }

    /// The locks it asks for, with who has them, and the tickets it comes after.
    mutating func listScope(of ticket: TicketRow, in model: Model) {
        if !ticket.locks.isEmpty {
            heading("Locks")
            let width = min(ticket.locks.map { Text($0).width }.max() ?? 0, columns / 2)
            for pattern in ticket.locks {
                let lock = model.locks.first { $0.repository == ticket.repository && $0.pattern == pattern }
                row([(2, pattern, .plain), (4 + width, lock.map { holder(of: $0, for: ticket) } ?? "", .dim)])
            }
        }
        guard !ticket.depends_on.isEmpty else { return }
        heading("Depends on")
        for id in ticket.depends_on {
            if let other = model.tickets[id] { line(other, of: model) } else { row([(2, id, .plain)]) }
        }
    }

    private mutating func holder(of lock: LockRow, for ticket: TicketRow) -> String {
        let length = age(since: lock.since)
        if lock.ticket == ticket.id { return "held for \(length)" }
        let reason = lock.reason.map { ": \($0)" } ?? ""
        return "\(lock.ticket ?? lock.person ?? "somebody") holds it for \(length)\(reason)"
    }

    /// Newest first.
    mutating func list(_ runs: [RunRow]) {
        guard !runs.isEmpty else { return }
        heading("Runs")
        let numbers = runs.map { "\($0.number)".utf8.count }.max() ?? 1
        let stages = min(runs.map { Text($0.stage).width }.max() ?? 0, 8)
        let names = min(runs.map { Text($0.name).width }.max() ?? 0, columns >= 60 ? 20 : 8)
        for run in runs.reversed() {
            let number = "\(run.number)"
            let took = duration(of: run)
            let stage = 3 + numbers
            let name = stage + stages + 1
            let length = name + names + 1
            row([
                (2 + numbers - number.utf8.count, number, .dim), (stage, run.stage, .plain), (name, run.name, .plain),
                (length + max(0, 7 - took.utf8.count), took, .dim),
                (length + 8, run.ending ?? run.state, run.style),
            ])
        }
    }

    private mutating func duration(of run: RunRow) -> String {
        guard let started = run.started.flatMap({ Moment($0) }) else { return "" }
        guard let ended = run.ended.flatMap({ Moment($0) }) else { return age(since: run.started ?? "") }
        return length(milliseconds: max(0, ended.milliseconds - started.milliseconds))
    }

    /// Where its work is.
    mutating func listWhereabouts(of ticket: TicketRow, in model: Model) {
        heading("Work")
        if model.repositories.count > 1, let own = model.repositories.first(where: { $0.id == ticket.repository }) {
            fact("repository", own.path)
        }
        if let branch = ticket.branch { fact("branch", branch) }
        if let worktree = ticket.worktree { fact("worktree", worktree) }
        if let commit = ticket.commit { fact("commit", String(commit.prefix(12))) }
        fact("profile", ticket.profile)
        if ticket.priority != 0 { fact("priority", "\(ticket.priority)") }
        changes(at: Moment(ticket.created).map { Age(from: $0, to: model.now).nextChange })
        fact("created", "\(Moment(ticket.created).map { Age(from: $0, to: model.now).text } ?? "") ago")
    }
}

/// `0.4s`, `12s`, `5m30s`, `3h5m`, `2d4h`, as `orch show` says it.
func length(milliseconds: Int64) -> String {
    let tenths = (milliseconds + 50) / 100
    if tenths < 100 { return "\(tenths / 10).\(tenths % 10)s" }
    let seconds = (milliseconds + 500) / 1000
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days)d\(hours)h" }
    if hours > 0 { return "\(hours)h\(minutes)m" }
    return minutes > 0 ? "\(minutes)m\(seconds % 60)s" : "\(seconds)s"
}

extension RunRow {
    fileprivate var style: Style {
        switch state {
        case "passed": .done
        case "failed", "timed_out", "lost": .failed
        case "stopped", "stopping": .stopped
        case "starting", "running": .working
        default: .plain
        }
    }
}
