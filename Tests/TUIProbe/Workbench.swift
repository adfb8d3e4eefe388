import Glibc

@testable import TUI

/// The terminal by itself: every input in words, every role in its colours, and a key for everything else it can do.
struct Workbench: ~Copyable {
    private var terminal: Terminal
    private var lines: [String] = []
    private var hasQuit = false
    private var isPasting = false
    private let environment: [String: String]

    static func run(environment: [String: String]) -> Int32 {
        do throws(Terminal.Refusal) {
            var workbench = Workbench(terminal: try Terminal.begin(environment: environment), environment: environment)
            workbench.run()
            return 0
        } catch {
            print("refused: \(error.message); \(error.hint)")
            return 2
        }
    }

    private init(terminal: Terminal, environment: [String: String]) {
        self.terminal = terminal
        self.environment = environment
    }

    private mutating func run() {
        while !hasQuit {
            draw()
            var descriptors = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: terminal.signalDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&descriptors, 2, -1)
            if descriptors[1].revents != 0 { _ = terminal.takeSignals() }
            if descriptors[0].revents & Int16(POLLHUP) != 0 { hasQuit = true }
            for event in terminal.events() { take(event) }
        }
        terminal.end()
    }

    private mutating func take(_ event: Terminal.Event) {
        switch event {
        case .lost: hasQuit = true
        case .recoloured: lines.append("recoloured")
        case .input(.key(let key)):
            lines.append("\(key)")
            if !isPasting, case .character(let character) = key { act(on: character) }
        case .input(.mouse(let mouse)): lines.append("\(mouse.kind) \(mouse.x),\(mouse.y)")
        case .input(.pasteBegan):
            isPasting = true
            lines.append("pasteBegan")
        case .input(.pasteEnded):
            isPasting = false
            lines.append("pasteEnded")
        case .input: lines.append("something else")
        }
    }

    private mutating func act(on key: Unicode.Scalar) {
        switch key {
        case "q": hasQuit = true
        case "y": lines.append("copy: \(terminal.copy(Array("what is copied é".utf8)))")
        case "Y": lines.append("copy: \(terminal.copy([UInt8](repeating: 65, count: Terminal.copyLimit + 1)))")
        case "b": terminal.bell()
        case "n": terminal.notify("ticket\u{7}\u{1B}]0;x\u{7} done")
        case "m": terminal.reportMouse(false)
        case "M": terminal.reportMouse(true)
        case "e":
            let editor = Borrower.command(
                environment["EDITOR"] ?? "vi",
                ["a file"],
                environment: environment,
                directory: "/usr"
            )
            lines.append("editor: \(terminal.lend(to: editor))")
        case "E":
            let nothing = Borrower(program: "no-such-program", arguments: [], environment: environment, directory: nil)
            lines.append("editor: \(terminal.lend(to: nothing))")
        default: break
        }
    }

    private mutating func draw() {
        var screen = Screen(size: terminal.size)
        screen.put(Text("workbench \(terminal.size.columns)x\(terminal.size.rows)"), x: 0, y: 0, style: .title)
        for (y, role) in Style.Role.allCases.enumerated() {
            screen.put(Text("\(role)"), x: 40, y: y, style: Style(role: role))
        }
        for (y, line) in lines.suffix(max(0, terminal.size.rows - 2)).enumerated() {
            screen.put(Text(line), x: 0, y: y + 1, columns: 39, style: .plain)
        }
        screen.put(Text("the last row"), x: 0, y: terminal.size.rows - 1, style: .dim)
        terminal.show(screen)
    }
}
