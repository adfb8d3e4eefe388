import ArgumentParser
import Core
import Daemon
import Foundation
import Glibc
import IPC

struct Init: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Set a repository up for orch, and register it.",
        discussion: """
            Writes what is missing of .orch/, never changes what is there, and says what to commit. Works without a \
            daemon, and may be repeated. What it writes itself is trusted.
            """
    )

    @Flag(name: .long, help: "Accept the .orch/ as it stands on the target branch, too.")
    var trust = false
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        try InsideRun.refuse("orch init", global, console)
        let checkout = try repository.checkout(console)
        try Self.check(checkout)
        var files = StarterFiles(checkout)
        try files.write()
        let outcome = try Registration(global: global, console: console)
            .register(checkout.repository, trusting: trust, digests: files.digest.map { [$0] } ?? [])
        let advice = try Advice(checkout, files, global, console)
        if global.json {
            console.write(json: [
                "repository": .string(outcome.id), "path": .string(checkout.repository),
                "target": .string(outcome.target),
                "digest": .string(outcome.digest), "trusted": .bool(outcome.isTrusted),
                "written": JSONValue(files.written), "commit": JSONValue(advice.uncommitted),
                "profile_missing": .bool(advice.profileExample != nil),
            ])
            return .done
        }
        console.write(
            "repository \(outcome.id): \(SafeText.line(checkout.repository)), landing on \(SafeText.line(outcome.target))"
        )
        for file in files.written { console.write("wrote \(file)") }
        for note in files.notes { console.write(note) }
        if outcome.digest != "none" {
            console.write(
                outcome.isTrusted
                    ? "its .orch/ on \(SafeText.line(outcome.target)) is trusted"
                    : "its .orch/ on \(SafeText.line(outcome.target)) is not trusted yet: look at it, then run: orch trust"
            )
        }
        advice.write(to: console)
        return .done
    }

    /// What orch cannot work with, said before anything is written.
    private static func check(_ checkout: Checkout) throws {
        guard try checkout.resolve("HEAD^{commit}") != nil else {
            throw CommandError(.usage, "\(checkout.topLevel) has no commit yet", hint: "make a first commit")
        }
        guard try checkout.branch() == nil else { return }
        let file = "\(checkout.topLevel)/\(RepositoryFile.path)"
        let bytes = FileManager.default.contents(atPath: file).map { [UInt8]($0) } ?? []
        guard (try? RepositoryFile.parse(bytes))?.targetBranch == nil else { return }
        throw CommandError(
            .usage,
            "HEAD of \(checkout.topLevel) is detached, so the branch to land on is not clear",
            hint: "check a branch out, or set \"targetBranch\" in .orch/config.json"
        )
    }
}

/// The files that a repository starts with.
struct StarterFiles {
    private let checkout: Checkout
    /// What was written, from the top of the repository.
    private(set) var written: [String] = []
    /// What else there is to say.
    private(set) var notes: [String] = []
    /// The `.orch/` that was written here and by nobody else, once it is committed as it is.
    private(set) var digest: String?

    init(_ checkout: Checkout) { self.checkout = checkout }

    mutating func write() throws {
        let configuration = RepositoryFile.path
        if access("\(checkout.topLevel)/\(configuration)", F_OK) != 0 {
            let isNew = access("\(checkout.topLevel)/ci.sh", F_OK) != 0
            if isNew { try writeScript() }
            let command = access("\(checkout.topLevel)/ci.sh", X_OK) == 0 ? #""./ci.sh""# : #""sh", "./ci.sh""#
            // What else lies in .orch/ was written by others, and is not trusted by being found.
            let isAlone = try checkout.uncommitted([".orch"]).isEmpty && checkout.resolve("HEAD:.orch") == nil
            try write(configuration, Self.configuration(command, withSmoke: isNew), mode: 0o644)
            if isAlone { digest = try checkout.treeOfOrch(with: configuration) }
        } else if namesNoVerifier(configuration), access("\(checkout.topLevel)/ci.sh", F_OK) != 0 {
            try writeScript()
            notes.append("ci.sh is the verifier, as \(configuration) names none")
        }
        try exclude("/.orch/backlog/")
        let backlog = "\(checkout.topLevel)/.orch/backlog"
        do throws(Folders.Problem) { try Folders.make(backlog, mode: 0o777) } catch {
            throw CommandError.failed("cannot make \(backlog): \(error)", hint: "see whether you may write there")
        }
    }

    private mutating func writeScript() throws {
        try write("ci.sh", Self.script, mode: 0o755)
        notes.append("ci.sh fails until you edit it: nothing lands that has not been tested")
    }

    /// Whether the configuration can be read and says nothing of what judges a tree.
    private func namesNoVerifier(_ configuration: String) -> Bool {
        guard let bytes = FileManager.default.contents(atPath: "\(checkout.topLevel)/\(configuration)") else {
            return false
        }
        return (try? RepositoryFile.parse([UInt8](bytes)))?.verifiers.isEmpty ?? false
    }

    private mutating func write(_ name: String, _ text: String, mode: mode_t) throws {
        let path = "\(checkout.topLevel)/\(name)"
        func failure(_ number: Int32) -> CommandError {
            .failed(
                "cannot write \(path): \(String(cString: strerror(number)))",
                hint: "see whether you may write there"
            )
        }
        if let slash = path.lastIndex(of: "/") {
            do throws(Folders.Problem) {
                try Folders.make(String(path[..<slash]), mode: 0o777)
            } catch {
                throw CommandError.failed("cannot write \(path): \(error)", hint: "see whether you may write there")
            }
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw failure(errno) }
        if mode & 0o111 != 0 { fchmod(descriptor, mode) }
        written.append(name)
    }

    /// Adds a line to git's own list of what is none of its business here.
    private mutating func exclude(_ line: String) throws {
        let path = try checkout.gitPath("info/exclude")
        let known = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard !known.split(separator: "\n").contains(Substring(line)) else { return }
        let text = known + (known.isEmpty || known.hasSuffix("\n") ? "" : "\n") + line + "\n"
        do {
            if let slash = path.lastIndex(of: "/") { try Folders.make(String(path[..<slash]), mode: 0o777) }
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw CommandError.failed("cannot add \(line) to \(path)", hint: "see whether you may write there")
        }
        notes.append("added \(line) to git's info/exclude, so that ticket files there stay yours")
    }

    /// - Parameter withSmoke: whether the script knows `--quick`; one of the user's own may take it for something else.
    private static func configuration(_ command: String, withSmoke: Bool) -> String {
        let smoke = #"{"name": "smoke", "command": [\#(command), "--quick"], "quick": true},\#n    "#
        return """
            {
              "verifiers": [
                \(withSmoke ? smoke : ""){"name": "ci", "command": [\(command)]}
              ]
            }

            """
    }

    private static let script = """
        #!/bin/sh
        # Judges this work tree: exit 0, and it may land. orch runs it on exactly the tree that is to land.
        # With --quick, only what takes seconds: that is run first, to fail early.
        set -eu
        cd "$(dirname "$0")"

        if [ "${1:-}" = "--quick" ]; then
            echo "ci.sh: nothing is tested yet; put a quick check here" >&2
            exit 1
        fi

        echo "ci.sh: nothing is tested yet; put your tests here, such as: make test" >&2
        exit 1

        """
}

/// What is left to do after `orch init`.
private struct Advice {
    let uncommitted: [String]
    /// A configuration with a profile, where there is none.
    private(set) var profileExample: String?
    private let configuration: String
    private var configurationProblems: [FileProblem] = []

    init(_ checkout: Checkout, _ files: StarterFiles, _ global: GlobalOptions, _ console: Console) throws {
        uncommitted = try checkout.uncommitted([".orch/config.json", "ci.sh"])
        configuration = try global.paths(console).configuration
        do {
            if try global.settings(console).settings.profiles.isEmpty { profileExample = Self.example }
        } catch let error as FileProblems {
            configurationProblems = error.problems
        }
    }

    private static let example = """
        {
          "defaultProfile": "claude",
          "profiles": {
            "claude": {
              "kind": "command",
              "command": ["claude", "-p", "--permission-mode", "acceptEdits"],
              "prompt": "stdin",
              "timeLimit": "60m"
            }
          }
        }
        """

    func write(to console: Console) {
        console.write("")
        console.write("next:")
        for problem in configurationProblems { console.write("  repair \(SafeText.line(problem.description))") }
        if !uncommitted.isEmpty {
            let names = uncommitted.map(SafeText.line).joined(separator: " ")
            console.write("  commit it:  git add \(names) && git commit -m \"Set orch up\"")
            console.write("  accept it:  orch trust   (once it is committed, if you have changed what was written)")
        }
        if let profileExample {
            console.write("  say how an agent is started, in \(SafeText.line(configuration)), for example:")
            for line in profileExample.split(separator: "\n") { console.write("    \(line)") }
        }
        console.write("  give it work:  orch run --title \"…\" --description \"…\" --wait")
    }
}
