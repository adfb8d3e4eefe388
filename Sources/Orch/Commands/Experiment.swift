import ArgumentParser
import Core
import Daemon
import Foundation
import IPC

struct Experiment: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the same tickets done by 1, 3 and 5 agents, each on a copy of the repository, and compare.",
        discussion: """
            Each trial is a clone with a daemon of its own, one after the other, with your profiles: its agents do the work \
            anew, and cost what they cost. What asks for approval is approved; a ticket that needs a human is cancelled and \
            counted. Your repository is only read. The folder keeps the copies, the rows of every ticket \
            (AGENTSxROUND/state/metrics/tickets.csv) and a line for each trial (experiment.csv), which \
            metrics/analysis.ipynb plots.
            """
    )

    @Argument(help: ArgumentHelp("Ticket files, YAML, JSON or Markdown; - is standard input.", valueName: "file"))
    var files: [String]
    @Option(name: .long, help: ArgumentHelp("How many agents at a time, in turn.", valueName: "numbers"))
    var agents = "1,3,5"
    @Option(name: .long, help: ArgumentHelp("How often each is tried, in turn.", valueName: "number"))
    var rounds = 1
    @Option(name: .long, help: ArgumentHelp("The folder it makes.", valueName: "path"))
    var out = "orch-experiment"
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    private var numbers: [Int] { agents.split(separator: ",").compactMap { Int($0) } }

    func validate() throws {
        guard !numbers.isEmpty, numbers.count == agents.split(separator: ",", omittingEmptySubsequences: false).count,
            numbers.allSatisfy({ (1...1000).contains($0) })
        else { throw ValidationError("--agents \(agents): write numbers from 1 to 1000, as in 1,3,5") }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds \(rounds): from 1 to 100") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        try InsideRun.refuse("orch experiment", global, console)
        let drafts = try TicketFiles.drafts(files)
        let checkout = try repository.checkout(console)
        let settings = try global.settings(console)
        guard settings.settings.profiles.isEmpty == false else {
            throw CommandError.failed("there is no profile of an agent", hint: "`orch init` says how to write one")
        }
        let here = out.hasPrefix("/") ? "" : FileManager.default.currentDirectoryPath + "/"
        let folder = URL(filePath: here + out).standardizedFileURL.path
        try makeFolder(folder)
        let interruption = Interruption()
        var results: [TrialResult] = []
        do {
            for round in 1...rounds {
                for agents in numbers {
                    let trial = trial(agents, round, folder, checkout, drafts, console)
                    results.append(
                        try trial.run(interruption) { landed, all in
                            tell("\(agents) agents: \(landed) of \(all) landed", console)
                        }
                    )
                    try save(results, in: folder)
                }
            }
        } catch {
            // The daemon was ended for it, and what that led to is nobody's concern.
            interruption.endsIfBegun()
            throw error
        }
        if global.json {
            console.write(json: .array(results.map(Self.json)))
        } else {
            if console.isTerminal { console.write("") }
            console.write(TrialResult.table(results))
            console.write("")
            console.write("written to \(SafeText.line(folder))/experiment.csv")
        }
        return .done
    }

    /// A line that the next one takes the place of.
    private func tell(_ text: String, _ console: Console) {
        guard console.isTerminal, !global.json else { return }
        console.write(bytes: "\r\(text) ".utf8)
        console.flush()
    }

    private func save(_ results: [TrialResult], in folder: String) throws {
        let file = folder + "/experiment.csv"
        do { try TrialResult.csv(results).write(toFile: file, atomically: true, encoding: .utf8) } catch {
            throw CommandError.failed("cannot write \(file): \(error.localizedDescription)")
        }
    }

    private func makeFolder(_ folder: String) throws {
        guard !FileManager.default.fileExists(atPath: folder) else {
            throw CommandError.failed(
                "\(folder) is there already",
                hint: "name another folder with --out, or remove it"
            )
        }
        do { try Folders.make(folder) } catch { throw CommandError.failed("cannot make \(folder): \(error)") }
    }

    private func trial(
        _ agents: Int,
        _ round: Int,
        _ folder: String,
        _ checkout: Checkout,
        _ drafts: [TicketDraft],
        _ console: Console
    ) -> Trial {
        Trial(
            agents: agents,
            round: round,
            folder: "\(folder)/\(agents)x\(round)",
            checkout: checkout,
            drafts: drafts,
            configuration: global.config,
            console: console
        )
    }

    private static func json(_ result: TrialResult) -> JSONValue {
        .object(
            JSONObject(
                TrialResult.columns.map { name, value in
                    let text = value(result)
                    return (name, Int(text).map { JSONValue($0) } ?? Double(text).map(JSONValue.double) ?? .null)
                }
            )
        )
    }
}
