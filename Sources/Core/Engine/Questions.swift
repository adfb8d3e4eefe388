// Questions of agents to people: asked in the name of a run, answered by a person, or by nobody in time.

extension Orchestrator {
    /// How many an agent may have open at a time, and how many of a run are kept.
    static let openQuestions = 16
    static let keptQuestions = 64

    /// Asking again under the same key is the same question, and changes nothing.
    mutating func ask(_ run: RunID, _ question: NewQuestion) throws(Refusal) {
        let ticket = try dealing(run, "ask a human")
        let known = ticket.dealings?.questions ?? []
        if known.contains(where: { $0.key == question.key }) { return }
        try Self.refuseLong(question.text, "the question")
        guard known.count(where: { $0.answer == nil }) < Self.openQuestions else {
            let hint = "wait for an answer to one of them"
            throw Refusal(.refused, "\(Self.openQuestions) questions of this run are open already", hint: hint)
        }
        let number = (ticket.lastQuestion ?? 0) + 1
        let new = Question(
            number: number,
            key: question.key,
            kind: question.kind,
            text: question.text,
            asked: now,
            until: now + Self.bounded(question.limit)
        )
        change(run.ticket) { $0.lastQuestion = number }
        deal(run.ticket) { dealings in
            // What was answered long ago is not asked for any more.
            if dealings.questions.count >= Self.keptQuestions,
                let old = dealings.questions.firstIndex(where: { $0.answer != nil })
            {
                dealings.questions.remove(at: old)
            }
            dealings.questions.append(new)
        }
        emit(.questionAsked(run, new))
    }

    /// Whoever asked does not wait any more. One that has been answered, or is not known, is none to take back.
    mutating func withdrawQuestion(_ run: RunID, _ key: String) {
        guard let ticket = tickets[run.ticket], ticket.workingRun == run,
            let question = ticket.dealings?.questions.first(where: { $0.key == key && $0.answer == nil })
        else { return }
        deal(run.ticket) { $0.questions.removeAll { $0.key == key } }
        emit(.questionEnded(run, question, expired: false))
    }

    mutating func expireQuestion(_ wait: AgentWait) {
        guard let run = tickets[wait.ticket]?.workingRun,
            let question = tickets[wait.ticket]!.dealings?.questions.first(where: { $0.key == wait.key })
        else { preconditionFailure("a question of \(wait.ticket) has ended, and its deadline has not") }
        deal(wait.ticket) { $0.questions.removeAll { $0.key == wait.key } }
        emit(.questionEnded(run, question, expired: true))
        if question.kind == .permission { answerPermission(run, question) }
    }

    /// - Parameter number: which; nil for the one that was asked first.
    mutating func answer(_ id: TicketID, question number: Int?, _ text: String, allows: Bool?) throws(Refusal) {
        guard knows(id) else {
            throw Refusal(.notFound, "there is no ticket \(id)", hint: "`orch list --all` shows every ticket")
        }
        let questions = tickets[id]?.dealings?.questions ?? []
        let open = questions.filter { $0.answer == nil }
        guard let question = number.map({ number in questions.first { $0.number == number } }) ?? open.first else {
            let which = number.map { "question \($0) of \(id)" } ?? "question of \(id)"
            let others = open.isEmpty ? "it asks nothing" : "it asks \(list(open.map { "question \($0.number)" }))"
            throw Refusal(.notFound, "there is no \(which) that waits: \(others)", hint: "`orch show \(id)` says more")
        }
        if let given = question.answer {
            // The same word twice is one.
            if given.text == text, given.allows == allows { return }
            throw Refusal(.refused, "question \(question.number) of \(id) has been answered: \(given.text)")
        }
        switch (question.kind, allows) {
        case (.permission, nil):
            let hint = "answer with --allow or --deny"
            throw Refusal(.invalid, "question \(question.number) of \(id) is about a permission", hint: hint)
        case (.question, .some):
            let hint = "answer in words"
            throw Refusal(.invalid, "question \(question.number) of \(id) is not about a permission", hint: hint)
        case (.permission, .some): break
        case (.question, nil): try Self.refuseLong(text, "the answer")
        }
        if text.utf8.count > Self.longestAgentText {
            throw Refusal(.invalid, "the answer has \(text.utf8.count) bytes; it has up to \(Self.longestAgentText)")
        }
        var answered = question
        answered.answer = Question.Answer(text: text, allows: allows, at: now)
        let told = answered
        deal(id) { dealings in
            for index in dealings.questions.indices where dealings.questions[index].key == told.key {
                dealings.questions[index] = told
            }
        }
        let run = RunID(ticket: id, number: tickets[id]!.lastRun)
        emit(.questionAnswered(run, told))
        if told.kind == .permission { answerPermission(run, told) }
    }
}
