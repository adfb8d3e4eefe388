/// The few drawn characters, for terminals that know Unicode and for those that do not.
public struct Glyphs: Hashable, Sendable {
    let isUnicode: Bool
    /// Nothing is drawn that would be read out: words say it all.
    let isPlain: Bool
    static let unicode = Glyphs(isUnicode: true, isPlain: false)
    static let ascii = Glyphs(isUnicode: false, isPlain: false)
    static let words = Glyphs(isUnicode: false, isPlain: true)

    private func pick(_ unicode: UInt32, _ ascii: Unicode.Scalar) -> Cluster {
        isPlain ? .space : Cluster(isUnicode ? unicode : ascii.value, width: 1)
    }

    var ellipsis: Cluster { isPlain ? Cluster(0x2E, width: 1) : pick(0x2026, "~") }
    var horizontal: Cluster { pick(0x2500, "-") }
    var vertical: Cluster { pick(0x2502, "|") }
    var teeDown: Cluster { pick(0x252C, "+") }
    var teeRight: Cluster { pick(0x251C, "+") }
    var teeUp: Cluster { pick(0x2534, "+") }
    var topLeft: Cluster { pick(0x256D, "+") }
    var topRight: Cluster { pick(0x256E, "+") }
    var bottomLeft: Cluster { pick(0x2570, "+") }
    var bottomRight: Cluster { pick(0x256F, "+") }

    var queued: Cluster { pick(0x25CB, ".") }
    var working: Cluster { pick(0x25CF, "*") }
    var landing: Cluster { pick(0x25B2, "^") }
    var approval: Cluster { pick(0x25C6, "?") }
    var failed: Cluster { pick(0x2717, "!") }
    var stopped: Cluster { pick(0x25A0, "=") }
    var done: Cluster { pick(0x2713, "+") }
    var cancelled: Cluster { pick(0x00D7, "x") }
    var unknown: Cluster { pick(0x25C7, "-") }

    /// Before what is meant.
    var mark: Cluster { pick(0x25B8, ">") }
    /// Before how much people have said of a ticket.
    var comment: Cluster { pick(0x270E, "\"") }
    /// Before how long ago something was printed.
    var printed: Cluster { pick(0x00BB, ">") }

    /// Replaces what ASCII lacks in the dashboard's own sentences.
    func plain(_ sentence: String) -> String {
        guard !isUnicode else { return sentence }
        let sentence = isPlain ? sentence.replacing(" · ", with: ", ") : sentence
        return String(
            String.UnicodeScalarView(
                sentence.unicodeScalars.map { scalar in
                    switch scalar {
                    case "·", "–": isPlain ? "," : "-"
                    case "…": "~"
                    case "↑": "^"
                    case "↓": "v"
                    default: scalar
                    }
                }
            )
        )
    }
}
