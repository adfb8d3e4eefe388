import Foundation
import Testing

@testable import TUI

extension Story {
    /// Every size a picture is taken at, where it is taken at more than one.
    static let sizes = [
        Size(columns: 40, rows: 10), Size(columns: 80, rows: 24), Size(columns: 120, rows: 40),
        Size(columns: 200, rows: 50),
    ]

    /// The picture is that of `Screens/<name>.txt`, which `make screens` writes anew: look at what git says has changed.
    func shows(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Screens")
        let file = folder.appending(path: "\(name)-\(model.size.columns)x\(model.size.rows).txt")
        let picture = picture + "\n"
        if ProcessInfo.processInfo.environment["ORCH_RECORD_SCREENS"] == "1" {
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try Data(picture.utf8).write(to: file)
            } catch {
                Issue.record(error, sourceLocation: sourceLocation)
            }
            return
        }
        guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
            Issue.record(
                "there is no \(file.lastPathComponent); `make screens` writes it",
                sourceLocation: sourceLocation
            )
            return
        }
        #expect(picture == expected, "\(file.lastPathComponent)", sourceLocation: sourceLocation)
    }

    /// The same at every size, as `prepare` leaves a story of that size.
    static func shows(
        _ name: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ prepare: (inout Story) -> Void
    ) {
        for size in sizes {
            var story = Story.aDay(columns: size.columns, rows: size.rows)
            prepare(&story)
            story.shows(name, sourceLocation: sourceLocation)
        }
    }
}
