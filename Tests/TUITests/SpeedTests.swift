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

    /// Opening a diff looks at every line once; what is done to it then looks at the screen alone.
    @Test(arguments: ["lines", "one line", "one wide line"]) func eightMegabytesOfDiffAreQuick(_ shape: String) {
        let size = 8 << 20
        let head = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1,9999999 @@\n"
        let line = "+    let value = compute(with: argument, and: another)\n"
        let diff =
            switch shape {
            case "lines": head + String(repeating: line, count: size / line.utf8.count)
            case "one line": head + "+" + String(repeating: "plain, ", count: size / 7)
            default: head + "+" + String(repeating: "広い, ", count: size / 8)
            }
        var story = Story.aDay(columns: 200, rows: 50)
        story.press("j Enter")
        let clock = ContinuousClock()
        let opening = clock.measure { story.answerDiff(diff) }
        let keys = ["j", "PgDn", "PgDn", "k", "n", "G", "PgUp", "N", "g", "n"]
        var moving = Duration.zero
        for _ in 0..<5 {
            for key in keys {
                moving += clock.measure {
                    story.press(key)
                    _ = view(story.model)
                }
            }
        }
        print("\(shape): opened in \(opening), then \(moving / (5 * keys.count)) a key with its picture")
        // An optimised build takes a fraction of this; the bounds are for any build on a busy machine.
        #expect(opening < .seconds(6) * Sanitizers.slowness)
        #expect(moving / (5 * keys.count) < .milliseconds(150) * Sanitizers.slowness)
    }
}
