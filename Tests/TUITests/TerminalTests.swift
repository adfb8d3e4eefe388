import Foundation
import Glibc
import Sanitizers
import Testing

@testable import IPC
@testable import TUI

/// The real program in a real terminal, on the real server with a made-up daemon behind it.
@Suite(.serialized, .enabled(if: Tmux.isInstalled, "tmux is not installed"))
struct TerminalTests {
    private let directory: TemporaryDirectory
    private let daemon: FakeDaemon

    init() throws {
        directory = try TemporaryDirectory()
        let hostile = "Title \u{1B}]0;owned\u{07}\u{1B}[2J\u{1B}[31m\u{202E}\u{9B}5mend 日本語 👩‍💻|"
        daemon = try FakeDaemon(
            in: directory,
            tickets: [
                ticket("T-1", "Add avatar upload", "running") {
                    $0.agent = "agent-1"
                    $0.stage = "work"
                    $0.run = "T-1.1"
                },
                ticket("T-2", "Fix the login redirect", "awaiting_approval"),
                ticket("T-3", hostile, "queued"),
            ],
            agents: [agent("agent-1", on: "T-1"), agent("agent-2")]
        )
    }

    private func begin(columns: Int = 100, rows: Int = 24, with prefix: String = "") async throws -> Tmux {
        let terminal = try Tmux(columns: columns, rows: rows, in: directory)
        try terminal.type("\(prefix) TERM=tmux-256color \(Tmux.probe) \(daemon.path); echo status=$?")
        try await terminal.waits(for: "T-2")
        return terminal
    }

    /// After the dashboard: the shell's own screen, and a terminal that echoes.
    private func expectSaneTerminal(_ terminal: Tmux, status: Int) async throws {
        try await terminal.waits(for: "status=\(status)")
        #expect(try !terminal.isAlternateScreen)
        try terminal.type("clear; stty -a; echo done")
        let modes = try await terminal.waits(for: "\ndone")
        for mode in [" echo ", " icanon ", " isig ", " icrnl ", " opost "] {
            #expect(modes.replacing("\n", with: " ").contains(mode), "\(mode)")
        }
    }

    @Test func aTicketIsApprovedOneIsStoppedAndTheTerminalIsGivenBack() async throws {
        let terminal = try await begin()
        var screen = try terminal.screen()
        #expect(try terminal.isAlternateScreen)
        #expect(screen.contains("─ Tickets 3 ──"))
        #expect(screen.contains("┬─ Agents 1/2 ──"))
        #expect(screen.contains(" ○ queued    T-3 Title end 日本語 👩|"))
        try terminal.press("c")
        try await terminal.waits(for: "T-2 approved: now landing")
        try terminal.press("Tab", "s")
        screen = try await terminal.waits(for: "T-1 is stopped")
        #expect(screen.contains(" ■ stopped   T-1 Add avatar upload"))
        #expect(daemon.requests.filter { $0.hasPrefix("ticket") } == ["ticket.continue T-2", "ticket.stop T-1"])
        // Reverse video on the selected row, yellow for what is stopped.
        let styled = try terminal.styledScreen()
        #expect(styled.contains("\u{1B}[33m"))
        #expect(styled.contains("7m"))
        try terminal.press("q")
        try await terminal.waits(for: "1 agent is working")
        try terminal.press("Escape")
        try await terminal.waits(for: "q quit")
        try terminal.press("q")
        try await terminal.waits(for: "1 agent is working")
        try terminal.press("l")
        try await expectSaneTerminal(terminal, status: 0)
    }

    // MARK: Writing

    @Test func aTicketIsWrittenApprovedSentBackAndCancelled() async throws {
        let terminal = try await begin()
        try terminal.press("n")
        try await terminal.waits(for: "New ticket")
        try terminal.press(bytes: Array("Größe 日本x".utf8))
        try terminal.press("BSpace", "Tab")
        try terminal.press(bytes: Array("\u{1B}[200~first\rsecond q\u{1B}[201~".utf8))
        try await terminal.waits(for: "second q")
        // Ctrl-S is a key, and not what stops a terminal.
        try terminal.press("C-s")
        try await terminal.waits(for: "T-10 is filed")
        try await terminal.waits(for: "○ queued    T-10 Größe 日本 ")
        let filed: JSONValue = ["title": "Größe 日本", "description": "first\nsecond q"]
        #expect(daemon.params(of: "ticket.enqueue") == ["repository": "/srv/site", "tickets": [filed]])
        try terminal.press("x")
        try await terminal.waits(for: "cancel T-10?")
        try terminal.press("y")
        try await terminal.waits(for: "T-10 is cancelled")
        try terminal.press("g", "r")
        try await terminal.waits(for: "What is to change about T-2?")
        try terminal.press("N", "o", "Enter", "k", "C-s")
        try await terminal.waits(for: "T-2 goes back to its agent")
        #expect(daemon.params(of: "ticket.request_changes") == ["ticket": "T-2", "comment": "No\nk"])
        daemon.happens(to: "T-2", "awaiting_approval")
        try await terminal.waits(for: "◆ approval  T-2")
        try terminal.press("a")
        try await terminal.waits(for: "approve T-2:")
        try terminal.press("o", "k", "Enter")
        try await terminal.waits(for: "T-2 approved: now landing")
        #expect(daemon.params(of: "ticket.approve") == ["ticket": "T-2", "comment": "ok"])
    }

    @Test func aTicketIsEditedInTheUsersEditor() async throws {
        let terminal = try await begin(with: #"EDITOR='sed -i -e s/^title:.*/title:\ New/ -e s/Old/Other/'"#)
        try terminal.press("G", "e")
        try await terminal.waits(for: "Old words")
        try terminal.press("C-o")
        try await terminal.waits(for: "Other words")
        try terminal.press("C-s")
        try await terminal.waits(for: "T-3 is changed")
        #expect(
            daemon.params(of: "ticket.edit") == ["ticket": "T-3", "title": "New", "description": "Other words"]
        )
        try await terminal.waits(for: "○ queued    T-3 New ")
    }

    @Test func anEditorThatFailsLeavesTheTextAsItWas() async throws {
        let terminal = try await begin(with: "EDITOR=false")
        try terminal.press("r")
        try await terminal.waits(for: "What is to change")
        try terminal.press("w", "o", "r", "d", "C-o")
        let screen = try await terminal.waits(for: "false ended with 1: the text is as it was")
        #expect(screen.contains("│ word "))
    }

    @Test func aShellIsOpenedInTheWorktreeOfATicket() async throws {
        daemon.happens(["tickets": ["T-2": ["worktree": .string(directory.path)]]])
        let terminal = try await begin(with: "SHELL=/bin/sh")
        try terminal.press("o")
        try await terminal.waits(for: "is the worktree of T-2; exit leads back")
        try terminal.type("pwd > where; exit")
        try await terminal.waits(for: "Tickets 3")
        #expect(try String(contentsOfFile: directory.path + "/where", encoding: .utf8) == directory.path + "\n")
        #expect(try terminal.isAlternateScreen)
        try terminal.press("G", "o")
        try await terminal.waits(for: "T-3 has no worktree yet")
    }

    @Test func aTicketsIdIsCopied() async throws {
        let terminal = try await begin()
        try terminal.set("set-clipboard", to: "on")
        try terminal.press("y")
        try await terminal.waits(for: "copied T-2")
        #expect(try terminal.copied() == "T-2")
    }

    // MARK: The screen

    @Test func itFitsEverySizeItIsGiven() async throws {
        let terminal = try await begin()
        for (columns, rows) in [(40, 10), (200, 60), (79, 24), (400, 100), (40, 10)] {
            try terminal.resize(columns: columns, rows: rows)
            // The connection's word is the last one of the last row.
            let screen = try await terminal.waits(for: "live\n") { screen in
                let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
                guard lines.count > rows - 1, lines[rows - 1].hasSuffix("live") else { return false }
                return Text(String(lines[rows - 1])).width == columns - 1
            }
            #expect(screen.contains("Tickets 3"))
            #expect(screen.contains("Agents 1/2"))
            #expect(screen.contains("日本語"))
        }
        try terminal.resize(columns: 39, rows: 9)
        try await terminal.waits(for: "terminal too small")
        try terminal.resize(columns: 80, rows: 24)
        try await terminal.waits(for: "Tickets 3")
    }

    @Test func aTranscriptFollowsWhatTheAgentPrints() async throws {
        daemon.prints("first line\n\u{1B}[2J\u{1B}[Hhostile\u{07}\n", run: "T-1.1", ticket: "T-1")
        let terminal = try await begin()
        try terminal.press("j", "Enter")
        try await terminal.waits(for: "hostile")
        for number in 0..<50 { daemon.prints("line \(number)\n", run: "T-1.1", ticket: "T-1") }
        try await terminal.waits(for: "line 49")
        try terminal.press("g")
        let screen = try await terminal.waits(for: "first line")
        #expect(screen.contains(" hostile␇"))
        try terminal.press("Escape")
        try await terminal.waits(for: "Tickets 3")
    }

    @Test func aDaemonThatGoesAwayIsSaidAndFoundAgain() async throws {
        let terminal = try await begin()
        daemon.stop()
        var screen = try await terminal.waits(for: "daemon gone")
        #expect(screen.contains("Fix the login redirect"))
        daemon.happens(to: "T-2", "stopped")
        try daemon.start()
        screen = try await terminal.waits(for: "the daemon is back")
        // What happened meanwhile is replayed.
        try await terminal.waits(for: "■ stopped   T-2")
        daemon.happens(to: "T-2", "merged")
        try await terminal.waits(for: "✓ merged    T-2")
    }

    @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGSEGV, 139), (SIGILL, 132), (SIGABRT, 134)])
    func killedOrCrashedItGivesTheTerminalBack(_ signal: Int32, _ status: Int) async throws {
        let terminal = try await begin(with: Sanitizers.crashesAreMeant)
        #expect(kill(try terminal.child(), signal) == 0)
        try await expectSaneTerminal(terminal, status: status)
    }

    @Test(
        .disabled(
            if: Sanitizers.areThreadsWatched,
            "it crashes in a signal's handler, in which the thread sanitizer lets no further signal come"
        )
    )
    func aMistakeInSwiftCodeGivesTheTerminalBackAndIsReported() async throws {
        let terminal = try await begin(columns: 100, rows: 120)
        #expect(kill(try terminal.child(), SIGUSR1) == 0)
        let screen = try await terminal.waits(for: "status=13")
        #expect(screen.contains("orch tui crashed; the daemon and its agents are not affected"))
        #expect(screen.contains("asked to crash"))
        #expect(screen.contains("status=132") || screen.contains("status=133"))
        try terminal.type("clear; stty -a; echo done")
        #expect(try await terminal.waits(for: "\ndone").contains(" echo "))
    }

    @Test func theMouseWorks() async throws {
        let terminal = try await begin()
        func report(_ button: UInt8, x: UInt8, y: UInt8) -> [UInt8] { [0x1B, 0x5B, 0x4D, 32 + button, 33 + x, 33 + y] }
        func click(x: UInt8, y: UInt8) -> [UInt8] { report(0, x: x, y: y) + report(3, x: x, y: y) }
        try terminal.press(bytes: click(x: 10, y: 4))
        try await terminal.waits(for: "─ T-1 ─")
        // The wheel, where there is nothing to scroll, takes nothing along.
        try terminal.press(bytes: report(64, x: 10, y: 4))
        try terminal.press(bytes: click(x: 80, y: 2))
        try await terminal.waits(for: "─ agent-2 ─")
    }

    @Test func whatIsPastedIsNotTakenForKeys() async throws {
        let terminal = try await begin()
        try terminal.press(bytes: Array("\u{1B}[200~sscq\u{1B}[201~j".utf8))
        try await terminal.waits(for: "─ T-1 ─")
        #expect(daemon.requests == ["snapshot", "agent.list"])
    }

    @Test func itCanBeSuspendedAndContinued() async throws {
        let terminal = try await begin()
        try terminal.press("C-z")
        try await terminal.waits(for: "Stopped")
        #expect(try !terminal.isAlternateScreen)
        try terminal.type("stty -a; echo done")
        try await terminal.waits(for: " echo ")
        try terminal.resize(columns: 90, rows: 20)
        try terminal.type("clear; fg")
        try await terminal.waits(for: "Tickets 3")
        #expect(try terminal.isAlternateScreen)
        try terminal.press("G")
        try await terminal.waits(for: "─ T-3 ─")
    }

    @Test func aTerminalThatGoesAwayEndsIt() async throws {
        let terminal = try await begin()
        let child = try terminal.child()
        try terminal.hangUp()
        let deadline = ContinuousClock.now + .seconds(30)
        while kill(child, 0) == 0, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        #expect(kill(child, 0) == -1)
    }

    @Test func withoutColourAndWithoutUnicodeItIsReadable() async throws {
        let terminal = try await begin(with: "NO_COLOR=1 ORCH_ASCII=1")
        #expect(try terminal.screen().contains("? approval  T-2 Fix the login redirect"))
        let styled = try terminal.styledScreen()
        for colour in 30...37 { #expect(!styled.contains("[\(colour)m")) }
        #expect(styled.contains("\u{1B}[7m") || styled.contains(";7m"))
    }

    @Test(arguments: ["LANG=C LC_ALL=C", "LC_ALL=no_SUCH.locale", "LC_ALL=C.UTF-8"])
    func theLocaleDoesNotMatter(_ locale: String) async throws {
        let terminal = try await begin(with: locale)
        #expect(try terminal.screen().contains("◆ approval  T-2"))
        #expect(try terminal.screen().contains("日本語"))
    }

    @Test func whereItCannotBeShownItSaysWhy() async throws {
        let environment = ["PATH": "/usr/bin:/bin", "TERM": "xterm-256color"]
        let piped = try runProgram(Tmux.probe, [daemon.path], environment: environment)
        #expect(piped.code == 2)
        #expect(piped.output.hasPrefix("orch: the dashboard needs a terminal on standard input and output\nhint: "))
        let terminal = try Tmux(columns: 100, rows: 24, in: directory)
        for name in ["dumb", "no-such-terminal", ""] {
            try terminal.type("clear; TERM=\(name) \(Tmux.probe) \(daemon.path); echo status=$?")
            let screen = try await terminal.waits(for: "status=2")
            #expect(screen.contains("orch: the terminal named by TERM"))
        }
        try terminal.type("clear; \(Tmux.probe) \(directory.path)/none.sock; echo status=$?")
        let screen = try await terminal.waits(for: "status=3")
        #expect(screen.contains("no daemon is listening"))
        #expect(screen.contains("hint: start one with: orch daemon"))
    }
}
