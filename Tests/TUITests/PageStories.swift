@testable import IPC
@testable import TUI

// What tests of pages share: tickets with a past, and a daemon's answers about them.

/// A stored event as `ticket.events` lists it.
func event(_ seq: Int, minutes: Int64, _ name: String, _ fields: JSONObject = [:]) -> JSONValue {
    var entry = fields
    entry["event"] = .string(name)
    entry["seq"] = JSONValue(seq)
    entry["time"] = .string(ago(minutes))
    entry["ticket"] = "T-3"
    return .object(entry)
}

extension Answer {
    static func events(_ events: [JSONValue], more: Bool = false) -> Answer {
        .result(["events": .array(events), "more": .bool(more)])
    }

    /// Of `ticket.show`.
    static func facts(_ description: String, runs: [RunRow] = [], comments: [JSONValue] = []) -> Answer {
        .result([
            "description": .string(description), "runs": .array(runs.map { json($0) }), "comments": .array(comments),
        ])
    }

    /// What is known of T-3, hostile bytes among it.
    static let past = facts(
        """
        The database is opened with a rollback journal. Readers wait for every writer, and the dashboard is one of them, \
        so that a long transaction is a still picture.

        - set `journal_mode` once, where the file is made
        - 漢字と絵文字 👩‍💻 in a description are counted as what they take
        - \u{1B}[31mred\u{1B}[0m, a bell \u{7}, \u{202E}reversed\u{202C}, a tab\tand \u{0}
        """,
        runs: [
            run(1, "work", "agent-1", "passed", "exit 0", from: 300, to: 226),
            run(2, "verify", "test", "failed", "exit 1", from: 200, to: 199),
            run(3, "work", "agent-2", "timed_out", "ended after 2h: no time left", from: 180, to: 60),
            run(4, "verify", "日本語のとても長い名前の検査", "failed", "exit 1: expected 3 but found 4", from: 50, to: 44),
        ],
        comments: [
            [
                "time": .string(ago(190)), "kind": "changes_requested", "seq": 30,
                "text": "Use one connection for writing.\nAnd say in the docs why: the next reader will wonder.",
            ],
            ["time": .string(ago(70)), "kind": "approved", "seq": 44, "text": "good \u{1B}]0;title\u{7}now 👍🏽"],
            ["time": .string(ago(45)), "kind": "unheard_of", "seq": 50, "text": "\u{202E}txet\u{202C}"],
        ]
    )

    static let story = events([
        event(4, minutes: 800, "ticket.enqueued"),
        event(9, minutes: 300, "ticket.started", ["agent": "agent-1", "stage": "work"]),
        event(10, minutes: 300, "run.requested", ["run": "T-3.1", "name": "agent-1", "stage": "work"]),
        event(12, minutes: 226, "run.ended", ["run": "T-3.1", "outcome": "exit 0"]),
        event(20, minutes: 200, "verification.failed", ["verifier": "test", "outcome": "exit 1"]),
        event(
            30,
            minutes: 190,
            "ticket.continued",
            ["command": "request-changes", "comment": "Use one connection.\n\u{1B}[31mAnd say why\u{7}."]
        ),
        event(44, minutes: 70, "weather.changed", ["to": "雨 rain", "places": ["a", "b"], "reasons": [:]]),
        event(
            52,
            minutes: 44,
            "ticket.needs_human_review",
            ["reason": "verifier test failed 3 times with the same message: expected 3 but found 4"]
        ),
    ])
}

func run(
    _ number: Int,
    _ stage: String,
    _ name: String,
    _ state: String,
    _ outcome: String?,
    from started: Int64,
    to ended: Int64?
) -> RunRow {
    RunRow(
        id: "T-3.\(number)",
        ticket: "T-3",
        number: number,
        stage: stage,
        name: name,
        state: state,
        outcome: outcome,
        started: ago(started),
        ended: ended.map { ago($0) }
    )
}

extension Story {
    /// Answers what has been asked, and what is asked after that; orders stay unanswered.
    @discardableResult
    mutating func answers(_ answer: (DaemonRequest) -> Answer?) -> [DaemonRequest] {
        var asked: [DaemonRequest] = []
        while true {
            let commands = taken()
            guard !commands.isEmpty else { return asked }
            for case .send(let id, let request) in commands {
                asked.append(request)
                if let answer = answer(request) { happens(.answered(request: id, answer)) }
            }
        }
    }

    /// T-3 has a past, and others are in its way.
    mutating func hasAPast() {
        happens(
            .changed(
                tickets: [
                    "T-3": ticket("T-3", "Migrate the database to WAL", "needs_human_review", minutes: 44) {
                        $0.stage = "verify"
                        $0.run = "T-3.4"
                        $0.attempts = 3
                        $0.reason = "verifier test failed 3 times with the same message: expected 3 but found 4"
                        $0.locks = ["src/store/**", "database", "docs/*.md"]
                        $0.depends_on = ["T-8", "T-1", "T-99"]
                        $0.branch = "agent-2/T-3-migrate-the-database"
                        $0.worktree = "/home/ann/.local/state/orch/worktrees/site/T-3"
                        $0.commit = "0123456789abcdef"
                        $0.priority = 7
                        $0.comments = 3
                        $0.evidence = "52 ticket.needs_human_review"
                    }
                ],
                agents: [:]
            )
        )
        happens(
            .locksHeld([
                LockRow(pattern: "src/store/**", repository: "r1", ticket: "T-3", since: ago(300), fence: 3),
                LockRow(
                    pattern: "database",
                    repository: "r1",
                    person: "ann",
                    reason: "the release",
                    since: ago(12),
                    fence: 5
                ),
                LockRow(pattern: "docs/*.md", repository: "r2", ticket: "T-1", since: ago(12), fence: 6),
            ])
        )
    }

    mutating func answersAll() {
        answers { request in
            switch request {
            case .showTicket: .past
            case .listEvents: .story
            default: nil
            }
        }
    }
}
