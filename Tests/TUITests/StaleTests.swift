import Testing

@testable import IPC
@testable import TUI

/// Agents that give no sign of life.
struct StaleTests {
    private static func story(columns: Int = 80, rows: Int = 24) -> Story {
        var story = Story(columns: columns, rows: rows)
        var silent = agent("agent-1", on: "T-1", minutes: 9)
        silent.state = "stale"
        silent.stale_since = ago(6)
        silent.stale_evidence = "no output, no CPU, no changed file"
        silent.stale_until = "2026-11-20T12:01:30.000Z"
        let row = ticket("T-1", "Add avatar upload", "running", minutes: 30) {
            $0.agent = "agent-1"
            $0.reason = "stale: no sign of life"
            $0.stale_since = silent.stale_since
            $0.stale_evidence = silent.stale_evidence
            $0.stale_until = silent.stale_until
        }
        let other = ticket("T-2", "Fix the login", "running", minutes: 2) { $0.agent = "agent-2" }
        story.happens(.snapshot(tickets: [row, other], agents: [silent, agent("agent-2", on: "T-2")], waiting: [:]))
        return story
    }

    @Test func theRowsAreRedWithTheWordAndTheAgeOfTheSilence() {
        let story = Self.story()
        #expect(
            story.rows(1...3) == """
                 Working 2                                         │ ✗ agent-1 stale T-1     6m
                 ✗ stale     T-1 Add avatar upload              6m │ ● agent-2 T-2 Fix th…   5m
                 ● running   T-2 Fix the login                  2m │
                """
        )
        let screen = view(story.model)
        for x in [1, 3, 13, 17, 48] { #expect(Array(screen.row(2))[x].style.role == .failed, "\(x)") }
        for x in [53, 55, 63, 69, 77] { #expect(Array(screen.row(1))[x].style.role == .failed, "\(x)") }
        // Without room for the state's word, too.
        #expect(Self.story(columns: 40, rows: 10).row(1) == " ✗ T-1 stale: Add avatar upload      6m")
    }

    @Test func theDetailSaysItInOneSentenceThatGoesOnCounting() {
        var story = Self.story()
        #expect(
            story.rows(18...21) == """
                 Add avatar upload
                 ✗ stale for 6m · agent-1 · profile claude
                 no sign of life for 6m (no output, no CPU, no changed file); ended in 1m 30s
                 unless it moves
                """
        )
        story.now = Moment(milliseconds: Story.start.milliseconds + 29_500)
        story.happens(.clock)
        #expect(
            story.row(20) == " no sign of life for 6m 29s (no output, no CPU, no changed file); ended in 1m"
        )
        #expect(view(story.model).nextChange == Moment(milliseconds: story.now.milliseconds + 500))
    }
}
