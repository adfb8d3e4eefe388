import Glibc

@testable import TUI

/// Says on another descriptor what was shown, cell by cell, and marks in the terminal's own stream where that has to be
/// seen.
struct Witness {
    let descriptor: Int32
    private var number = 0

    /// How often the terminal has told its background: what was typed before it has been taken then, too.
    var timesRecoloured = 0

    init(descriptor: Int32) { self.descriptor = descriptor }

    mutating func tell(of screen: Screen, in terminal: Terminal) {
        var text = "\(screen.size.columns) \(screen.size.rows) \(timesRecoloured)\n"
        for y in 0..<screen.size.rows {
            text += screen.row(y).map { word($0, terminal) }.joined(separator: " ") + "\n"
        }
        text += "end \(number)\n"
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
        // A control string that no terminal knows, behind everything that was drawn.
        _ = terminal.control("\u{1B}]7777;\(number)\u{7}")
        number += 1
    }

    private func word(_ cell: Cell, _ terminal: Terminal) -> String {
        let look = terminal.look(of: cell.style)
        let scalars = cell.cluster.map { cluster in
            (0..<cluster.count).map { String(cluster.scalars[$0], radix: 16) }.joined(separator: ".")
        }
        return "\(scalars ?? ""),\(look.foreground),\(look.background),\(look.attributes)"
    }
}
