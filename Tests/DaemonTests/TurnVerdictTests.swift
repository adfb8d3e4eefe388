import Core
import Testing

@testable import Daemon

@Suite struct TurnVerdictTests {
    private func verdict(_ events: [AgentEvent], _ outcome: RunOutcome, error: String = "") -> RunOutcome {
        var verdict = TurnVerdict()
        for event in events { verdict.saw(event) }
        return verdict.verdict(outcome, error: error)
    }

    private let failure = AgentEvent.turnEnded(.failed(.provider, reason: "the provider is overloaded"))
    private let completion = AgentEvent.turnEnded(.completed("done"))

    @Test func onlyACompletedLastTurnIsSuccess() {
        #expect(verdict([.turnStarted, completion], .exited(0)) == .exited(0))
        #expect(verdict([.turnStarted, failure, .turnStarted, completion], .exited(0)) == .exited(0))
        #expect(verdict([.turnStarted, completion], .exited(1)) == .exited(1))
        #expect(verdict([.turnStarted, completion], .signalled(9)) == .signalled(9))
        #expect(
            verdict([.turnStarted, completion, .turnStarted], .exited(0)) == .unknown("its last turn had not ended")
        )
        #expect(
            verdict([.turnStarted, completion, .tookMessage(2)], .exited(0)) == .unknown("its last turn had not ended")
        )
        let words = [AgentEvent.turnStarted, .said("done", by: .agent)]
        #expect(verdict(words, .exited(0)) == .unknown("its last turn had not ended"))
        #expect(
            verdict([.turnStarted, .turnEnded(.interrupted)], .exited(0)) == .unknown("its last turn was interrupted")
        )
    }

    @Test func aFailedTurnIsAFailureWhateverTheExitSays() {
        for outcome in [RunOutcome.exited(0), .exited(1), .signalled(15)] {
            #expect(verdict([.turnStarted, failure], outcome) == .failed("the provider is overloaded"))
        }
    }

    @Test func whatEndedTheRunItselfIsKept() {
        for outcome in [RunOutcome.stopped, .timedOut, .stale, .notStarted("x"), .lost("y")] {
            for events in [[], [.turnStarted], [.turnStarted, failure], [.turnStarted, completion]] as [[AgentEvent]] {
                #expect(verdict(events, outcome) == outcome)
            }
        }
        #expect(verdict([.turnStarted], .signalled(9)) == .signalled(9))
    }

    @Test func whoNeverSpokeIsQuotedFromStandardError() {
        #expect(verdict([], .exited(0)) == .unknown("it took no turn"))
        #expect(
            verdict([], .exited(1), error: "error: unknown option\n  '--verbose'\n")
                == .unknown("exit 1, it took no turn: error: unknown option '--verbose'")
        )
        // What it printed in the place of its protocol.
        #expect(
            verdict([.noted("Please log in.\n")], .exited(0)) == .unknown("it took no turn: Please log in.")
        )
        let long = String(repeating: "word ", count: 1000) + "the end"
        guard case .unknown(let reason) = verdict([], .exited(2), error: long) else {
            Issue.record("no reason")
            return
        }
        #expect(reason.count < 340 && reason.hasSuffix("the end"))
        // Warnings of one that did speak say nothing about its exit.
        #expect(verdict([.turnStarted], .exited(0), error: "a warning") == .unknown("its last turn had not ended"))
    }
}
