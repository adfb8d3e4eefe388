import Core
import Foundation

/// Puts `[secret NAME]` in the place of secret values, in time linear in what is searched, however many they are.
///
/// A value is found as it is, as JSON escapes it, percent-encoded as in URLs, and within base64, at each of the three
/// places where it may begin there. It is an Aho-Corasick automaton over bytes.
public struct Redactor: Sendable {
    /// Finds nothing, and costs nothing.
    public static let none = Redactor([])

    /// A value and the name that stands in its place.
    public struct Secret: Sendable, Equatable {
        let name: String
        let value: [UInt8]

        public init(name: String, value: [UInt8]) {
            self.name = name
            self.value = value
        }
    }

    /// For each state and byte, the next state.
    private var next: [Int32] = []
    /// For each state, how many bytes of a pattern have been matched.
    private var depth: [Int32] = []
    /// For each state, the longest pattern that ends there: its length and its secret; length 0 for none.
    private var found: [(length: Int32, secret: Int32)] = []
    private var marks: [[UInt8]] = []
    /// No pattern is longer.
    public private(set) var longest = 0

    public init(_ secrets: [Secret]) {
        guard !secrets.isEmpty else { return }
        marks = secrets.map { Array(SecretMark.text($0.name).utf8) }
        addState(depth: 0)
        for (index, secret) in secrets.enumerated() {
            for form in Self.forms(of: secret.value) { add(form, Int32(index)) }
        }
        link()
    }

    var isEmpty: Bool { marks.isEmpty }

    // MARK: Searching

    /// The bytes without secrets; the same ones where there are none.
    public func redact(_ bytes: [UInt8]) -> [UInt8] {
        guard !isEmpty else { return bytes }
        var stream = Stream(self)
        return stream.take(bytes) + stream.finish()
    }

    public func redact(_ text: String) -> String {
        guard !isEmpty, holds(text) else { return text }
        return String(decoding: redact(Array(text.utf8)), as: UTF8.self)
    }

    /// Whether there is a secret in it.
    public func holds(_ text: String) -> Bool {
        guard !isEmpty else { return false }
        var state = 0
        for byte in text.utf8 {
            state = Int(next[state << 8 | Int(byte)])
            if found[state].length > 0 { return true }
        }
        return false
    }

    /// Takes bytes in pieces, however they were cut: a secret across a seam is found.
    public struct Stream: Sendable {
        private let redactor: Redactor
        private var state = 0
        /// Not given out yet: a secret may have begun in it.
        private var held: [UInt8] = []
        /// What has been found in `held`, apart and in order.
        private var matches: [(range: Range<Int>, secret: Int32)] = []

        public init(_ redactor: Redactor) { self.redactor = redactor }

        /// Takes the next piece; gives what can be given.
        public mutating func take(_ piece: some Sequence<UInt8>) -> [UInt8] {
            guard !redactor.isEmpty else { return Array(piece) }
            var out: [UInt8] = []
            for byte in piece {
                held.append(byte)
                state = Int(redactor.next[state << 8 | Int(byte)])
                let (length, secret) = redactor.found[state]
                if length > 0 { note(held.count - Int(length)..<held.count, secret) }
                // Nothing has begun: all there is can go. Looked at now and again, so that each byte is moved once.
                if redactor.depth[state] == 0, held.count >= 4096 { release(held.count, to: &out) }
            }
            release(held.count - Int(redactor.depth[state]), to: &out)
            return out
        }

        /// What was held back at the end of the last piece.
        public mutating func finish() -> [UInt8] {
            var out: [UInt8] = []
            release(held.count, to: &out)
            state = 0
            return out
        }

        /// A match becomes one with those it overlaps.
        private mutating func note(_ range: Range<Int>, _ secret: Int32) {
            var (range, secret) = (range, secret)
            while let last = matches.last, last.range.upperBound > range.lowerBound {
                range = min(range.lowerBound, last.range.lowerBound)..<range.upperBound
                secret = last.secret
                matches.removeLast()
            }
            matches.append((range, secret))
        }

        /// Gives out what is before `end`, but nothing of a match that ends behind it and may still grow.
        private mutating func release(_ end: Int, to out: inout [UInt8]) {
            var end = end
            var start = 0
            var told = 0
            for match in matches {
                guard match.range.upperBound <= end else {
                    end = min(end, match.range.lowerBound)
                    break
                }
                out += held[start..<match.range.lowerBound]
                out += redactor.marks[Int(match.secret)]
                start = match.range.upperBound
                told += 1
            }
            out += held[start..<end]
            held.removeFirst(end)
            matches.removeFirst(told)
            for index in matches.indices {
                let range = matches[index].range
                matches[index].range = range.lowerBound - end..<range.upperBound - end
            }
        }
    }

    // MARK: Building

    private mutating func addState(depth: Int32) {
        next += [Int32](repeating: -1, count: 256)
        self.depth.append(depth)
        found.append((0, 0))
    }

    private mutating func add(_ pattern: [UInt8], _ secret: Int32) {
        var state = 0
        for (index, byte) in pattern.enumerated() {
            let slot = state << 8 | Int(byte)
            if next[slot] < 0 {
                next[slot] = Int32(depth.count)
                addState(depth: Int32(index + 1))
            }
            state = Int(next[slot])
        }
        if found[state].length == 0 { found[state] = (Int32(pattern.count), secret) }
        longest = max(longest, pattern.count)
    }

    /// Breadth first: where a pattern does not go on, the longest other one that does.
    private mutating func link() {
        var fallback = [Int32](repeating: 0, count: depth.count)
        var queue: [Int] = []
        for byte in 0..<256 {
            if next[byte] < 0 { next[byte] = 0 } else { queue.append(Int(next[byte])) }
        }
        var first = 0
        while first < queue.count {
            let state = queue[first]
            first += 1
            let back = Int(fallback[state])
            if found[state].length == 0 { found[state] = found[back] }
            for byte in 0..<256 {
                let slot = state << 8 | byte
                let other = next[back << 8 | byte]
                if next[slot] < 0 {
                    next[slot] = other
                } else {
                    fallback[Int(next[slot])] = other
                    queue.append(Int(next[slot]))
                }
            }
        }
    }

    /// What a value may look like.
    static func forms(of value: [UInt8]) -> Set<[UInt8]> {
        var forms: Set<[UInt8]> = [value]
        forms.insert(escaped(value, slashes: false))
        forms.insert(escaped(value, slashes: true))
        for plain in [Array("-._~".utf8), Array("-._~/".utf8)] {
            for digits in ["0123456789ABCDEF", "0123456789abcdef"] { forms.insert(percent(value, plain, digits)) }
        }
        for shift in 0..<3 {
            let encoded = base64(value, shift)
            forms.insert(encoded)
            forms.insert(
                encoded.map {
                    $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
                }
            )
        }
        // What is left of a short value in base64 would be found by chance.
        return forms.filter { $0.count >= SecretValues.least }
    }

    private static func escaped(_ value: [UInt8], slashes: Bool) -> [UInt8] {
        value.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "/") where slashes: return [UInt8(ascii: "\\"), byte]
            case 0x0A: return Array("\\n".utf8)
            case 0x0D: return Array("\\r".utf8)
            case 0x09: return Array("\\t".utf8)
            default: return [byte]
            }
        }
    }

    private static func percent(_ value: [UInt8], _ plain: [UInt8], _ digits: String) -> [UInt8] {
        let digits = Array(digits.utf8)
        return value.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return [byte]
            case _ where plain.contains(byte): return [byte]
            default: return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    /// The characters of base64 that depend on the value alone, when `shift` bytes of its first group are before it.
    private static func base64(_ value: [UInt8], _ shift: Int) -> [UInt8] {
        let encoded = Array(Data([UInt8](repeating: 0, count: shift) + value).base64EncodedString().utf8)
        let bits = (shift + value.count) * 8
        return Array(encoded[(shift * 8 + 5) / 6..<bits / 6])
    }
}
