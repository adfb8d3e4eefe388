import Foundation
import FuzzTargets
import Testing

/// What fuzzing has found or begun with, replayed, and changed a little with numbers that are the same every time.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTarget.allCases)
    func everythingInTheCorpusIsTaken(target: FuzzTarget) throws {
        let seeds = try corpus(target)
        #expect(seeds.count >= 3)
        for (name, bytes) in seeds { try run(target, bytes, name) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func whatIsLikeTheCorpusIsTakenToo(target: FuzzTarget) throws {
        var random = SplitMix64(seed: 11)
        let seeds = try corpus(target)
        for round in 0..<1500 {
            let (name, seed) = seeds[random.below(seeds.count)]
            var bytes = seed
            for _ in 0...random.below(4) { mutate(&bytes, seeds, &random) }
            try run(target, bytes, "\(name), round \(round)")
        }
    }

    private func run(_ target: FuzzTarget, _ bytes: [UInt8], _ name: String) throws {
        do { try target.run(bytes) } catch {
            Issue.record("\(target.rawValue) \(name): \(error): \(Data(bytes).base64EncodedString())")
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ seeds: [(String, [UInt8])], _ random: inout SplitMix64) {
        let place = random.below(bytes.count + 1)
        switch random.below(6) {
        case 0 where place < bytes.count: bytes[place] = UInt8(random.below(256))
        case 1 where place < bytes.count: bytes[place] ^= 1 << random.below(8)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + random.below(8)))
        case 3:
            let other = seeds[random.below(seeds.count)].1
            let start = random.below(other.count + 1)
            bytes.insert(contentsOf: other[start..<min(other.count, start + random.below(40))], at: place)
        case 4:
            let piece = bytes[place..<min(bytes.count, place + random.below(20))]
            bytes.insert(contentsOf: piece, at: place)
        default:
            let pieces = [
                "\n", "\r", "\u{0}", "{", "]", "\"", "\\", ": ", "- ", "**", "/", "[a-", "\u{1B}[", "é", "👩‍🚀",
                "\u{202E}",
            ]
            bytes.insert(contentsOf: pieces[random.below(pieces.count)].utf8, at: place)
        }
    }

    private func corpus(_ target: FuzzTarget) throws -> [(String, [UInt8])] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fuzzing/Corpus/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted().map { name in
            (name, try [UInt8](Data(contentsOf: folder.appending(path: name))))
        }
    }
}

/// The generator of Steele, Lea and Flood.
private struct SplitMix64 {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((z ^ (z >> 31)) % UInt64(bound))
    }
}
