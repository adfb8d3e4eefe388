import CTerm
import Foundation
import Glibc
import Testing

@testable import TUI

/// What the terminal reports, shows and lends, in a real one.
@Suite(.serialized, .enabled(if: Tmux.isInstalled, "tmux is not installed"))
struct WorkbenchTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func begin(_ variables: String = "", term: String = "xterm-256color", rows: Int = 40) async throws -> Tmux {
        let terminal = try Tmux(columns: 100, rows: rows, in: directory)
        try terminal.type("stty -a > \(directory.path)/before; \(variables) TERM=\(term) \(Tmux.probe) --workbench")
        try await terminal.waits(for: "the last row")
        return terminal
    }

    private func end(_ terminal: Tmux, status: Int = 0) async throws {
        try terminal.press("q")
        try await expectGivenBack(terminal, status: status)
    }

    /// Every mode is what it was.
    private func expectGivenBack(_ terminal: Tmux, status: Int) async throws {
        try await terminal.waits(for: ">") { !$0.contains("the last row") }
        try terminal.type("echo status=$?")
        try await terminal.waits(for: "status=\(status)")
        try terminal.type("clear; stty -a > \(directory.path)/after; echo done")
        try await terminal.waits(for: "done\n>")
        #expect(try read("after") == read("before"))
        #expect(try !terminal.isAlternateScreen)
        #expect(try terminal.value(of: "mouse_any_flag") == "0")
        #expect(try terminal.value(of: "cursor_flag") == "1")
        #expect(try terminal.value(of: "keypad_flag") == "0")
        #expect(try terminal.value(of: "keypad_cursor_flag") == "0")
    }

    private func read(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(directory.path)/\(name)")), as: UTF8.self)
    }

    /// The inputs it lists.
    private func words(_ screen: String) -> [Substring] {
        screen.split(separator: "\n").dropFirst().compactMap { line in
            let word = line.prefix(39).split(separator: "  ").first
            return line.hasPrefix(" ") || line == "the last row" ? nil : word
        }
    }

    // MARK: Input

    @Test(arguments: ["xterm-256color", "tmux-256color", "xterm"])
    func everyKeyHasItsName(_ term: String) async throws {
        let terminal = try await begin(term: term)
        for number in 1...12 {
            try terminal.press("F\(number)")
            try await terminal.waits(for: "function(\(number))")
        }
        for (key, name) in [
            ("M-x", "alt(\"x\")"), ("C-Left", "controlLeft"), ("C-Right", "controlRight"), ("C-Up", "controlUp"),
            ("C-Down", "controlDown"), ("BTab", "backTab"), ("IC", "insert"), ("DC", "delete"), ("Escape", "escape"),
            ("é", "character(\"\\u{00E9}\")"), ("C-d", "control(\"d\")"),
        ] {
            try terminal.press(key)
            try await terminal.waits(for: name)
        }
        // Whether the window has the focus is nobody's business.
        try terminal.press(bytes: Array("\u{1B}[Oz\u{1B}[Ix".utf8))
        let screen = try await terminal.waits(for: "character(\"x\")")
        #expect(words(screen).suffix(3) == ["control(\"d\")", "character(\"z\")", "character(\"x\")"])
        try await end(terminal)
    }

    @Test func theMouseIsSeenWhereverItIs() async throws {
        let terminal = try await begin()
        try terminal.press(bytes: Array("\u{1B}[<0;301;5M\u{1B}[<32;302;6M\u{1B}[<0;302;6m".utf8))
        try await terminal.waits(for: "release 301,5")
        // A report that arrives in two pieces, and the old form.
        try terminal.press(bytes: Array("\u{1B}[<64;1".utf8))
        try terminal.press(bytes: Array("1;3M\u{1B}[<65;11;3M".utf8))
        try terminal.press(bytes: [0x1B, 0x5B, 0x4D, 32, 33 + 7, 33 + 8, 0x1B, 0x5B, 0x4D, 35, 33 + 7, 33 + 8])
        try terminal.press(bytes: Array("\u{1B}[<0;3;4M\u{1B}[<0;3;4m\u{1B}[<0;3;4M".utf8))
        // No key is made of what is malformed.
        try terminal.press(bytes: Array("\u{1B}[<0;;4Mz".utf8))
        let screen = try await terminal.waits(for: "\"z\"")
        #expect(
            words(screen) == [
                "press 300,4", "drag 301,5", "release 301,5", "wheelUp 10,2", "wheelDown 10,2", "press 7,8",
                "release 7,8",
                "press 2,3", "release 2,3", "doublePress 2,3", "character(\"z\")",
            ]
        )
        #expect(try terminal.value(of: "mouse_button_flag") == "1")
        try terminal.press("m")
        try await terminal.waits(for: "\"m\"")
        #expect(try terminal.value(of: "mouse_any_flag") == "0")
        try terminal.press("M")
        try await terminal.waits(for: "\"M\"")
        #expect(try terminal.value(of: "mouse_button_flag") == "1")
        try await end(terminal)
    }

    @Test func whatIsPastedArrivesAsText() async throws {
        let terminal = try await begin()
        try terminal.press(bytes: Array("\u{1B}[200~q\ré\u{1B}OA\u{1B}[201~z".utf8))
        let screen = try await terminal.waits(for: "\"z\"")
        #expect(
            words(screen) == [
                "pasteBegan", "character(\"q\")", "character(\"\\n\")", "character(\"\\u{00E9}\")", "pasteEnded",
                "character(\"z\")",
            ]
        )
        try await end(terminal)
    }

    // MARK: Output

    @Test(arguments: [
        // What the environment says, the terminal, and how "failed" is written then.
        ("NO_COLOR=1", "xterm-256color", "\u{1B}[1mfailed"),
        ("", "xterm", "\u{1B}[1m\u{1B}[31mfailed"),
        ("ORCH_THEME=dark", "xterm", "\u{1B}[1m\u{1B}[31mfailed"),
        ("ORCH_THEME=dark", "xterm-256color", "\u{1B}[1m\u{1B}[38;5;203mfailed"),
        ("COLORFGBG='15;0'", "xterm-256color", "\u{1B}[1m\u{1B}[38;5;203mfailed"),
        ("COLORFGBG='0;15'", "xterm-256color", "\u{1B}[1m\u{1B}[38;5;160mfailed"),
        ("ORCH_THEME=mono", "xterm-256color", "\u{1B}[1mfailed"),
        ("ORCH_THEME='failed=#105080'", "xterm-256color", "\u{1B}[38;5;24mfailed"),
    ])
    func rolesLookAsTheTerminalCan(_ variables: String, _ term: String, _ expected: String) async throws {
        let terminal = try await begin(variables, term: term)
        #expect(try terminal.styledScreen().contains(expected))
        try await end(terminal)
    }

    @Test(
        .enabled(if: Self.knowsTrueColour, "no terminfo entry of a terminal with any colour is installed"),
        arguments: [("", "xterm-direct"), ("COLORTERM=truecolor", "xterm-256color")]
    )
    func anyColourIsShownWhereTheTerminalCan(_ variables: String, _ term: String) async throws {
        let terminal = try await begin(
            "ORCH_THEME='failed=#123456,match=#000005 on bright-red' \(variables)",
            term: term
        )
        let screen = try terminal.styledScreen()
        #expect(screen.contains("38;2;18;52;86mfailed"))
        #expect(screen.contains("38;2;0;0;8m\u{1B}[48;2;255;0;0mmatch"))
        #expect(screen.contains("\u{1B}[32mdone"))
        try terminal.press("F1", "M-x")
        try await terminal.waits(for: "alt")
        try await end(terminal)
    }

    private static var knowsTrueColour: Bool {
        ["/usr/share/terminfo", "/lib/terminfo", "/etc/terminfo"].contains {
            FileManager.default.fileExists(atPath: "\($0)/x/xterm-direct")
        }
    }

    @Test func aThemeThatCannotBeUnderstoodIsRefused() async throws {
        let terminal = try Tmux(columns: 100, rows: 24, in: directory)
        try terminal.type("ORCH_THEME=darc \(Tmux.probe) --workbench; echo status=$?")
        let screen = try await terminal.waits(for: "status=2")
        #expect(screen.contains("ORCH_THEME: there is no theme named \"darc\"; themes: auto, dark, light, mono;"))
    }

    @Test func aTerminalThatTellsItsBackgroundGetsColoursForIt() async throws {
        let terminal = try Tmux(columns: 100, rows: 40, in: directory)
        try terminal.record(to: "\(directory.path)/bytes")
        try terminal.type("stty -a > \(directory.path)/before; TERM=xterm-256color \(Tmux.probe) --workbench")
        try await terminal.waits(for: "the last row")
        #expect(try read("bytes").contains("\u{1B}]11;?\u{1B}\\"))
        #expect(try terminal.styledScreen().contains("\u{1B}[31mfailed"))
        // The answer comes among the keys of somebody in a hurry.
        try terminal.press(bytes: Array("a\u{1B}]11;rgb:ffff/ffff/dddd\u{1B}\\b".utf8))
        var screen = try await terminal.waits(for: "\"b\"")
        #expect(words(screen) == ["character(\"a\")", "recoloured", "character(\"b\")"])
        #expect(try terminal.styledScreen().contains("\u{1B}[38;5;160mfailed"))
        try terminal.press(bytes: Array("\u{1B}]11;rgb:00/00/00\u{7}c".utf8))
        screen = try await terminal.waits(for: "\"c\"")
        #expect(try terminal.styledScreen().contains("\u{1B}[38;5;203mfailed"))
        try terminal.press(bytes: Array("\u{1B}]11;nonsense\u{7}d".utf8))
        screen = try await terminal.waits(for: "\"d\"")
        #expect(!screen.contains("nonsense") && screen.contains("character(\"c\")"))
        try await end(terminal)
    }

    // MARK: Beyond the screen

    @Test func whatIsCopiedIsOnTheClipboard() async throws {
        let terminal = try await begin()
        try terminal.set("set-clipboard", to: "on")
        try terminal.press("y")
        try await terminal.waits(for: "copy: sent")
        let deadline = ContinuousClock.now + .seconds(30)
        while (try? terminal.copied()) != "what is copied é", ContinuousClock.now < deadline { await Task.yield() }
        #expect(try terminal.copied() == "what is copied é")
        try terminal.press("Y")
        try await terminal.waits(for: "copy: tooLong")
        try await end(terminal)
    }

    @Test func aTerminalThatWouldDrawItIsNotSentIt() async throws {
        let terminal = try await begin(term: "linux")
        try terminal.press("y", "n")
        try await terminal.waits(for: "copy: notPossible")
        #expect(try terminal.value(of: "mouse_any_flag") == "0")
        try await end(terminal)
    }

    @Test func theBellRingsAndTheDesktopIsTold() async throws {
        let terminal = try await begin()
        try terminal.record(to: "\(directory.path)/bytes")
        try terminal.press("b", "n", "z")
        try await terminal.waits(for: "\"z\"")
        let bytes = try read("bytes")
        #expect(bytes.contains("\u{7}"))
        // Nothing of the text ends the control string early.
        #expect(bytes.contains("\u{1B}]9;orch: ticket␇ done\u{7}"))
        try await end(terminal)
    }

    // MARK: Lending

    /// An editor that says what it was given, draws over everything and waits for a key.
    private func editor() throws -> String {
        let path = "\(directory.path)/editor"
        let script = """
            #!/bin/bash
            { echo "arguments: $*"; echo "folder: $PWD"; stty -a
              ps -o pgid=,tpgid=,pid= -p $$ | while read group foreground own; do
                  [ $group = $foreground ] && echo foreground; done
              grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd; } > \(directory.path)/told
            clear; for row in $(seq 30); do echo "EDITOR $row"; done
            read -n 1 key; [ $key = k ] && kill -KILL $$
            exit 3
            """
        try Data(script.utf8).write(to: URL(filePath: path))
        chmod(path, 0o755)
        return path
    }

    @Test func anEditorHasTheTerminalForItself() async throws {
        let terminal = try await begin("EDITOR='\(try editor()) --wait'")
        try terminal.press("e")
        try await terminal.waits(for: "EDITOR 30")
        #expect(try !terminal.isAlternateScreen)
        #expect(try terminal.value(of: "mouse_any_flag") == "0")
        let told = try read("told")
        #expect(told.contains("arguments: --wait a file\nfolder: /usr\n"))
        #expect(told.contains("\nforeground\n"))
        // libc keeps two signals for itself, and has them ignored in what it starts. The last descriptor is that of `ls`.
        #expect(told.contains(/SigBlk:\t0{16}\nSigIgn:\t0{7}(0{9}|180000000)\n0\n1\n2\n3\n$/))
        #expect(told.contains(try read("before")))
        try terminal.press("x")
        var screen = try await terminal.waits(for: "editor: exited(3)")
        #expect(screen.contains("the last row") && !screen.contains("EDITOR"))
        #expect(try terminal.isAlternateScreen)
        #expect(try terminal.value(of: "mouse_button_flag") == "1")
        #expect(try terminal.value(of: "cursor_flag") == "0")
        try terminal.press("e")
        try await terminal.waits(for: "EDITOR 30")
        // A size that changes meanwhile is the dashboard's, too.
        try terminal.resize(columns: 90, rows: 30)
        try terminal.press("k")
        screen = try await terminal.waits(for: "editor: exited(137)")
        try await terminal.waits(for: "workbench 90x30")
        try terminal.press("E")
        screen = try await terminal.waits(for: "editor: notStarted(errno: 2)")
        #expect(screen.contains("the last row"))
        try terminal.press("F5")
        try await terminal.waits(for: "function(5)")
        try terminal.press("q")
        try await terminal.waits(for: ">") { !$0.contains("the last row") }
        #expect(try !terminal.isAlternateScreen)
    }

    @Test func anEditorThatIsStoppedStopsTheDashboardWithIt() async throws {
        let terminal = try await begin("EDITOR=\(try editor())")
        try terminal.press("e")
        try await terminal.waits(for: "EDITOR 30")
        try terminal.press("C-z")
        try await terminal.waits(for: "Stopped")
        #expect(try !terminal.isAlternateScreen)
        try terminal.type("clear; echo here")
        try await terminal.waits(for: "here\n>")
        try terminal.type("fg")
        try await terminal.waits(for: "--workbench\n")
        // The shell's modes are those of whole lines, and the script does not ask for others again.
        try terminal.press("x", "Enter")
        try await terminal.waits(for: "editor: exited(3)")
        try terminal.press("F5")
        try await terminal.waits(for: "function(5)")
        try await end(terminal)
    }

    @Test func anEditorIsHungUpWhenTheDashboardIsEnded() async throws {
        let terminal = try await begin("EDITOR=\(try editor())")
        let dashboard = try terminal.child()
        try terminal.press("e")
        try await terminal.waits(for: "EDITOR 30")
        let children = try runProgram("/bin/cat", ["/proc/\(dashboard)/task/\(dashboard)/children"], environment: [:])
            .output
        let editor = try #require(pid_t(children.split(separator: " ").first ?? ""))
        let end = try EndOfProcess(editor)
        #expect(kill(dashboard, SIGTERM) == 0)
        try await terminal.waits(for: "Terminated")
        try await expectGivenBack(terminal, status: 143)
        #expect(await end.comes())
    }

    // MARK: Giving back

    @Test(arguments: [(SIGTERM, 143), (SIGHUP, 129), (SIGINT, 130), (SIGQUIT, 131)])
    func everyModeIsAsItWas(_ signal: Int32, _ status: Int) async throws {
        let terminal = try await begin()
        #expect(kill(try terminal.child(), signal) == 0)
        try await expectGivenBack(terminal, status: status)
    }

    @Test func afterAStormOfResizesThePictureIsWhole() async throws {
        let terminal = try await begin()
        for round in 0..<15 {
            try terminal.resize(columns: 40 + 11 * (round % 7), rows: 10 + 5 * (round % 5))
        }
        try terminal.resize(columns: 100, rows: 40)
        try await terminal.waits(for: "workbench 100x40") { $0.contains("the last row") && $0.contains("match") }
        try await end(terminal)
    }

    /// The other end is closed, and nobody is told: reading fails, and that is enough.
    @Test func aTerminalThatIsGoneWithoutAWordEndsIt() async throws {
        let terminal = try Tmux(columns: 100, rows: 24, in: directory)
        try terminal.type("trap '' HUP; TERM=xterm-256color \(Tmux.probe) --workbench")
        try await terminal.waits(for: "the last row")
        let end = try EndOfProcess(terminal.child())
        try terminal.hangUp()
        #expect(await end.comes())
    }
}
