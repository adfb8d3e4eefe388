import Core
import Foundation
import IPC

/// What a verifier said about a tree, for the status file.
struct Check: Sendable, Equatable {
    let name: String
    let run: RunID
    let outcome: RunOutcomeText
    let seconds: Double

    /// A run's end as the store keeps it.
    struct RunOutcomeText: Sendable, Equatable {
        let state: String
        let phrase: String
        /// The exit code, where there was one.
        var exit: Int? { phrase.hasPrefix("exit ") ? Int(phrase.dropFirst(5)) : nil }
    }
}

/// The outcome of a verification as other programs read it: `ci-status/<commit>.json` in the repository's git
/// directory, one line of JSON.
struct CIStatus {
    let commit: ObjectID
    let tree: ObjectID
    /// `PASS`, `FAIL` or `ERROR`.
    let status: String
    let checks: [Check]
    /// Whether only quick verifiers were asked.
    var isRelaxed = false
    /// Where the runs' folders lie.
    let runs: String

    var json: JSONObject {
        let verifiers = checks.map { check -> JSONValue in
            let status: JSONValue = check.outcome.state == "passed" ? "PASS" : "FAIL"
            return [
                "name": .string(check.name), "status": status,
                "exit": check.outcome.exit.map { JSONValue($0) } ?? .null, "seconds": .double(check.seconds),
                "log": .string("\(runs)/\(check.run)/stdout"),
            ]
        }
        var json: JSONObject = [
            "commit": .string(commit.text), "tree": .string(tree.text), "status": .string(status),
            "verifiers": .array(verifiers),
        ]
        if isRelaxed { json["verify"] = "quick" }
        return json
    }

    /// Whole or not at all: a reader never sees half a file.
    func write(to gitDirectory: String) throws {
        let folder = "\(gitDirectory)/ci-status"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let file = "\(folder)/\(commit).json"
        try GitFiles.write(json.bytes + [0x0A], to: file, isDurable: false, mode: 0o666, for: "write \(file)")
    }
}
