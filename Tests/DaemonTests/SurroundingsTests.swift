import Core
import Foundation
import Testing

@testable import Daemon

/// What verifiers find around a tree has another name where anything of it is another, and the same where nothing is.
@Suite struct SurroundingsTests {
    /// A repository, and around it a program, a file and a folder that are declared, and a file to copy.
    private final class Place {
        let scratch: GitScratch
        let repository: GitRepository
        var environment: [String: String]
        var rules: Rules

        init() throws {
            scratch = try GitScratch()
            repository = try scratch.open()
            for folder in ["bin", "first", "home/inputs/deep"] {
                try FileManager.default.createDirectory(
                    atPath: "\(scratch.folder)/\(folder)",
                    withIntermediateDirectories: true
                )
            }
            environment = [
                "PATH": "\(scratch.folder)/first:\(scratch.folder)/bin", "HOME": "\(scratch.folder)/home",
                "TERM": "xterm",
            ]
            var policy = Policy()
            policy.setup = Setup(command: ["prepare"], copy: [".env"])
            policy.verifiers = [
                Verifier(name: "t", command: ["judge"], inputs: ["\(scratch.folder)/input", "~/inputs"])
            ]
            rules = Rules(digest: "d", policy: policy)
            for file in ["bin/judge", "bin/prepare"] { try write(file, "#!/bin/sh\n", isProgram: true) }
            for file in ["input", "home/inputs/deep/a", "copies/.env"] { try write(file, "one") }
        }

        func write(_ path: String, _ text: String, isProgram: Bool = false) throws {
            let path = "\(scratch.folder)/\(path)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            chmod(path, isProgram ? 0o755 : 0o644)
        }

        func name() throws -> String {
            try Surroundings(rules, copies: scratch.folder + "/copies", environment: environment).name(in: repository)
        }
    }

    private static let changes: [(String, @Sendable (Place) throws -> Void)] = [
        ("a copied file", { try $0.write("copies/.env", "two") }),
        ("a copied file that is gone", { unlink($0.scratch.folder + "/copies/.env") }),
        ("a declared file", { try $0.write("input", "two") }),
        ("a file in a declared folder", { try $0.write("home/inputs/deep/a", "two") }),
        ("a file more in a declared folder", { try $0.write("home/inputs/deep/b", "") }),
        ("the verifier's program", { try $0.write("bin/judge", "#!/bin/sh\nexit\n", isProgram: true) }),
        ("the setup's program", { try $0.write("bin/prepare", "#!/bin/sh\nexit\n", isProgram: true) }),
        ("another program of that name", { try $0.write("first/judge", "#!/bin/sh\n", isProgram: true) }),
        ("a variable", { $0.environment["LANG"] = "C" }),
        ("one input less", { $0.rules.policy.verifiers[0].inputs.removeLast() }),
    ]

    @Test(arguments: changes.map(\.0)) func isNamedOtherwiseWithout(_ change: String) throws {
        let place = try Place()
        let before = try place.name()
        try #require(Self.changes.first { $0.0 == change }).1(place)
        #expect(try place.name() != before)
    }

    @Test func whatDecidesNothingChangesNothing() throws {
        let place = try Place()
        let before = try place.name()
        // Written again, with the same content.
        for file in ["input", "copies/.env"] { try place.write(file, "one") }
        try place.write("undeclared", "two")
        try place.write("bin/other", "", isProgram: true)
        place.environment["TERM"] = "dumb"
        #expect(try place.name() == before)
    }

    @Test func aFolderThatLeadsIntoItselfIsReadOnce() throws {
        let place = try Place()
        symlink("..", place.scratch.folder + "/home/inputs/deep/up")
        #expect(try place.name().count == 40)
    }
}
