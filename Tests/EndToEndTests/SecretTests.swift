import Foundation
import Glibc
import IPC
import Testing

@Suite("Secrets, end to end", .ownThread)
struct SecretTests {
    private static let token = "s3cr3t/t0ken+\"quoted\""
    private static let phrase = "correct horse battery staple"

    /// Every file below a folder whose bytes hold one of the values, in any form that is cheap to write.
    private func leaks(below folder: String, except isRaw: (String) -> Bool) throws -> [String] {
        var forms: [[UInt8]] = []
        for value in [Self.token, Self.phrase] {
            forms.append(Array(value.utf8))
            forms.append(Array(JSONValue.string(value).description.utf8.dropFirst().dropLast()))
            forms.append(Array(Data(value.utf8).base64EncodedString().utf8.dropLast(4)))
        }
        let files = FileManager.default.enumerator(atPath: folder)
        var found: [String] = []
        while let name = files?.nextObject() as? String {
            guard !isRaw(name), let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") else { continue }
            for form in forms where bytes.range(of: Data(form)) != nil { found.append(name) }
        }
        return found
    }

    @Test func aSecretIsInNoFileOfTheStateDirectoryButRawOutput() throws {
        let profiles: JSONObject = [
            "missing": ["kind": "command", "command": [.string("/nowhere/\(Self.phrase)")]]
        ]
        let secrets: JSONValue = [["name": "TOKEN", "env": "TOKEN"], ["name": "PHRASE", "file": "~/phrase"]]
        try World.run(settings: ["secrets": secrets, "profiles": .object(profiles)], starting: false) { world in
            world.environment["TOKEN"] = Self.token
            try world.write("home/phrase", Self.phrase + "\n")
            try world.start()
            let repository = try world.repository(
                verify: "if [ -f bad.txt ]; then cat \(world.folder)/home/phrase; echo \"$PWD\"; exit 1; fi"
            )
            // It prints them, fails its verifier once with one of them, and is given more in what it is told.
            try world.write("token", Self.token)
            try world.agent(
                "LEAKS",
                """
                cat "$WORLD/token" "$WORLD/home/phrase"; base64 < "$WORLD/home/phrase"
                cp "$ORCH_PROMPT_FILE" "$WORLD/prompt"
                if [ -n "${ORCH_FEEDBACK_FILE:-}" ]; then cp "$ORCH_FEEDBACK_FILE" "$WORLD/feedback"; rm -f bad.txt
                else touch bad.txt; fi
                echo done > done.txt
                """
            )
            try world.enqueue(
                repository,
                [
                    "id": "LEAKS", "title": .string("Use \(Self.phrase)"),
                    "description": .string("With \(Self.token) and \(Data(Self.token.utf8).base64EncodedString())"),
                    "locks": ["*.txt"],
                ]
            )
            try world.waitUntilLanded(["LEAKS"])
            #expect(try world.ticket("LEAKS").title == "Use [secret PHRASE]")
            #expect(try world.text(of: "LEAKS.1").contains(Self.token))
            let prompt = try String(contentsOfFile: world.folder + "/prompt", encoding: .utf8)
            #expect(prompt.hasPrefix("With [secret TOKEN] and [secret TOKEN]"))
            let feedback = try String(contentsOfFile: world.folder + "/feedback", encoding: .utf8)
            #expect(feedback.contains("[secret PHRASE]") && !feedback.contains(Self.phrase))
            #expect(try repository.git("log", "-1", "--format=%B", "main").contains("Use [secret PHRASE]"))

            // What people say, and what goes wrong.
            try world.enqueue(repository, ["id": "GONE", "agent": "missing", "locks": ["gone"]])
            try world.wait(for: "GONE", "needs_human_review")
            #expect(world.reason("GONE").contains("[secret PHRASE]"))
            try world.command("reject", "GONE", ["comment": .string("it said \(Self.token)")])
            let refusal = try world.refusal("ticket.show", ["ticket": .string(Self.token)])
            #expect(refusal.message.contains("[secret TOKEN]"))
            let locked: JSONValue = [["title": "x", "locks": [.string(Self.phrase)]]]
            #expect(
                try world.refusal("ticket.enqueue", ["repository": .string(repository.path), "tickets": locked]).code
                    == .invalidParams
            )
            for line in world.history {
                #expect(!String(decoding: line.bytes, as: UTF8.self).contains("correct horse"), "\(line)")
            }
            try world.expectReplayMatchesSnapshot()
            let isRaw = { (name: String) in name.hasSuffix("/stdout") || name.hasSuffix("/stderr") }
            // Living, with the log of the database beside it; and ended.
            let leaked = try leaks(below: world.state, except: isRaw)
            #expect(leaked == [], "\(leaked)")
            try world.quit()
            #expect(try leaks(below: world.state, except: isRaw) == [])
            #expect(try leaks(below: repository.commonDirectory + "/ci-status", except: isRaw) == [])
            let log = FileManager.default.contents(atPath: world.log) ?? Data()
            #expect(log.range(of: Data(Self.phrase.utf8)) == nil && log.range(of: Data(Self.token.utf8)) == nil)
            try expectPrivate(world.state)
        }
    }

    /// Nothing of it can be read by anybody else, even by its name.
    private func expectPrivate(_ folder: String) throws {
        let files = FileManager.default.enumerator(atPath: folder)
        while let name = files?.nextObject() as? String {
            // Checkouts hold what is in the repository, with its modes, in folders of the user's alone.
            if ["worktrees/", "integration/", "verification/"].contains(where: name.hasPrefix) { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT != S_IFLNK else { continue }
            #expect(status.st_mode & 0o077 == 0, "\(name) has mode \(String(status.st_mode & 0o777, radix: 8))")
        }
    }

    @Test func theEnvironmentOfARunStaysOnNoDisk() throws {
        let profiles: JSONObject = [
            "given": [
                "kind": "command", "command": ["/bin/sh", "-c", "read go < \"$GATE\"; test \"$GIVEN\" = to-the-agent"],
                "environment": ["GIVEN": "to-the-agent"],
            ]
        ]
        try World.run(starting: false) { world in
            var settings =
                try JSONValue(parsing: String(contentsOfFile: world.folder + "/config.json", encoding: .utf8))
                .objectValue ?? [:]
            var all = settings["profiles"]?.objectValue ?? [:]
            var given = profiles["given"]?.objectValue ?? [:]
            given["environment"] = ["GIVEN": "to-the-agent", "GATE": .string(world.folder + "/gates/given")]
            all["given"] = .object(given)
            settings["profiles"] = .object(all)
            try world.write("config.json", JSONValue.object(settings).description)
            try world.start()
            let repository = try world.repository()
            let gate = try world.gate("given")
            try world.enqueue(repository, ["id": "GIVEN", "agent": "given"])
            let visitor = try gate.arrival()
            // While it runs.
            try world.wait(forEvent: "run.started", "GIVEN")
            let spec = "\(world.state)/runs/GIVEN.1/spec"
            try poll(for: "the spec to be forgotten") {
                let bytes = FileManager.default.contents(atPath: spec) ?? Data()
                return bytes.range(of: Data("to-the-agent".utf8)) == nil && bytes.range(of: Data("boot\0".utf8)) != nil
            }
            // A daemon that comes later goes on with it all the same.
            try world.kill9()
            try world.restart()
            visitor.letThrough()
            try world.wait(for: "GIVEN", "needs_human_review")
            #expect(world.events("run.ended", "GIVEN").first?.params["outcome"] == "exit 0")
        }
    }
}
