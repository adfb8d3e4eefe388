import IPC
import Testing

/// How a run ended, in words.
struct RunRowTests {
    @Test(arguments: [(nil, "exit 0"), (999, "exit 0"), (42_500, "exit 0; 42 s of it waiting")] as [(Int?, String)])
    func whatItsAgentWaitedForOthersIsSaid(_ waited: Int?, _ words: String) {
        var run = RunRow(
            id: "T-1.1",
            ticket: "T-1",
            number: 1,
            stage: "work",
            name: "agent-1",
            state: "passed",
            outcome: "exit 0"
        )
        run.waited_ms = waited
        #expect(run.ending == words)
    }
}
