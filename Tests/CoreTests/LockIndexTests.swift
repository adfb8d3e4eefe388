import Simulator
import Testing

@testable import Core

@Suite struct LockIndexTests {
    private func patterns(_ texts: String...) throws -> [LockPattern] { try texts.map { try LockPattern($0) } }

    @Test func findsConflictsAboveBelowAndBeside() throws {
        var index = LockIndex<String>()
        index.insert(try patterns("src/avatar/**"), owner: "T-1")
        index.insert(try patterns("**/*.md"), owner: "T-2")
        index.insert(try patterns("src/login/view.swift", "resource:postgres"), owner: "T-3")

        #expect(index.owners(conflictingWith: try patterns("src")) == ["T-2", "T-1", "T-3"])
        #expect(index.owners(conflictingWith: try patterns("src"), limit: 1) == ["T-2"])
        #expect(index.owners(conflictingWith: try patterns("src/avatar/?.swift")) == ["T-2", "T-1"])
        #expect(index.owners(conflictingWith: try patterns("resource:postgres")) == ["T-3"])
        #expect(index.owners(conflictingWith: try patterns("docs/a.swift")) == ["T-2"], "a file x.md beneath it")
        #expect(index.owners(conflictingWith: try patterns("resource:redis")).isEmpty)
        #expect(index.owners(conflictingWith: []).isEmpty)
        #expect(index.owners(covering: "src/avatar/README.md") == ["T-2", "T-1"])

        let conflict = try #require(index.firstConflict(with: try patterns("x", "src/login/**"), excluding: "T-2"))
        #expect(
            (conflict.owner, conflict.held.text, conflict.wanted.text) == (
                "T-3", "src/login/view.swift", "src/login/**"
            )
        )
    }

    @Test func isAMultiset() throws {
        var index = LockIndex<Int>()
        let pattern = try LockPattern("a/b")
        index.insert([pattern, pattern], owner: 1)
        index.insert(pattern, owner: 2)
        index.remove(pattern, owner: 1)
        #expect(index.patterns(of: 1) == [pattern])
        #expect(
            index.owners(conflictingWith: [pattern]) == [1, 2] || index.owners(conflictingWith: [pattern]) == [2, 1]
        )
        index.remove(1)
        #expect(index.owners(conflictingWith: [pattern]) == [2])
        index.remove(2)
        #expect(index.isEmpty && index == LockIndex())
    }

    @Test func agreesWithAskingEveryHolder() throws {
        let texts = [
            "a", "a/b", "a/b/c", "a/*", "a/**", "**/c", "*/b", "b", "b/a", "[ab]/c", "a/[id]/c", "a/\\[id\\]", "**",
            "resource:x", "resource:y", "port:80",
        ]
        let all = try texts.map { try LockPattern($0) }
        for seed in 1...300 {
            var random = SplitMix64(seed: UInt64(seed))
            var index = LockIndex<Int>()
            var held: [Int: [LockPattern]] = [:]
            for _ in 0..<60 {
                let owner = Int.random(in: 1...8, using: &random)
                if Int.random(in: 0..<4, using: &random) == 0 {
                    index.remove(owner)
                    held[owner] = nil
                } else {
                    let pattern = all[Int.random(in: 0..<all.count, using: &random)]
                    index.insert(pattern, owner: owner)
                    held[owner, default: []].append(pattern)
                }
                let wanted = all[Int.random(in: 0..<all.count, using: &random)]
                let expected = held.filter { $0.value.contains { $0.conflicts(with: wanted) } }.keys
                let found = index.owners(conflictingWith: [wanted])
                #expect(found.sorted() == expected.sorted(), "seed \(seed): \(wanted)")
                let first = index.firstConflict(with: [wanted])
                #expect(first?.owner == found.first)
                #expect(first.map { $0.held.conflicts(with: wanted) } != false)
            }
        }
    }

    @Test func answersTheSameWayEachTime() throws {
        func answer() throws -> [Int] {
            var index = LockIndex<Int>()
            for number in 0..<200 { index.insert(try LockPattern("d\(number % 50)/f\(number)"), owner: number) }
            for number in stride(from: 0, to: 200, by: 3) { index.remove(number) }
            return index.owners(conflictingWith: [try LockPattern("**")])
        }
        #expect(try answer() == answer())
    }
}
