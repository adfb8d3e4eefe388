import Sanitizers
import Testing

@testable import IPC
@testable import TUI

/// The dashboard looks only at what is visible: ten thousand tickets must not be felt.
struct SpeedTests {
    @Test func tenThousandTicketsAreQuick() {
        let states = ["queued", "running", "stopped", "awaiting_approval", "landing", "merged"]
        var story = Story(columns: 200, rows: 50)
        let rows = (0..<10_000).map {
            ticket("T-\($0)", "A ticket about 日本語 and more", states[$0 % 6], minutes: Int64($0 % 600), priority: $0 % 9)
        }
        story.happens(
            .snapshot(tickets: rows, agents: (1...100).map { agent("agent-\($0)", on: "T-\($0)") }, waiting: [:])
        )
        let clock = ContinuousClock()
        let rounds = 200
        var changing = Duration.zero
        var drawing = Duration.zero
        for round in 0..<rounds {
            let row = ticket("T-\(round * 37)", "changed", states[round % 6], minutes: 0)
            changing += clock.measure { story.happens(.changed(tickets: [row.id: row], agents: [:])) }
            changing += clock.measure { story.press("j") }
            drawing += clock.measure { _ = view(story.model) }
        }
        print("update \(changing / (rounds * 2)) each, view \(drawing / rounds)")
        // An optimised build takes about a tenth of this; the bound is for any build on a busy machine.
        #expect((changing + drawing) / rounds < .milliseconds(60) * Sanitizers.slowness)
    }
}
