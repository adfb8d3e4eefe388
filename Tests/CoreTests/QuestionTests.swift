import Testing

@testable import Core

/// What agents ask people, and say.
@Suite struct QuestionTests {
    let a: TicketID = "T-1"
    var run: RunID { RunID(ticket: a, number: 1) }

    private func story() -> Story {
        var story = Story()
        story.enqueue(.new())
        story.prepare(a)
        return story
    }

    private func question(_ key: String = "k", _ kind: Question.Kind = .question, limit: Int64 = 60) -> NewQuestion {
        NewQuestion(key: key, kind: kind, text: "Which one?", limit: .seconds(limit))
    }

    private func asked(_ number: Int, _ key: String, _ kind: Question.Kind = .question, at now: Instant) -> Question {
        Question(
            number: number,
            key: key,
            kind: kind,
            text: "Which one?",
            asked: now,
            until: now + .seconds(60)
        )
    }

    @Test func aQuestionWaitsForAPersonAndTheAnswerIsKeptForTheRun() {
        var story = story()
        let first = asked(1, "k", at: story.now)
        story.hear(.questionAsked(run, question()), says: [.questionAsked(run, first)])
        #expect(story[a].reason == "run 1: the agent asks: `Which one?`")
        story.hear(.questionAsked(run, question()), says: [])
        story.hear(.answerGiven(a, question: nil, text: " ", allows: nil), isRefused: "the answer is empty")
        var answered = first
        answered.answer = Question.Answer(text: "the left", allows: nil, at: story.now)
        story.hear(
            .answerGiven(a, question: nil, text: "the left", allows: nil),
            says: [.questionAnswered(run, answered)]
        )
        #expect(story[a].dealings?.openQuestion == nil)
        story.hear(.answerGiven(a, question: 1, text: "the left", allows: nil), says: [])
        story.hear(
            .answerGiven(a, question: 1, text: "the right", allows: nil),
            isRefused: "question 1 of T-1 has been answered: the left"
        )
        // After a restart the answer is there for who asks again.
        story.core = Orchestrator(limits: story.core.limits, restoring: story.core.stored, at: story.now)
        _ = story.core.recover(at: story.now)
        story.hear(.questionAsked(run, question()), says: [])
        #expect(story[a].dealings?.questions == [answered])
        story.endRun(a)
        #expect(story[a].dealings == nil)
        #expect(story[a].lastQuestion == 1)
    }

    @Test func aPermissionIsAnsweredByYesOrNo() {
        var story = story()
        story.hear(.questionAsked(run, question("p", .permission)))
        story.hear(.questionAsked(run, question("q")))
        #expect(story[a].reason == "run 1: the agent asks for permission: `Which one?`")
        story.hear(
            .answerGiven(a, question: nil, text: "yes", allows: nil),
            isRefused: "question 1 of T-1 is about a permission"
        )
        story.hear(
            .answerGiven(a, question: 2, text: "yes", allows: true),
            isRefused: "question 2 of T-1 is not about a permission"
        )
        story.hear(.answerGiven(a, question: 1, text: "", allows: false))
        #expect(story[a].dealings?.openQuestion?.number == 2)
        story.hear(
            .answerGiven(a, question: 7, text: "yes", allows: nil),
            isRefused: "there is no question 7 of T-1 that waits: it asks question 2"
        )
        story.hear(
            .answerGiven("T-9", question: nil, text: "yes", allows: nil),
            isRefused: "there is no ticket T-9"
        )
    }

    @Test func whatNobodyAnswersIsNotAskedForEver() {
        var story = story()
        let first = asked(1, "k", at: story.now)
        story.hear(.questionAsked(run, question()))
        story.now = story.now + .seconds(60)
        story.hear(.deadlineReached, says: [.questionEnded(run, first, expired: true)])
        let second = asked(2, "l", at: story.now)
        story.hear(.questionAsked(run, question("l")), says: [.questionAsked(run, second)])
        story.hear(.questionWithdrawn(run, key: "l"), says: [.questionEnded(run, second, expired: false)])
        story.hear(
            .answerGiven(a, question: nil, text: "yes", allows: nil),
            isRefused: "there is no question of T-1 that waits: it asks nothing"
        )
        for number in 1...16 { story.hear(.questionAsked(run, question("m\(number)"))) }
        story.hear(.questionAsked(run, question("n")), isRefused: "16 questions of this run are open already")
    }

    @Test func progressIsNotedEveryFewSeconds() {
        var story = story()
        let word = Progress(text: "half", percent: 50, at: story.now)
        story.hear(.progressReported(run, text: "half", percent: 50), says: [.progressReported(run, word)])
        story.hear(.progressReported(run, text: "more", percent: 60), says: [])
        #expect(story[a].dealings?.progress == word)
        story.now = story.now + .seconds(5)
        story.hear(.progressReported(run, text: "more", percent: nil))
        #expect(story[a].dealings?.progress?.text == "more")
        story.hear(
            .progressReported(run, text: "more", percent: 101),
            isRefused: "the percentage 101 is not between 0 and 100"
        )
    }

    @Test func theSummaryStaysWithTheTicket() {
        var story = story()
        story.hear(.summaryGiven(run, text: "Did it."), says: [.workSummarised(run, summary: "Did it.")])
        story.endRun(a)
        #expect(story[a].summary == "Did it.")
        story.hear(
            .summaryGiven(run, text: "Did more."),
            isRefused: "cannot take the summary: run T-1.1 is over, or is being ended"
        )
    }
}
