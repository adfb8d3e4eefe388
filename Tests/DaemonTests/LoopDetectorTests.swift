import Core
import Testing

@testable import Daemon

@Suite struct LoopDetectorTests {
    private var detector = LoopDetector()
    private var calls = 0

    @discardableResult
    private mutating func call(
        _ command: String,
        _ outcome: ToolResult.Outcome = .succeeded,
        _ output: String = "same"
    ) -> String? {
        calls += 1
        let call = ToolCall(id: "\(calls)", name: "Bash", kind: .execute, title: command, command: command)
        #expect(detector.saw(.toolStarted(call)) == nil)
        return detector.saw(.toolEnded(ToolResult(id: "\(calls)", outcome: outcome, output: output)))
    }

    @Test mutating func theSameCallWithTheSameResultIsALoopTheFifthTime() {
        for _ in 1...4 { #expect(call("make") == nil) }
        #expect(call("make") == "it called Bash (make) 5 times in a row with the same result")
        // And again only after as many more.
        for _ in 1...4 { #expect(call("make") == nil) }
        #expect(call("make") != nil)
    }

    @Test mutating func anotherResultIsProgress() {
        for number in 1...20 { #expect(call("make", .failed, "error \(number)") == nil) }
    }

    @Test mutating func theSameErrorByOtherWaysIsALoop() {
        for number in 1...4 { #expect(call("try \(number)", .failed, "permission denied") == nil) }
        #expect(call("try 5", .failed, "permission denied") == "it ran into the same error 5 times in a row")
    }

    @Test mutating func backAndForthIsALoop() {
        for _ in 1...3 {
            #expect(call("git stash") == nil)
            #expect(call("git stash pop", .failed, "conflict") == nil)
        }
        #expect(call("git stash") == nil)
        #expect(
            call("git stash pop", .failed, "conflict")
                == "it went back and forth between Bash (git stash) and Bash (git stash pop) 4 times"
        )
    }

    @Test mutating func whoLooksWhetherSomethingIsDoneMayLookAgain() {
        for command in [
            "sleep 5", "git status", "gh run watch 12", "tail -n 5 log", "until test -e x; do sleep 1; done",
        ] {
            for _ in 1...20 { #expect(call(command) == nil, "\(command)") }
        }
        for _ in 1...4 { call("psql -c 'select 1'") }
        #expect(call("psql -c 'select 1'") != nil)
    }

    @Test mutating func itIsStuckUntilItDoesSomethingElse() {
        for _ in 1...5 { call("make") }
        #expect(detector.finding == "it called Bash (make) 5 times in a row with the same result")
        _ = detector.saw(.tookMessage(1))
        call("make")
        #expect(detector.finding != nil)
        call("sleep 5")
        #expect(detector.finding != nil, "to wait is nothing else")
        call("make -k")
        #expect(detector.finding == nil)
        for _ in 1...4 { call("make -k") }
        #expect(detector.finding != nil)
        _ = detector.saw(.turnEnded(.completed("so")))
        #expect(detector.finding == nil)
    }

    @Test mutating func aMessageBeginsAnew() {
        for _ in 1...4 { call("make") }
        _ = detector.saw(.tookMessage(1))
        #expect(call("make") == nil)
    }
}
