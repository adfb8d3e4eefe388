import Testing

@testable import IPC
@testable import TUI

/// Messages to agents, and what agents do now.
struct SteeringTests {
    private static func answer(_ delivery: String?, _ text: String = "Use the new helper") -> Answer {
        let row = ticket("T-1", "Add avatar upload", "running", minutes: 3) {
            $0.last_message = 2
            $0.messages = delivery.map { [MessageRow(number: 2, delivery: $0, time: ago(0), text: text)] }
        }
        return .result(["ticket": json(row)])
    }

    private static func event(_ name: String, _ number: Int = 2, _ fields: JSONObject = [:]) -> Input {
        var params = fields
        params["seq"] = 90
        params["ticket"] = "T-1"
        params["message"] = JSONValue(number)
        return .happened(ticket: "T-1", Notification(name, params))
    }

    private static func write(_ text: String = "Use the new helper") -> Story {
        var story = Story.aDay()
        story.press("j j m")
        story.type(text)
        story.press("Ctrl-S")
        return story
    }

    // MARK: Messages

    @Test func aMessageIsKeptUntilItIsAnswered() {
        var story = Self.write()
        #expect(story.picture.contains("What is the agent of T-1 to know?"))
        #expect(story.taken() == [.send(id: 1, .steer(ticket: "T-1", message: "Use the new helper"))])
        story.happens(.answered(request: 1, .failure(.init(message: "the disk is full", hint: nil))))
        #expect(story.row(22) == " the disk is full")
        #expect(story.picture.contains("│ Use the new helper"))
        story.press("Ctrl-S")
        story.happens(.answered(request: 2, Self.answer("sent")))
        #expect(story.row(22) == " message 2 is sent to the agent of T-1; it has not taken it in yet")
        #expect(story.model.keyContext == .lists)
    }

    @Test func howFarItIsIsSaid() {
        var story = Self.write()
        story.happens(.answered(request: 1, Self.answer("queued")))
        #expect(story.row(22) == " message 2 waits for the next run of T-1")
        story.press("j")
        // One that somebody else has sent is not told of.
        story.happens(Self.event("message.taken", 1))
        #expect(!story.row(22).contains("taken"))
        story.happens(Self.event("message.deferred", 2, ["reason": "it takes none in this run"]))
        #expect(story.row(22) == " message 2 waits for the next run of T-1: it takes none in this run")
        story.happens(Self.event("message.taken"))
        #expect(story.row(22) == " the agent of T-1 has taken message 2 in")
        story.press("j")
        story.happens(Self.event("message.taken"))
        #expect(!story.row(22).contains("taken"))
    }

    @Test func oneThatWasTakenAtOnceIsSaidToBe() {
        var story = Self.write()
        story.happens(.answered(request: 1, Self.answer(nil)))
        #expect(story.row(22) == " the agent of T-1 has taken message 2 in")
    }

    @Test func anEmptyOneIsNoneAndWhoHasEndedGetsNone() {
        var story = Self.write(" ")
        #expect(story.taken().isEmpty)
        #expect(story.row(22).contains("say what its agent is to know"))
        story.press("Esc")
        for _ in 0..<9 { story.press("j") }
        story.press("m")
        #expect(story.row(22) == " T-8 is merged: no agent will work on it any more")
    }

    @Test func theOverviewListsThoseOnTheirWay() {
        Story.shows("messages") { story in
            let row = ticket("T-1", "Add avatar upload", "running", minutes: 3) {
                $0.stage = "work"
                $0.agent = "agent-1"
                $0.run = "T-1.1"
                $0.last_message = 3
                $0.messages = [
                    MessageRow(
                        number: 2,
                        delivery: "sent",
                        time: ago(1),
                        text: "Use the new helper,\nand \u{1B}[2Jno other"
                    ),
                    MessageRow(number: 3, delivery: "queued", time: ago(0), text: "漢字 too"),
                ]
            }
            story.happens(.changed(tickets: ["T-1": row], agents: [:]))
            story.happens(
                .acts(run: "T-1.1", ActivityRow(state: "tool", tool: "Bash", title: "make test", since: ago(2)))
            )
            story.press("j j Enter 4")
        }
    }

    // MARK: What agents do

    private static func acts(_ state: String, _ change: (inout ActivityRow) -> Void = { _ in }) -> Input {
        var row = ActivityRow(state: state, since: "2026-11-20T11:59:48.000Z")
        change(&row)
        return .acts(run: "T-1.1", row)
    }

    private static func panel(_ input: Input, columns: Int = 120) -> String {
        var story = Story.aDay(columns: columns, rows: 40)
        story.happens(input)
        return String(story.row(1).drop { $0 != "│" })
    }

    @Test func thePanelSaysWhatEachDoesNow() {
        let tool = Self.acts("tool") { ($0.tool, $0.title) = ("Bash", "make \u{1B}[2Jtest") }
        #expect(Self.panel(tool) == "│ ● agent-1  T-1 Bash make test         12s   9m")
        #expect(Self.panel(tool, columns: 80).contains("T-1 Bash"))
        let leave = Self.acts("permission") { ($0.tool, $0.title) = ("Write", "a.txt") }
        #expect(Self.panel(leave).contains("waits for leave: Wri…"))
        let limited = Self.acts("limited") { $0.until = "2026-11-20T17:20:00.000Z" }
        #expect(Self.panel(limited, columns: 200).contains("rate limited until 17:20"))
        let retrying = Self.acts("retrying") { $0.reason = "overloaded" }
        #expect(Self.panel(retrying, columns: 200).contains("tries again: overloaded"))
        let question = Self.acts("question") { $0.title = "Left or right?" }
        #expect(Self.panel(question, columns: 200).contains("asks a person: Left or right?"))
        let stuck = Self.acts("stuck") { $0.reason = "it called Bash (make) 5 times" }
        #expect(Self.panel(stuck, columns: 200).contains("goes round in circles: it called Bash"))
        #expect(Self.panel(Self.acts("hums")).contains("hums"))
    }

    @Test func whatWasDoneInARunThatIsOverIsForgotten() {
        var story = Story.aDay(columns: 120, rows: 40)
        story.happens(Self.acts("working"))
        #expect(story.row(1).contains("is thinking"))
        let next = ticket("T-1", "Add avatar upload", "running") { $0.run = "T-1.2" }
        story.happens(.changed(tickets: ["T-1": next], agents: [:]))
        #expect(!story.row(1).contains("is thinking"))
        story.happens(.changed(tickets: [:], agents: ["agent-1": agent("agent-1")]))
        #expect(story.model.activities.isEmpty)
    }
}
