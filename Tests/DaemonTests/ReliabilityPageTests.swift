import Foundation
import Testing

/// `docs/reliability.md` names the tests that show what it promises. They are there.
@Suite struct ReliabilityPageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test func everyTestThatIsNamedExists() throws {
        let page = try String(contentsOf: Self.root.appending(path: "docs/reliability.md"), encoding: .utf8)
        var sources = ""
        // A suite is named by its type, its file, or where it lies with others.
        var names: Set<String> = ["NameTests"]
        let folder = Self.root.appending(path: "Tests")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        for case let file as URL in files {
            names.insert(file.deletingPathExtension().lastPathComponent)
            guard file.pathExtension == "swift" else { continue }
            sources += try String(contentsOf: file, encoding: .utf8)
        }
        var suites = 0
        var tests = 0
        for line in page.split(separator: "\n") {
            for match in line.matches(of: /`([A-Z][A-Za-z]+Tests)?(?:\.([a-z][A-Za-z]+))?`/) {
                if let suite = match.1 {
                    suites += 1
                    #expect(names.contains(String(suite)) || sources.contains("struct \(suite) "), "\(suite)")
                }
                if let test = match.2, match.1 != nil {
                    tests += 1
                    #expect(sources.contains("func \(test)("), "\(match.0)")
                }
            }
        }
        #expect(suites > 50 && tests > 50)
    }
}
