import IPC
import Testing

@testable import TUI

struct TicketListTests {
    private func lines(_ list: TicketList, headings: Bool = false) -> [String] {
        (0..<list.lineCount(headings: headings)).map {
            switch list.line(at: $0, headings: headings) {
            case .heading(let group): group.heading
            case .ticket(let id): id
            case nil: "nothing"
            }
        }
    }

    @Test func whatNeedsYouComesFirstAndWhatIsFinishedLast() {
        var list = TicketList()
        let tickets = [
            ticket("T-1", "done", minutes: 50), ticket("T-2", "merged", minutes: 5), ticket("T-3", "queued"),
            ticket("T-10", "queued"), ticket("T-4", "queued", priority: 7), ticket("T-5", "running"),
            ticket("T-6", "landing"), ticket("T-7", "stopped"), ticket("T-8", "awaiting_approval", minutes: 1),
            ticket("T-9", "needs_human_review", minutes: 9),
        ]
        list.replaceAll(with: tickets.byID)
        #expect(
            lines(list, headings: true) == [
                // The one that has waited longest first.
                "Needs you", "T-9", "T-8", "Working", "T-5", "Landing", "T-6",
                // By priority, then by number and not by spelling.
                "Queued", "T-4", "T-3", "T-10", "Stopped", "T-7",
                // The last one first.
                "Done", "T-2", "T-1",
            ]
        )
    }

    @Test func anUnknownStateIsShownAndCounted() {
        var list = TicketList()
        list.set(ticket("T-1", "levitating"))
        #expect(lines(list) == ["T-1"])
        #expect(list.count(of: .stopped) == 1)
    }

    /// Changes one by one lead to the same list as all at once, and every place can be found.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func changesOneByOneKeepTheOrder(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let states = ["queued", "running", "stopped", "awaiting_approval", "landing", "merged", "other"]
        var list = TicketList()
        var rows: [String: TicketRow] = [:]
        for _ in 0..<400 {
            let id = "T-\(Int.random(in: 1...60, using: &random))"
            if Int.random(in: 0..<5, using: &random) == 0 {
                list.remove(id)
                rows[id] = nil
            } else {
                let row = ticket(
                    id,
                    states.randomElement(using: &random)!,
                    minutes: .random(in: 0...5, using: &random),
                    priority: .random(in: 0...2, using: &random)
                )
                list.set(row)
                rows[id] = row
            }
        }
        var fresh = TicketList()
        fresh.replaceAll(with: rows)
        #expect(lines(list, headings: true) == lines(fresh, headings: true))
        #expect(list.count == rows.count)
        for headings in [true, false] {
            for id in rows.keys {
                let line = list.lineIndex(of: id, headings: headings)!
                #expect(list.line(at: line, headings: headings) == .ticket(id))
            }
        }
        for id in rows.keys { #expect(list.id(at: list.index(of: id)!) == id) }
        #expect(list.line(at: list.lineCount(headings: true), headings: true) == nil)
    }

    private func ticket(_ id: String, _ state: String, minutes: Int64 = 5, priority: Int = 0) -> TicketRow {
        TUITests.ticket(id, "A title", state, minutes: minutes, priority: priority)
    }
}

struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

struct MomentTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000Z", 0), ("2026-11-20T21:52:49.120Z", 1_795_211_569_120),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2000-03-01T00:00:00.5Z", 951_868_800_500),
        ("1969-12-31T23:59:59.999Z", -1),
    ])
    func momentsAreRead(_ text: String, _ milliseconds: Int64) {
        #expect(Moment(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["", "now", "2026", "2026-11-20T21:52:49", "2026-13-20T21:52:49Z", "99999-11-20T21:52:49Z", "日本"])
    func whatIsNoMomentIsRefused(_ text: String) { #expect(Moment(text) == nil) }

    @Test(
        arguments: [
            (0, "0s", 1000), (59_999, "59s", 60_000), (60_000, "1m", 120_000), (3_599_999, "59m", 3_600_000),
            (3_600_000, "1h", 7_200_000), (86_400_000, "1d", 172_800_000), (-5000, "0s", -4000),
        ] as [(Int64, String, Int64)]
    )
    func agesSayWhenTheyChange(_ elapsed: Int64, _ text: String, _ next: Int64) {
        let age = Age(from: Moment(milliseconds: 0), to: Moment(milliseconds: elapsed))
        #expect(age.text == text)
        #expect(age.nextChange.milliseconds == next)
    }
}
