import Foundation
import Testing

/// A real terminal with a shell of the user's in it: a tmux server of the world's own.
final class DashboardTerminal {
    static let tmux = ["/usr/bin/tmux", "/usr/local/bin/tmux", "/bin/tmux"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    private let environment: [String: String]

    /// Gives `body` a terminal in `world`; nothing of it is alive afterwards.
    static func run(in world: World, columns: Int = 110, rows: Int = 30, _ body: (DashboardTerminal) throws -> Void)
        throws
    {
        let terminal = DashboardTerminal(world)
        defer { _ = try? terminal.ask("kill-server") }
        let shell = "exec env PS1='> ' bash --norc --noprofile"
        try terminal.ask("new-session", "-d", "-x", "110", "-y", "30", shell)
        try body(terminal)
    }

    private init(_ world: World) {
        environment = world.environment.merging(
            ["TMUX_TMPDIR": world.folder, "LANG": "C.UTF-8", "TERM": "xterm-256color", "SHELL": "/bin/sh"]
        ) { $1 }
    }

    @discardableResult
    private func ask(_ arguments: String...) throws -> String {
        let call = command(arguments)
        let end = try EndToEndTests.run(call, environment: environment)
        guard end.code == 0 else { throw Failure("\(call): \(end.output)\(end.error)") }
        return end.output
    }

    private func command(_ arguments: [String]) -> [String] {
        [Self.tmux ?? "tmux", "-L", "orch", "-f", "/dev/null"] + arguments
    }

    /// Types a line into the shell, which says `status=…` when it has been done.
    func type(_ line: String) throws {
        try ask("send-keys", "-l", "clear; \(line); echo status=$?")
        try ask("send-keys", "Enter")
    }

    func press(_ keys: String...) throws { for key in keys { try ask("send-keys", key) } }

    func write(_ text: String) throws { try ask("send-keys", "-l", text) }

    func screen() throws -> String { try ask("capture-pane", "-p") }

    /// Waits until the screen shows `text`; the screen then.
    @discardableResult
    func wait(for text: String) throws -> String {
        var screen = ""
        do {
            try poll(for: "`\(text)` on the screen") {
                screen = try self.screen()
                return screen.contains(text)
            }
        } catch { throw Failure("\(error):\n\(screen)") }
        return screen
    }

    /// Starts a series of resizes, the last of which leaves it with this size.
    func resizeAgainAndAgain(to columns: Int, _ rows: Int, times: Int) throws -> Child {
        let sizes = (1..<times).map { (20 + $0 * 37 % 180, 4 + $0 * 13 % 50) } + [(columns, rows)]
        let calls = sizes.map { command(["resize-window", "-x", "\($0.0)", "-y", "\($0.1)"]).joined(separator: " ") }
        return try Child(["/bin/sh", "-c", calls.joined(separator: "\n")], environment: environment)
    }

    /// What the shell runs now.
    func program() throws -> pid_t {
        let shell = try ask("display-message", "-p", "#{pane_pid}").split(separator: "\n")[0]
        let children = try String(contentsOfFile: "/proc/\(shell)/task/\(shell)/children", encoding: .utf8)
        return try #require(children.split(separator: " ").first.flatMap { pid_t($0) }, "the shell runs nothing")
    }

    /// The shell has its own screen again, a terminal that echoes, its cursor and its pointer.
    func expectGivenBack(status: Int) throws {
        try wait(for: "status=\(status)")
        #expect(try ask("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}") == "0 1 0\n")
        try type("stty -a")
        let modes = try wait(for: "iexten").replacing("\n", with: " ")
        for mode in [" echo ", " icanon ", " isig ", " iexten ", " icrnl ", " opost ", " ixon "] {
            #expect(modes.contains(mode), "\(mode) is not among \(modes)")
        }
    }
}
