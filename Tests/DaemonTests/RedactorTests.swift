import CSystem
import Core
import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite struct RedactorTests {
    private static func redactor(_ values: String...) -> Redactor {
        Redactor(values.enumerated().map { .init(name: "S\($0)", value: Array($1.utf8)) })
    }

    @Test func aValueIsReplacedWhereverItStands() {
        let redactor = Self.redactor("hunter2-hunter2", "tok\"en\\1/+")
        #expect(redactor.redact("hunter2-hunter2") == "[secret S0]")
        #expect(
            redactor.redact("a hunter2-hunter2 b hunter2-hunter2hunter2-hunter2 c")
                == "a [secret S0] b [secret S0][secret S0] c"
        )
        #expect(redactor.redact("hunter2-hunter hunter2 -hunter2") == "hunter2-hunter hunter2 -hunter2")
        // Overlapping with itself: nothing of it is left.
        #expect(redactor.redact("hunter2-hunter2-hunter2") == "[secret S0]")
        #expect(redactor.redact(#"{"a":"tok\"en\\1/+"}"#) == #"{"a":"[secret S1]"}"#)
        #expect(redactor.redact("https://x/?t=tok%22en%5C1%2F%2B&u") == "https://x/?t=[secret S1]&u")
        #expect(Redactor.none.redact("hunter2-hunter2") == "hunter2-hunter2")
    }

    @Test func aNameThatHeldAValueIsKnown() {
        #expect(SecretMark.isIn(Self.redactor("hunter2-hunter2").redact("docs/hunter2-hunter2.md")))
        #expect(!SecretMark.isIn("docs/secret.md"))
    }

    @Test func aValueIsFoundWithinBase64WhereverItBegins() {
        let secret = "correct horse battery"
        let redactor = Self.redactor(secret)
        for before in 0..<7 {
            for after in 0..<4 {
                let text = String(repeating: "u", count: before) + secret + String(repeating: "z", count: after)
                let encoded = Data(text.utf8).base64EncodedString()
                let redacted = redactor.redact("Authorization: Basic \(encoded)\n")
                #expect(redacted.contains("[secret S0]"), "\(before) \(after): \(redacted)")
                let left = redacted.dropFirst("Authorization: Basic ".count).replacing("[secret S0]", with: "")
                #expect(left.count <= encoded.count - secret.utf8.count * 4 / 3 + 3, "\(redacted)")
            }
        }
    }

    /// However a stream is cut, it comes out the same as in one piece.
    @Test func aSeamBetweenPiecesHidesNothing() {
        let redactor = Self.redactor("abcabcabd", "bcabca", "xxxxxx")
        var random = SplitMix64(seed: 11)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                "abcdx".utf8.randomElement(using: &random)!
            }
            let planted = Array("abcabcabd".utf8)
            var text = bytes
            text.insert(contentsOf: planted, at: Int.random(in: 0...bytes.count, using: &random))
            let whole = redactor.redact(text)
            var stream = Redactor.Stream(redactor)
            var pieces: [UInt8] = []
            var rest = text[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(7, rest.count), using: &random)
                pieces += stream.take(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            pieces += stream.finish()
            #expect(pieces == whole)
            let left = String(decoding: whole, as: UTF8.self)
            for secret in ["abcabcabd", "bcabca", "xxxxxx"] { #expect(!left.contains(secret), "\(left)") }
            #expect(left.contains("[secret S"))
        }
    }

    /// Many alike patterns and a text that nearly matches all the time: the work is that of reading it.
    @Test func theTimeGrowsWithTheTextAndNotWithTheSecrets() {
        // Of this thread alone: others run beside it.
        func now() -> Duration {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
        }
        func time(_ redactor: Redactor, _ count: Int) -> Duration {
            let text = [UInt8](repeating: UInt8(ascii: "a"), count: count)
            let start = now()
            let redacted = redactor.redact(text)
            let end = now()
            #expect(redacted.count == count)
            return end - start
        }
        let one = Self.redactor(String(repeating: "a", count: 60) + "b")
        let many = Redactor(
            (0..<40).map { .init(name: "M\($0)", value: Array((String(repeating: "a", count: 20 + $0) + "b").utf8)) }
        )
        _ = time(one, 100_000)
        let (few, lots) = (time(one, 400_000), time(many, 400_000))
        #expect(lots < few * 6 + .milliseconds(200), "\(few) and \(lots)")
        let longer = time(many, 1_600_000)
        #expect(longer < lots * 12 + .milliseconds(200), "\(lots) and \(longer)")
    }

    @Test func whatCannotBeKeptSecretIsRefusedInASentence() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "orch-secret-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data("from the file\r\n".utf8).write(to: folder.appending(path: "x"))
        let environment = ["A": "long enough", "B": "short", "HOME": folder.path]
        func load(_ sources: SecretSource...) throws -> (redactor: Redactor, missing: [String]) {
            try SecretValues.load(sources, environment: environment)
        }
        let (redactor, missing) = try load(
            SecretSource(name: "A", environment: "A"),
            SecretSource(name: "F", file: "~/x"),
            SecretSource(name: "C", environment: "C"),
            SecretSource(name: "D", file: folder.path + "/none")
        )
        #expect(redactor.redact("long enough, from the file") == "[secret A], [secret F]")
        #expect(
            missing == [
                "the secret C is not there: C is not set",
                "the secret D is not there: there is no file \(folder.path)/none",
            ]
        )
        #expect {
            _ = try load(SecretSource(name: "B", environment: "B"))
        } throws: {
            "\($0)"
                == "the secret B has 5 bytes, and 6 is the least: a shorter value would be found in what is no secret; "
                + "give it another value, or take it out of \"secrets\""
        }
    }
}

/// Seeded numbers, so that a failure can be repeated.
private struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
