import ArgumentParser
import Core
import Daemon
import IPC

struct Trust: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Accept this repository's .orch/ as it stands on the target branch.",
        discussion: "What it asks orch to execute is printed. Works without a daemon."
    )

    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        try InsideRun.refuse("orch trust", global, console)
        let checkout = try repository.checkout(console)
        let outcome = try Registration(global: global, console: console).register(checkout.repository, trusting: true)
        let commands = try Self.commands(of: checkout, at: outcome.target)
        if global.json {
            console.write(json: [
                "repository": .string(outcome.id), "path": .string(checkout.repository),
                "target": .string(outcome.target),
                "digest": .string(outcome.digest), "trusted": .bool(outcome.isTrusted),
            ])
            return .done
        }
        guard outcome.digest != "none" else {
            console.write("there is no .orch/ on \(SafeText.line(outcome.target)), so there is nothing to trust")
            return .done
        }
        console.write("trusted: the .orch/ (\(outcome.digest.prefix(10))) on \(SafeText.line(outcome.target))")
        for (name, command) in commands { console.write("    \(SafeText.line(name)): \(SafeText.line(command))") }
        return .done
    }

    /// What the configuration on a branch asks orch to execute, by name.
    static func commands(of checkout: Checkout, at branch: String) throws -> [(String, String)] {
        guard let bytes = try checkout.file(RepositoryFile.path, at: "refs/heads/\(branch)"),
            let policy = try? RepositoryFile.parse(bytes)
        else { return [] }
        let setup = policy.setup.map { [("setup", $0.command.joined(separator: " "))] } ?? []
        return setup + policy.verifiers.map { ("verifier \($0.name)", $0.command.joined(separator: " ")) }
    }
}
