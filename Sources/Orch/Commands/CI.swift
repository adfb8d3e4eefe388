import ArgumentParser
import Core
import Daemon
import Foundation
import IPC

struct CI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ci",
        abstract: "Verification without a daemon.",
        subcommands: [RunCI.self]
    )
}

struct RunCI: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Verify a commit as the daemon would, and write ci-status/<commit>.json.",
        discussion: """
            The commit is checked out in a place of orch's own, set up, and judged by the verifiers of the target branch; \
            its ci.sh, where none is configured, is given the commit as its first argument. Works without a daemon, and \
            in a bare repository. What has passed before is not run again, where the tree, the commands and what they \
            find around the tree are the same. Exits with 0 if it has passed, and with 1 if it has not.
            """
    )

    @Option(name: .long, help: ArgumentHelp("The commit; HEAD by default.", valueName: "commit"))
    var commit = "HEAD"
    @Flag(name: .long, help: "Run the verifiers, also where the same has passed before.")
    var again = false
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let settings = try global.settings(console).settings
        let runner = Programs.runner()
        guard Programs.isExecutable(runner) else {
            throw CommandError.failed("there is no \(runner)", hint: "install orch-runner beside orch")
        }
        let (redactor, missing) = try SecretValues.load(settings.secrets, environment: console.environment)
        for sentence in missing { console.say("orch: \(sentence)") }
        let options = CommitVerification.Options(
            paths: try global.paths(console),
            user: settings,
            environment: console.environment,
            runner: runner,
            redactor: redactor
        )
        let verification: CommitVerification
        let place = repository.repo ?? FileManager.default.currentDirectoryPath
        do {
            verification = try CommitVerification(of: commit, in: place, options)
        } catch let error as GitError where error.kind == .notFound {
            throw CommandError(.notFound, error.message, hint: "give a commit of this repository: --commit, --repo")
        } catch let error as GitError where error.kind == .notRepository {
            throw CommandError(
                .usage,
                "\(place) is in no git repository",
                hint: "go to one, or name it with --repo PATH"
            )
        }
        let isQuiet = global.json
        let result = try verification.run(again: again) { news in
            if !isQuiet { Self.tell(news, console) }
        }
        if global.json {
            console.write(bytes: result.json + [0x0A])
        } else {
            let name = String(result.commit.prefix(10))
            if let reused = result.reused {
                let earlier = "\(reused.commit.prefix(10)), which passed \(Moments.full(reused.time))"
                console.write("reused: nothing differs from \(earlier); --again runs the verifiers all the same")
            }
            let verdict = console.styled(result.status, result.status == "PASS" ? .good : .bad)
            console.write("\(verdict) \(name)" + (result.reason.map { ": \(SafeText.line($0))" } ?? ""))
            console.write("written to \(SafeText.line(result.file))")
        }
        return result.status == "PASS" ? .done : .failed
    }

    private static func tell(_ news: CommitVerification.News, _ console: Console) {
        switch news {
        case .waits: console.write("waiting for another verification to end")
        case .began(let check):
            if console.isTerminal { console.write("\(SafeText.line(check)) …") }
        case .ended(let end):
            for line in end.tail.split(separator: "\n", omittingEmptySubsequences: false).suffix(40) where !line.isEmpty
            {
                console.write("    \(SafeText.line(String(line)))")
            }
            let seconds = String(format: "%.1f s", end.seconds)
            console.write("\(SafeText.line(end.name)): \(SafeText.line(end.outcome)), \(seconds)")
            if !end.isPassed { console.write("its log: \(SafeText.line(end.log))") }
        }
        console.flush()
    }
}
