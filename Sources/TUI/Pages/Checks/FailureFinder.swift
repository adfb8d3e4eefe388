/// Tells which lines of a verifier's output look like what it failed by.
///
/// It reads lines in order: the failure in a Python traceback is the line it ends with.
struct FailureFinder: Sendable {
    private var isInTraceback = false

    /// More than this of a line is not looked at.
    private static let reach = 500

    init() {}

    mutating func isFailure(_ line: ArraySlice<UInt8>) -> Bool {
        if isInTraceback {
            // Frames are indented; what follows them says what happened.
            guard let first = line.first, first != UInt8(ascii: " "), first != 0x0D else { return false }
            isInTraceback = false
            return true
        }
        let lowered = line.prefix(Self.reach).map { $0 >= 65 && $0 <= 90 ? $0 | 32 : $0 }
        guard Self.holdsWord(lowered) else { return false }
        let text = Self.withoutEscapes(lowered)
        if text.hasPrefix("traceback (") {
            isInTraceback = true
            return false
        }
        return Self.looksFailed(text)
    }

    /// Quickly, as most lines hold nothing of interest.
    private static func holdsWord(_ line: [UInt8]) -> Bool {
        for (index, byte) in line.enumerated() {
            for needle in needles[Int(byte)] where line[index...].starts(with: needle) { return true }
        }
        return false
    }

    /// By what they begin with.
    private static let needles: [[[UInt8]]] = {
        let words = failing + ["traceback (", "error", "fail", "assert", "not ok"] + crosses
        return (0...255).map { first in words.map { Array($0.utf8) }.filter { $0[0] == UInt8(first) } }
    }()

    private static let crosses = ["✗", "✘", "✖", "✕"]

    /// What says it by itself.
    private static let failing = [
        "panicked at", "panic:", "fatal:", "segmentation fault", "core dumped", "command not found",
        "undefined reference", "uncaught exception", "exception in thread", "unhandled exception",
    ]

    private static func withoutEscapes(_ line: [UInt8]) -> String {
        var escapes = EscapeFilter()
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: line, as: UTF8.self).unicodeScalars where escapes.isText(scalar) {
            text.append(scalar)
        }
        return String(text)
    }

    private static func looksFailed(_ text: String) -> Bool {
        let line = text.drop { $0 == " " || $0 == "\t" }
        // A test whose name speaks of errors, and which has passed.
        if ["✓", "✔", "ok ", "pass ", "pass: ", "--- pass"].contains(where: line.hasPrefix) { return false }
        if line.hasSuffix("... ok") { return false }
        if line.hasPrefix("not ok") { return !line.contains("# todo") && !line.contains("# skip") }
        if crosses.contains(where: line.contains) || failing.contains(where: line.contains) { return true }
        if line.contains("error:") || line.contains("error[") { return !saysZero(line, "error") }
        if line.hasPrefix("assert ") || line.hasPrefix("e  ") && line.contains("assert ") { return true }
        return ["failed", "failure", "failures", "fail", "error", "errors", "assertionerror"].contains {
            word in
            // `error` says little in the middle of a sentence.
            let mustBegin = word == "error" || word == "errors"
            return holds(line, word: word, atStart: mustBegin) && !saysZero(line, word)
        }
    }

    private static func holds(_ line: Substring, word: String, atStart: Bool) -> Bool {
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        return atStart ? words.first.map { $0 == word } ?? false : words.contains { $0 == word }
    }

    /// `0 failed`, `no errors`, `failures: 0`, and nothing that says another number of it.
    private static func saysZero(_ line: Substring, _ word: String) -> Bool {
        let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
        var zero = false
        for (index, found) in words.enumerated() where found == word || found == word + "s" {
            let before = index > 0 ? words[index - 1] : ""
            let after = index + 1 < words.count ? words[index + 1] : ""
            guard before == "0" || before == "no" || after == "0" || after == "none" else { return false }
            zero = true
        }
        return zero
    }
}
