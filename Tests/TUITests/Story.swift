import Foundation

@testable import IPC
@testable import TUI

/// A dashboard without a terminal: what happens to it goes in, its picture and its commands come out.
struct Story {
    var model: Model
    var now: Moment
    private(set) var commands: [Command] = []

    static let start = Moment("2026-11-20T12:00:00.000Z")!

    init(columns: Int = 80, rows: Int = 24, glyphs: Glyphs = .unicode, now: Moment = Story.start) {
        self.now = now
        model = Model(size: Size(columns: columns, rows: rows), now: now, glyphs: glyphs)
    }

    mutating func happens(_ input: Input) { commands += update(&model, input, at: now) }

    /// Keys by name, separated by spaces: `j Enter Esc Ctrl-D`.
    mutating func press(_ keys: String) {
        for name in keys.split(separator: " ") { happens(.key(Key(named: String(name)))) }
    }

    mutating func type(_ text: String) {
        for scalar in text.unicodeScalars { happens(.key(scalar == "\n" ? .enter : .character(scalar))) }
    }

    mutating func paste(_ text: String) {
        happens(.pasteBegan)
        for scalar in text.unicodeScalars { happens(.key(.character(scalar))) }
        happens(.pasteEnded)
    }

    /// The commands since the last call.
    mutating func taken() -> [Command] {
        defer { commands = [] }
        return commands
    }

    var picture: String { view(model).picture }

    /// Some rows of the picture.
    func rows(_ range: ClosedRange<Int>) -> String {
        picture.split(separator: "\n", omittingEmptySubsequences: false)[range].joined(separator: "\n")
    }

    func row(_ y: Int) -> String { rows(y...y) }

    /// The last two rows: keys or message, and counts.
    var statusBar: String { rows(model.size.rows - 2...model.size.rows - 1) }
}

extension Key {
    /// `Enter`, `Ctrl-D`, `Alt-b`, or a character.
    init(named name: String) {
        let last = name.lowercased().unicodeScalars.last!
        self =
            switch name {
            case "Enter": .enter
            case "Esc": .escape
            case "Tab": .tab
            case "S-Tab": .backTab
            case "Up": .up
            case "Down": .down
            case "Left": .left
            case "Right": .right
            case "Home": .home
            case "End": .end
            case "PgUp": .pageUp
            case "PgDn": .pageDown
            case "BS": .backspace
            case "Del": .delete
            case "C-Left": .controlLeft
            case "C-Right": .controlRight
            case "Alt-BS": .alt("\u{7F}")
            case _ where name.hasPrefix("Ctrl-"): .control(last)
            case _ where name.hasPrefix("Alt-"): .alt(last)
            default: .character(name.unicodeScalars.first!)
            }
    }
}

/// `minutes` before the story's start, as rows carry it.
func ago(_ minutes: Int64) -> String {
    let seconds = 43200 - minutes * 60
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let day = seconds >= 0 ? 20 : 19
    let clock = seconds >= 0 ? seconds : seconds + 86400
    return "2026-11-\(day)T\(two(clock / 3600)):\(two(clock / 60 % 60)):\(two(clock % 60)).000Z"
}

func ticket(
    _ id: String,
    _ title: String = "A title",
    _ state: String,
    minutes: Int64 = 5,
    priority: Int = 0,
    _ change: (inout TicketRow) -> Void = { _ in }
) -> TicketRow {
    var row = TicketRow(
        id: id,
        title: title,
        repository: "r1",
        state: state,
        reason: nil,
        stage: nil,
        agent: nil,
        profile: "claude",
        priority: priority,
        locks: [],
        depends_on: [],
        branch: nil,
        worktree: nil,
        commit: nil,
        attempts: 1,
        run: nil,
        since: ago(minutes),
        created: ago(600),
        evidence: nil
    )
    change(&row)
    return row
}

func agent(_ id: String, on ticket: String? = nil, minutes: Int64 = 5) -> AgentRow {
    AgentRow(
        id: id,
        state: ticket == nil ? "idle" : "working",
        ticket: ticket,
        profile: ticket == nil ? nil : "claude",
        run: ticket.map { "\($0).1" },
        since: ago(minutes)
    )
}

extension Answer {
    /// What commands on a ticket are answered with.
    static func ticket(state: String) -> Answer { .result(["ticket": ["state": .string(state)]]) }

    static func standstill(isHalted: Bool, tickets: Int) -> Answer {
        .result([
            "halted": isHalted ? ["reason": ""] : .null, "tickets": .array((0..<tickets).map { .string("T-\($0)") }),
        ])
    }

    static func output(_ bytes: [UInt8], offset: Int, size: Int) -> Answer {
        .result([
            "base64": .string(Data(bytes).base64EncodedString()), "offset": JSONValue(offset), "size": JSONValue(size),
            "eof": false,
        ])
    }
}

extension Input {
    /// A picture of these tickets, as tests write them.
    static func snapshot(tickets: [TicketRow], agents: [AgentRow], waiting: [String: String]) -> Input {
        .snapshot(tickets: tickets.byID, agents: agents, waiting: waiting)
    }
}

extension [TicketRow] {
    var byID: [String: TicketRow] { Dictionary(uniqueKeysWithValues: map { ($0.id, $0) }) }
}

extension Story {
    /// A small day's work: one ticket in each state that matters.
    static func aDay(columns: Int = 80, rows: Int = 24, glyphs: Glyphs = .unicode) -> Story {
        var story = Story(columns: columns, rows: rows, glyphs: glyphs)
        story.happens(
            .snapshot(
                tickets: [
                    ticket("T-1", "Add avatar upload", "running", minutes: 3, priority: 2) {
                        $0.stage = "work"
                        $0.agent = "agent-1"
                        $0.run = "T-1.1"
                        $0.locks = ["src/avatar/**"]
                        $0.branch = "agent-1/T-1-avatar-upload"
                    },
                    ticket("T-2", "Fix the login redirect", "awaiting_approval", minutes: 12) {
                        $0.stage = "approve"
                        $0.run = "T-2.2"
                        $0.reason = "verified: test, smoke"
                    },
                    ticket("T-3", "Migrate the database to WAL", "needs_human_review", minutes: 44) {
                        $0.stage = "verify"
                        $0.run = "T-3.4"
                        $0.attempts = 3
                        $0.reason = "verifier test failed 3 times with the same message: expected 3 but found 4"
                    },
                    ticket("T-4", "Rework the navigation bar", "queued", priority: 5),
                    ticket("T-5", "Explain how to install", "queued"),
                    ticket("T-6", "Speed up the search index", "landing", minutes: 0) { $0.run = "T-6.3" },
                    ticket("T-7", "Try the new allocator", "stopped", minutes: 125) { $0.run = "T-7.1" },
                    ticket("T-8", "Upgrade dependencies", "merged", minutes: 800) { $0.commit = "0123456789abcdef" },
                    ticket("T-9", "Write a poem", "cancelled", minutes: 300),
                ],
                agents: [agent("agent-2"), agent("agent-1", on: "T-1", minutes: 9), agent("agent-10")],
                waiting: ["T-5": "waits for lock src/** of T-1"]
            )
        )
        return story
    }
}

/// A row as it travels.
func json(_ row: some Encodable) -> JSONValue {
    guard let value = try? JSONValue(encoding: row) else { preconditionFailure("rows can be encoded") }
    return value
}
