import Glibc

@testable import TUI

/// Draws pictures of hostile text, one for every key, and says on another descriptor what it has drawn: what a terminal
/// has to show then, cell by cell.
struct Pictures {
    private var terminal: Terminal
    private var chance: Chance
    private var screen: Screen
    private var witness: Witness

    /// `file` lists characters that are never drawn, in hexadecimal, one to a line.
    static func run(
        seed: UInt64,
        to descriptor: Int32,
        withoutThoseIn file: String,
        environment: [String: String]
    ) -> Int32 {
        var excluded: Set<UInt32> = []
        if let stream = fopen(file, "r") {
            while let line = readLine(of: stream) { UInt32(line, radix: 16).map { _ = excluded.insert($0) } }
            fclose(stream)
        }
        // What is reduced to something else before it is drawn may come.
        excluded = excluded.filter { value in
            guard let scalar = Unicode.Scalar(value) else { return true }
            return Text("a\(scalar)").clusters.contains { cluster in
                (0..<cluster.count).contains { cluster.scalars[$0] == value }
            }
        }
        do throws(Terminal.Refusal) {
            let terminal = try Terminal.begin(environment: environment)
            var pictures = Pictures(terminal, Chance(seed: seed, excluded: excluded), descriptor)
            pictures.run()
            return 0
        } catch {
            return 2
        }
    }

    private static func readLine(of stream: UnsafeMutablePointer<FILE>) -> String? {
        var line: [UInt8] = []
        while true {
            let byte = getc(stream)
            if byte == EOF { return line.isEmpty ? nil : String(decoding: line, as: UTF8.self) }
            if byte == 10 { return String(decoding: line, as: UTF8.self) }
            line.append(UInt8(truncatingIfNeeded: byte))
        }
    }

    private init(_ terminal: Terminal, _ chance: Chance, _ descriptor: Int32) {
        self.terminal = terminal
        self.chance = chance
        witness = Witness(descriptor: descriptor)
        screen = Screen(size: terminal.size)
    }

    private mutating func run() {
        while true {
            change()
            terminal.show(screen)
            witness.tell(of: screen, in: terminal)
            guard waitForKey() else { break }
        }
        terminal.end()
    }

    private mutating func waitForKey() -> Bool {
        while true {
            var descriptors = [
                pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
                pollfd(fd: terminal.signalDescriptor, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&descriptors, 2, -1)
            if descriptors[1].revents != 0 { _ = terminal.takeSignals() }
            for event in terminal.events() {
                switch event {
                case .lost: return false
                case .input(.key(.character("n"))):
                    // Whoever resizes the terminal and then presses the key means this order.
                    _ = terminal.takeSignals()
                    return true
                case .input, .recoloured: break
                }
            }
        }
    }

    /// Sometimes a new picture, sometimes a few changes: curses writes what differs.
    private mutating func change() {
        if screen.size != terminal.size || chance.below(4) == 0 { screen = Screen(size: terminal.size) }
        let (columns, rows) = (screen.size.columns, screen.size.rows)
        for _ in 0..<(1 + chance.below(chance.below(3) == 0 ? 3 : rows + 1)) {
            let (x, y) = (chance.below(columns), chance.below(rows))
            let role = Style.Role.allCases[chance.below(Style.Role.allCases.count)]
            switch chance.below(8) {
            case 0: screen.fill(x: x, y: y, columns: chance.below(columns + 1), style: Style(role: role))
            case 1:
                screen.fill(Glyphs.unicode.horizontal, x: x, y: y, columns: columns - x, style: Style(role: role))
            case 2: screen.select(x: x, y: y, columns: chance.below(columns + 1))
            default:
                let bytes = chance.bytes(atMost: 60)
                let text = bytes.withUnsafeBytes { Text(utf8: $0) }
                screen.put(text, x: x, y: y, columns: 1 + chance.below(columns), style: Style(role: role))
            }
        }
    }
}
