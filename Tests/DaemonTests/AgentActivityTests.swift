import Core
import Testing

@testable import Daemon

/// What an agent does now, from what it says.
struct AgentActivityTests {
    private var activity = AgentActivity(since: Instant(milliseconds: 0))
    private var offset = 0

    private mutating func saw(_ event: AgentEvent) {
        offset += 10
        activity.saw(event, at: Instant(milliseconds: Int64(offset)), offset: offset)
    }

    private func bash(_ id: String, _ command: String) -> ToolCall {
        ToolCall(id: id, name: "Bash", kind: .execute, title: command, command: command)
    }

    @Test mutating func whoAsksAPersonWaitsForTheAnswer() {
        let ask = ToolCall(id: "1", name: "mcp__orch__ask_human", kind: .orch, title: "Left or right?")
        saw(.toolStarted(ask))
        #expect(activity.state == .question(ask))
        #expect(activity.evidence?.event == "tool_started" && activity.evidence?.offset == 10)
        saw(.toolEnded(ToolResult(id: "1", outcome: .succeeded, output: "left")))
        #expect(activity.state == .working)
        let other = ToolCall(id: "2", name: "mcp__else__ask_human", kind: .other, title: "ask_human")
        saw(.toolStarted(other))
        #expect(activity.state == .tool(other), "another server's tool is not orch's")
    }

    @Test mutating func whoRepeatsItselfIsStuckUntilItDoesSomethingElse() {
        for number in 1...5 {
            saw(.toolStarted(bash("\(number)", "make")))
            #expect(activity.state == .tool(bash("\(number)", "make")))
            saw(.toolEnded(ToolResult(id: "\(number)", outcome: .failed, output: "no")))
        }
        let finding = "it called Bash (make) 5 times in a row and it failed alike each time"
        #expect(activity.state == .stuck(finding))
        #expect(activity.since == Instant(milliseconds: 100) && activity.evidence?.event == "tool_ended")
        // Since then, whatever it says and however often it does the same.
        saw(.said("hm", by: .agent))
        saw(.toolStarted(bash("6", "make")))
        #expect(activity.state == .stuck(finding) && activity.since == Instant(milliseconds: 100))
        saw(.toolEnded(ToolResult(id: "6", outcome: .failed, output: "no")))
        saw(.toolStarted(bash("7", "cat Makefile")))
        #expect(activity.state == .tool(bash("7", "cat Makefile")))
    }

    @Test mutating func whoIsStuckAndAsksForLeaveWaitsForThat() {
        for number in 1...5 {
            saw(.toolStarted(bash("\(number)", "make")))
            saw(.toolEnded(ToolResult(id: "\(number)", outcome: .succeeded, output: "done")))
        }
        let request = PermissionRequest(id: "r", call: bash("6", "make"), reason: nil)
        saw(.asked(request))
        #expect(activity.state == .permission(request))
        activity.answered("r", at: Instant(milliseconds: 500))
        guard case .stuck = activity.state else { return #expect(Bool(false), "\(activity.state)") }
        saw(.turnEnded(.completed("so")))
        #expect(activity.state == .idle)
    }
}
