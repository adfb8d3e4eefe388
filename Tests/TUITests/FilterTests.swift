import Testing

@testable import IPC
@testable import TUI

/// Which tickets are listed.
struct FilterTests {
    private static let rows = [
        ticket("T-1", "Add avatar upload", "running", priority: 2) {
            $0.agent = "agent-1"
            $0.locks = ["src/avatar/**"]
        },
        ticket("T-2", "Fix: the login redirect", "awaiting_approval") { $0.profile = "codex" },
        ticket("T-3", "Migrate the database to WAL", "needs_human_review", priority: -1),
        ticket("T-12", "Speed up 日本語 search", "landing") { $0.blocked = true },
        ticket("T-20", "Upgrade dependencies", "merged", priority: 5) { $0.locks = ["SRC/x"] },
        ticket("T-21", "Try again", "running") { $0.stale_since = ago(5) },
    ]

    @Test(arguments: [
        ("", "T-1 T-2 T-3 T-12 T-20 T-21"), ("avatar", "T-1"), ("AVUP", "T-1"), ("addup", "T-1"), ("vatar", "T-1"),
        ("vup", "T-1"), ("vrup", ""), ("aau", "T-1"), ("fix:", "T-2"), ("login fix", "T-2"), ("t2", "T-2 T-20 T-21"),
        ("日本", "T-12"),
        ("is:", "T-1 T-2 T-3 T-12 T-20 T-21"), ("is:needs-you", "T-2 T-3 T-12"), ("is:n", "T-2 T-3 T-12"),
        ("is:work", "T-1 T-21"), ("is:st", "T-21"), ("is:done", "T-20"), ("is:blocked", "T-12"),
        ("-is:done -is:working", "T-2 T-3 T-12"), ("!is:done p:>0", "T-1"), ("p:5", "T-20"), ("p:<=-1", "T-3"),
        ("p:", "T-1 T-2 T-3 T-12 T-20 T-21"), ("p:-", "T-1 T-2 T-3 T-12 T-20 T-21"), ("agent:codex", "T-2"),
        ("agent:agent-1", "T-1"), ("lock:src/", "T-1 T-20"), ("lock:src/ is:working", "T-1"),
        ("-", "T-1 T-2 T-3 T-12 T-20 T-21"),
        ("is:nothing", ""), ("p:high", ""), ("p:>=>1", ""),
    ])
    func theyAreFound(_ text: String, _ expected: String) {
        #expect(Self.rows.filter(Filter(text).matches).map(\.id).joined(separator: " ") == expected)
    }

    @Test func whatCanNeverHoldIsSaid() {
        #expect(
            Filter("is:nothing").problem
                == "nothing is nothing; known: needs-you, working, queued, landing, stopped, done, stale, blocked"
        )
        #expect(Filter("p:high").problem == "high is no priority; write p:5, p:>2 or p:<=0")
        #expect(Filter("is:need x:y").problem == nil)
    }

    /// A filtered list that follows changes is the one made anew.
    @Test(arguments: 1...5 as ClosedRange<UInt64>) func changesAreFollowed(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let states = ["queued", "running", "stopped", "awaiting_approval", "landing", "merged", "other"]
        let filters = ["", "is:working", "a", "-is:done", "p:>3", "is:nothing"]
        var list = TicketList()
        for _ in 0..<400 {
            let id = "T-\(Int.random(in: 1...30, using: &random))"
            switch Int.random(in: 0..<8, using: &random) {
            case 0: list.remove(id)
            case 1: list.list(only: Filter(filters.randomElement(using: &random)!))
            default:
                let title = Bool.random(using: &random) ? "Add" : "Fix"
                list.set(
                    ticket(
                        id,
                        title,
                        states.randomElement(using: &random)!,
                        minutes: .random(in: 0...9, using: &random),
                        priority: .random(in: 0...6, using: &random)
                    )
                )
            }
            var fresh = TicketList()
            fresh.list(only: list.filter)
            fresh.replaceAll(with: list.rows)
            let lines = (0..<40).map { list.line(at: $0, headings: true) }
            #expect(lines == (0..<40).map { fresh.line(at: $0, headings: true) })
            #expect(list.landing == fresh.landing)
            for group in TicketGroup.allCases { #expect(list.count(of: group) == fresh.count(of: group)) }
            for id in list.rows.keys {
                #expect(list.lineIndex(of: id, headings: true) == fresh.lineIndex(of: id, headings: true))
            }
        }
    }
}
