import Foundation
import Testing

@testable import TUI

/// `docs/dashboard.md` names every key and every action, as they are.
struct DocumentationTests {
    private static let marks = (begin: "<!-- keys -->\n", end: "<!-- /keys -->")

    private static var table: String {
        var rows = ["| Key | Action | Where | |", "|---|---|---|---|"]
        for binding in KeyBinding.table {
            let keys = binding.keys.map { "`\($0.notation)`" }.joined(separator: " ")
            rows.append("| \(keys) | `\(binding.action.name)` | \(places(binding.contexts)) | \(binding.help) |")
        }
        return rows.joined(separator: "\n") + "\n"
    }

    private static func places(_ contexts: Set<KeyContext>) -> String {
        if contexts.count == KeyContext.allCases.count { return "everywhere" }
        var places: [String] = []
        for context in KeyContext.allCases where contexts.contains(context) {
            let place = context.place
            if !places.contains(place) { places.append(place) }
        }
        return places.joined(separator: ", ")
    }

    @Test func theKeysAreThoseOfTheTable() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/dashboard.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let begin = try #require(text.range(of: Self.marks.begin))
        let end = try #require(text.range(of: Self.marks.end, range: begin.upperBound..<text.endIndex))
        if ProcessInfo.processInfo.environment["ORCH_RECORD_SCREENS"] == "1" {
            let recorded = text.replacingCharacters(in: begin.upperBound..<end.lowerBound, with: Self.table)
            try Data(recorded.utf8).write(to: file)
        } else {
            #expect(String(text[begin.upperBound..<end.lowerBound]) == Self.table, "`make screens` writes it")
        }
        // Every state has a word there, and every part of a filter.
        for word in Filter.State.allCases.map(\.rawValue) + ["agent:", "lock:", "p:"] {
            #expect(text.contains("`\(word)") || text.contains("is:\(word)"), "\(word)")
        }
    }
}
