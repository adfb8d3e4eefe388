import IPC
import Testing

@Suite struct LineFramerTests {
    private func outcomes(_ bytes: [UInt8], limit: Int = 16, cutAt cuts: [Int]) -> [LineFramer.Outcome] {
        var framer = LineFramer(limit: limit)
        var outcomes: [LineFramer.Outcome] = []
        var start = 0
        for cut in cuts + [bytes.count] {
            outcomes += framer.feed(Array(bytes[start..<cut]))
            start = cut
        }
        return outcomes
    }

    @Test func linesAreTheSameHoweverTheStreamIsCut() {
        let text = "one\r\n\n\r\ntwo\u{2028}2\u{85}\n" + String(repeating: "x", count: 40) + "\nthree\rx\nrest"
        let expected: [LineFramer.Outcome] = [
            .line(Array("one".utf8)), .line(Array("two\u{2028}2\u{85}".utf8)), .oversized,
            .line(Array("three\rx".utf8)),
        ]
        let bytes = Array(text.utf8)
        for first in 0...bytes.count {
            for second in first...bytes.count {
                #expect(outcomes(bytes, cutAt: [first, second]) == expected, "cut at \(first) and \(second)")
            }
        }
        #expect(outcomes(bytes, cutAt: Array(0..<bytes.count)) == expected)
    }

    @Test func randomNoiseGivesWhatSplittingTheWholeGives() {
        var random = SplitMix(state: 5)
        for _ in 0..<2000 {
            let bytes = (0..<200).map { _ in UInt8([0x0A, 0x0D, 0x41, 0x00, 0xFF].randomElement(using: &random)!) }
            let cuts = (0..<5).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            var expected = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast().map(Array.init)
            for index in expected.indices where expected[index].last == 0x0D { expected[index].removeLast() }
            let lines = expected.filter { !$0.isEmpty }.map(LineFramer.Outcome.line)
            #expect(outcomes(bytes, limit: 1000, cutAt: cuts) == lines)
        }
    }

    @Test func aLineOfExactlyTheLimitPasses() {
        let line = [UInt8](repeating: 0x41, count: 16)
        #expect(outcomes(line + [0x0A], cutAt: [7]) == [.line(line)])
        #expect(outcomes(line + [0x41, 0x0A], cutAt: [7]) == [.oversized])
    }

    @Test func anEndlessLineIsReportedOnceAndCountedButNotKept() {
        var framer = LineFramer(limit: 1 << 20)
        let chunk = [UInt8](repeating: 0x41, count: 1 << 20)
        var reports: [LineFramer.Outcome] = []
        for _ in 0..<200 { reports += framer.feed(chunk) }
        #expect(reports == [.oversized])
        #expect(framer.dropped == 200 << 20)
        #expect(framer.feed([0x0A, 0x42, 0x0A]) == [.line([0x42])])
        #expect(framer.dropped == 0)
    }
}
