import Simulator
import Testing

@testable import Core

@Suite struct LockConflictTests {
    @Test(arguments: [
        ("src", "src/a/b", true), ("src", "srcs", false), ("src/*", "src", true), ("src/**", "src", true),
        ("src/**", "src/avatar/x.swift", true), ("src/**", "docs/**", false),
        ("*.md", "docs/*.md", false), ("*.md", "README.md", true), ("**/*.md", "docs/a.md", true),
        ("**/*.md", "src/**", true), ("**/*.md", "src/*.swift", true), ("*.md", "*.swift", false),
        ("src/*.md", "src/*.swift", false), ("src/?.md", "src/a*.md", true), ("src/?.md", "src/ab*.md", false),
        ("a*b", "*c", false), ("a*b", "ab", true), ("*aa", "aab*", true),
        ("[a-m]*", "[n-z]*", false), ("[a-m]*", "[m-z]*", true), ("[!a]*", "a*", false),
        ("a/**/z", "a/b/**", true), ("a/**/z", "b/**/z", false), ("**/a/**", "b/**", true),
        // All they share is a name that no tracked path holds.
        (".*", "?", false), (".*", "??", true), (".?", "[.]?", true), ("..*", "??", false), (".git*", "????", false),
        (".[!.]", "..?", false), (".gi?", ".g[i]t*", false), (".gi??", ".g[i]t*", true), ("[.][g]i?", ".?it", false),
        ("a/.[g]*", "a/.?it", false), ("**/.[g]*", "a/.?it", true), ("**/.[g]*", "a/.?itx", true),
        // By bytes: é is two, and half of it is shared.
        ("é", "?", false), ("é", "??", true), ("é*", "[à]*", true),
        // A pattern spelled like the path.
        ("app/[id]/page.tsx", "app/\\[id\\]/page.tsx", true), ("app/[id]/x", "app/[[]*", true),
        ("app/[id]/x", "app/?/x", true), ("app/[id]/x", "app/[slug]/x", false),
        ("[a]x", "[[]a*", true),
        ("resource:a", "resource:a", true), ("resource:a", "resource:b", false), ("resource:a", "**", false),
        ("port:80", "resource:80", false),
    ])
    func isDecidedExactly(a: String, b: String, conflict: Bool) throws {
        let (one, other) = (try LockPattern(a), try LockPattern(b))
        #expect(one.conflicts(with: other) == conflict)
        #expect(other.conflicts(with: one) == conflict)
        #expect(one.conflicts(with: one) && other.conflicts(with: other))
    }

    /// All sequences of 1 to `length` of the pieces.
    private func sequences(of pieces: [String], upTo length: Int, joinedBy separator: String) -> [String] {
        var result: [String] = []
        var last = [""]
        for _ in 1...length {
            last = last.flatMap { prefix in pieces.map { prefix.isEmpty ? $0 : prefix + separator + $0 } }
            result += last
        }
        return result
    }

    /// Compares every pair of patterns with what they cover among all the paths that matter.
    private func compareWithBruteForce(_ texts: [String], _ paths: [String]) {
        let bytes = paths.map { Array($0.utf8) }
        var patterns: [(pattern: LockPattern, covered: [UInt64])] = []
        for pattern in texts.compactMap({ try? LockPattern($0) }) {
            var covered = [UInt64](repeating: 0, count: paths.count / 64 + 1)
            for (index, path) in bytes.enumerated() where pattern.covers(path: path) {
                covered[index / 64] |= 1 << UInt64(index % 64)
            }
            patterns.append((pattern, covered))
        }
        var conflicts = 0
        for (index, a) in patterns.enumerated() {
            for b in patterns[index...] {
                let shared = zip(a.covered, b.covered).contains { $0 & $1 != 0 }
                if shared { conflicts += 1 }
                if a.pattern.conflicts(with: b.pattern) != shared {
                    Issue.record("\(a.pattern) and \(b.pattern): some path is covered by both: \(shared)")
                }
            }
        }
        #expect(patterns.count > 250 && conflicts > 1000)
    }

    /// Three steps that take a byte on each side never need more than six bytes to meet, so this is a proof for all
    /// patterns of that size.
    @Test func agreesWithBruteForceOnEveryPairOfShortSegments() {
        let names = sequences(of: ["a", "b", "."], upTo: 6, joinedBy: "").filter { $0 != "." && $0 != ".." }
        let segments = sequences(of: ["a", ".", "?", "*", "[ab]", "[!a]"], upTo: 3, joinedBy: "")
        // Two stars side by side are directories only when they are the whole segment.
        let patterns = segments.filter { !["**", "***"].contains($0) }
        // A pattern with a class also covers the path that is spelled like it.
        compareWithBruteForce(patterns, names + patterns.filter { $0.contains("[") })
    }

    /// Three segments on each side never need a path deeper than six; `a`, `b` and `ab` are enough for any two of
    /// these segments to meet.
    @Test func agreesWithBruteForceOnEveryPairOfShortPaths() {
        let paths = sequences(of: ["a", "b", "ab"], upTo: 6, joinedBy: "/")
        compareWithBruteForce(sequences(of: ["a", "?", "*", "a*", "*b", "**"], upTo: 3, joinedBy: "/"), paths)
    }

    /// Longer patterns than brute force can enumerate: whatever path is made from one, and covered by the other, is
    /// a conflict.
    @Test func aPathCoveredByBothIsAlwaysAConflict() throws {
        var shared = 0
        for seed in 1...6000 {
            var random = SplitMix64(seed: UInt64(seed))
            let (a, path) = randomPattern(&random)
            let (b, _) = randomPattern(&random)
            let (one, other) = (try LockPattern(a), try LockPattern(b))
            #expect(one.covers(path: path), "seed \(seed): \(a) was made with \(path)")
            #expect(one.conflicts(with: other) == other.conflicts(with: one), "seed \(seed): \(a) and \(b)")
            if other.covers(path: path) {
                shared += 1
                #expect(one.conflicts(with: other), "seed \(seed): \(a) and \(b) both cover \(path)")
            }
        }
        #expect(shared > 100)
    }

    /// A pattern, and a path it was made to match.
    private func randomPattern(_ random: inout SplitMix64) -> (pattern: String, path: String) {
        func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &random)] }
        var pattern: [String] = []
        var path: [String] = []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            if Int.random(in: 0..<4, using: &random) == 0 {
                pattern.append("**")
                for _ in 0..<Int.random(in: 0...2, using: &random) { path.append(pick(["a", "b", "ab"])) }
            }
            var (segment, name) = (pick(["a", "b"]), "")
            name = segment
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let (token, text) = pick([
                    ("a", "a"), ("b", "b"), ("?", "b"), ("*a", "a"), ("*x", "abx"), ("[ab]", "a"), ("[!b]", "a"),
                    ("\\?", "?"), ("[[:alpha:]-]", "-"),
                ])
                segment += token
                name += text
            }
            pattern.append(segment)
            path.append(name)
        }
        return (pattern.joined(separator: "/"), path.joined(separator: "/"))
    }

    @Test func patternsMadeToExplodeAreDecidedInPolynomialTime() throws {
        let stars = String(repeating: "a*", count: 250)
        let clock = ContinuousClock()
        let directories = String(repeating: "**/a*/", count: 80)
        let took = try clock.measure { () throws in
            #expect(try !LockPattern(stars + "b").conflicts(with: LockPattern(stars + "c")))
            #expect(try LockPattern(stars + "b").conflicts(with: LockPattern("*" + stars + "b")))
            #expect(try !LockPattern(stars + "b").covers(path: String(repeating: "a", count: 4000)))
            #expect(try LockPattern(directories + "b").conflicts(with: LockPattern(directories + "c")))
            let path = String(repeating: "a/", count: 200) + "c"
            #expect(try !LockPattern(directories + "b").covers(path: path))
        }
        #expect(took < .seconds(30))
    }
}
