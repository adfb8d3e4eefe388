import ArgumentParser
import Core
import Foundation
import Glibc
import IPC

/// A subcommand of orch.
protocol Subcommand: ParsableCommand {
    var global: GlobalOptions { get }

    /// Does it, prints what came of it, and says how it ended. Errors are printed by the caller.
    func perform(_ console: Console) throws -> ExitStatus
}

/// One call of `orch`, from its arguments to its exit status: the only place that turns errors into text.
struct Invocation {
    let arguments: [String]

    func run() -> ExitStatus {
        // A reader that goes away (`orch list | head`) is an answer to a write, not the end of us.
        signal(SIGPIPE, SIG_IGN)
        Console.adoptLocale()
        let console = Console(environment: ProcessInfo.processInfo.environment)
        let status = run(on: console)
        return max(status, console.finish())
    }

    private func run(on console: Console) -> ExitStatus {
        var wantsJSON = arguments.prefix { $0 != "--" }.contains("--json")
        do {
            var command = try Orch.parseAsRoot(arguments)
            guard let subcommand = command as? any Subcommand else {
                try command.run()
                return .done
            }
            wantsJSON = subcommand.global.json
            return try subcommand.perform(console)
        } catch let error where Self.isFromParser(error) {
            return report(parserError: error, json: wantsJSON, on: console)
        } catch {
            let error = CommandError(describing: error)
            console.report(error, json: wantsJSON)
            return error.status
        }
    }

    private static func isFromParser(_ error: any Error) -> Bool {
        if error is ValidationError || error is CleanExit || error is ExitCode { return true }
        // The parser's own error types are not public; it gives all of them, and no others, a usage status.
        return Orch.exitCode(for: error) == .validationFailure
            || Orch.exitCode(for: error) == .success
    }

    /// Help and the version, which the parser throws too, or a line that could not be understood.
    private func report(parserError error: any Error, json: Bool, on console: Console) -> ExitStatus {
        guard Orch.exitCode(for: error) != .success else {
            let text = Orch.fullMessage(for: error)
            if json, text == Version.sentence { console.write(json: Version.json) } else { console.write(text) }
            return .done
        }
        if let name = unknownCommand {
            let known = Orch.configuration.subcommands.map { $0._commandName }
            let message = "there is no command \(quoted(name))" + NearestName.hint(for: name, among: known)
            console.report(CommandError(.usage, message, hint: "`orch --help` lists them"), json: json)
            return .usage
        }
        // Usage and pointers to help follow the message, each on a line of its own.
        let full = Orch.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
        let usage = full.first { $0.hasPrefix("Usage: ") }?.dropFirst(7)
            .replacing(" [--json] [--state-dir <path>] [--socket <path>] [--config <path>]", with: "")
        // Choices come as a list; a message is one line.
        let message = Orch.message(for: error).replacing(":\n  - ", with: ": ").replacing("\n  - ", with: ", ")
        console.report(
            CommandError(
                .usage,
                message.isEmpty ? "the command line could not be understood" : message.lowercasedFirst,
                hint: usage.map { "usage: \($0)" } ?? "see: orch --help"
            ),
            json: json
        )
        return .usage
    }
}

extension Invocation {
    /// What stands where a command should; the parser would call it an unexpected argument.
    private var unknownCommand: String? {
        guard let name = arguments.first, !name.hasPrefix("-"), name != "help" else { return nil }
        return Orch.configuration.subcommands.contains { $0._commandName == name } ? nil : name
    }
}

extension String {
    /// Messages follow `orch: `, so they begin as the middle of a sentence does; names and acronyms stay.
    fileprivate var lowercasedFirst: String {
        guard let first, dropFirst().first?.isLowercase == true else { return self }
        return first.lowercased() + dropFirst()
    }
}
