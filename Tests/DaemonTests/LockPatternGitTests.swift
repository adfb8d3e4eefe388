import Core
import Foundation
import Testing

/// Holds `LockPattern.covers` to what git itself matches.
@Suite struct LockPatternGitTests {
    /// An index without files: paths exist in it alone, so that they may be any bytes.
    private struct GitIndex {
        let directory: URL
        let environment: [String: String]

        init() throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "orch-locks-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            environment = [
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": directory.path,
                "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
            ]
            _ = try git(["init", "-q", "."])
        }

        func remove() { try? FileManager.default.removeItem(at: directory) }

        func git(_ arguments: [String], input: Data = Data()) throws -> Data {
            let (source, sink) = (directory.appending(path: "in"), directory.appending(path: "out"))
            try input.write(to: source)
            try Data().write(to: sink)
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["git"] + arguments
            process.currentDirectoryURL = directory
            process.environment = environment
            process.standardInput = try FileHandle(forReadingFrom: source)
            process.standardOutput = try FileHandle(forWritingTo: sink)
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0, "git \(arguments)")
            return try Data(contentsOf: sink)
        }

        func add(_ paths: some Sequence<[UInt8]>) throws {
            let blob = String(repeating: "1", count: 40)
            var lines = Data()
            for path in paths { lines += Data("100644 \(blob)\t".utf8) + path + [0] }
            _ = try git(["update-index", "-z", "--index-info"], input: lines)
        }

        func paths(matching pathspecs: [String]) throws -> Set<[UInt8]> {
            Set(try git(["ls-files", "-z", "--"] + pathspecs).split(separator: 0).map(Array.init))
        }
    }

    /// Paths that are not in each other, each under a directory named by its depth: an index cannot hold `a` and `a/b`.
    private static let names = ["a", "b", "ab", "ba", "abc", ".a", "a.b", "é", "[a]", "a*", "\\a", "a]"]

    @Test func coversWhatGitMatchesAndWhatLiesBeneath() throws {
        let index = try GitIndex()
        defer { index.remove() }
        var paths: [[String]] = Self.names.map { [$0] }
        for a in Self.names { for b in Self.names { paths.append([a, b]) } }
        for a in Self.names.prefix(5) {
            for b in Self.names { for c in Self.names.prefix(5) { paths.append([a, b, c]) } }
        }
        try index.add(paths.map { Array("\($0.count)/\($0.joined(separator: "/"))".utf8) })

        var random = SystemRandomNumberGenerator()
        let pieces = [
            "a", "b", ".", "c", "?", "*", "[ab]", "[!a]", "[^b]", "[a-c]", "[[:alpha:]]", "[]a]", "[\\]]", "\\a", "\\*",
            "\\[", "]", "é", "[é]", "**",
        ]
        var segments = pieces
        for _ in 0..<60 {
            segments.append(pieces.randomElement(using: &random)! + pieces.randomElement(using: &random)!)
        }
        var patterns: [String] = []
        for segment in segments {
            patterns += [segment, "**/" + segment, segment + "/**", "a/" + segment, segment + "/b"]
        }
        for _ in 0..<150 {
            patterns.append((0..<3).map { _ in segments.randomElement(using: &random)! }.joined(separator: "/"))
        }
        var compared = 0
        for text in Set(patterns) {
            // Those that orch refuses are another test's.
            guard let pattern = try? LockPattern(text) else { continue }
            let matched = try index.paths(matching: (1...3).map { ":(glob)\($0)/\(pattern.text)" })
            for path in paths {
                // git matches a path or what lies under a literal one; orch also covers beneath each match.
                let expected = (1...path.count).contains { depth in
                    matched.contains(Array("\(depth)/\(path[..<depth].joined(separator: "/"))".utf8))
                }
                let joined = path.joined(separator: "/")
                if pattern.covers(path: joined) != expected {
                    Issue.record("\(text) and \(joined): git says \(expected)")
                }
            }
            compared += 1
        }
        #expect(compared > 300)
    }

    @Test func namedClassesAreGits() throws {
        let index = try GitIndex()
        defer { index.remove() }
        // Every byte a name can be, by itself.
        let bytes = (UInt8(1)...255).filter { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }
        try index.add(bytes.map { [$0] })
        let names = [
            "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
        ]
        for text in names.map({ "[[:\($0):]]" }) + ["?", "[!a]", "[ -~]", "[+-9]", "[^[:alnum:]]"] {
            let pattern = try LockPattern(text)
            let expected = try index.paths(matching: [":(glob)" + text])
            #expect(Set(bytes.map { [$0] }.filter(pattern.covers(path:))) == expected, "\(text)")
        }
    }
}
