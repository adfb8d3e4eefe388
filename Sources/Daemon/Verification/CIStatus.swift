import Core
import Foundation
import IPC

/// What a verifier said about a tree, for the status file.
struct Check: Sendable, Equatable {
    let name: String
    let isPassed: Bool
    /// The exit code, where there was one.
    let exit: Int?
    let seconds: Double
    /// Where what it printed is.
    let log: String

    init(name: String, _ outcome: RunOutcome, seconds: Double, log: String) {
        self.name = name
        isPassed = outcome == .exited(0)
        exit = if case .exited(let code) = outcome { code } else { nil }
        self.seconds = seconds
        self.log = log
    }

    /// As the store knows it.
    ///
    /// - Parameter runs: where the runs' folders lie.
    init(_ run: RunRow, runs: String) {
        let times = [run.started, run.ended].map { $0.flatMap(Timestamp.instant)?.milliseconds ?? 0 }
        let phrase = run.outcome ?? ""
        name = run.name
        isPassed = run.state == "passed"
        exit = phrase.hasPrefix("exit ") ? Int(phrase.dropFirst(5)) : nil
        seconds = times[0] == 0 ? 0 : Double(max(0, times[1] - times[0])) / 1000
        log = "\(runs)/\(run.id)/stdout"
    }

    /// As `json` has it; nil where it is something else.
    init?(_ json: JSONValue) {
        guard let name = json["name"]?.stringValue, let status = json["status"]?.stringValue,
            let seconds = json["seconds"]?.doubleValue, let log = json["log"]?.stringValue
        else { return nil }
        self.name = name
        isPassed = status == "PASS"
        exit = json["exit"]?.intValue
        self.seconds = seconds
        self.log = log
    }

    var json: JSONValue {
        [
            "name": .string(name), "status": isPassed ? "PASS" : "FAIL", "exit": exit.map { JSONValue($0) } ?? .null,
            "seconds": .double(seconds), "log": .string(log),
        ]
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
    /// Where its PASS comes from, if this commit has not been judged itself.
    var reused: Reused?

    /// An earlier verification of the same tree, by the same commands in the same surroundings.
    struct Reused: Equatable {
        /// The commit that was judged; nil where that was not noted yet.
        var commit: String?
        /// Whose work that was; nil where it was no ticket's.
        var ticket: String?
        /// When it had passed.
        var time: String?

        var json: JSONValue {
            var json: JSONObject = ["commit": commit.map { .string($0) } ?? .null]
            if let ticket { json["ticket"] = .string(ticket) }
            json["time"] = time.map { .string($0) } ?? .null
            return .object(json)
        }
    }

    var json: JSONObject {
        var json: JSONObject = [
            "commit": .string(commit.text), "tree": .string(tree.text), "status": .string(status),
            "verifiers": .array(checks.map(\.json)),
        ]
        if isRelaxed { json["verify"] = "quick" }
        if let reused { json["reused"] = reused.json }
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
