import Core
import Daemon
import Foundation

/// Whether the agents of a profile could be started: `orch doctor` asks the programs that orch knows for their version.
struct ProfileExamination {
    let environment: [String: String]
    /// How long a program may take to say its version.
    var patience = Duration.seconds(20)

    func finding(_ name: String, _ profile: AgentProfile) -> Examination.Finding {
        let label = "profile \(name)"
        let program = profile.program[0]
        // A relative path is taken from the worktree, which differs from ticket to ticket.
        if program.contains("/"), !program.hasPrefix("/") {
            return Examination.Finding(level: .ok, name: label, message: "\(program), in the ticket's worktree")
        }
        guard let path = Programs.find(program, in: environment) else {
            return Examination.Finding(
                level: .fail,
                name: label,
                message: program.hasPrefix("/") ? "\(program) cannot be executed" : "\(program) is not on your PATH",
                hint: profile.kind.installation.map { "\($0), or say where it is in \"command\"" }
                    ?? "install it, or correct \"command\""
            )
        }
        // Of any other program nobody knows what it would do.
        guard profile.kind.program != nil else { return Examination.Finding(level: .ok, name: label, message: path) }
        return trial(label, profile, path)
    }

    /// Starts it as a run would, to say its version.
    private func trial(_ label: String, _ profile: AgentProfile, _ path: String) -> Examination.Finding {
        let arguments = [path] + profile.program.dropFirst() + ["--version"]
        let variables = environment.merging(profile.environment) { $1 }.map { "\($0.key)=\($0.value)" }
        var command = ShellCommand(arguments, environment: variables)
        command.timeout = patience
        command.outputLimit = 1 << 16
        let problem: String
        do {
            let output = try command.run()
            let version = Self.line(output.standardOutput)
            if output.exitCode == 0, !version.isEmpty {
                return Examination.Finding(level: .ok, name: label, message: "\(path), \(version)")
            }
            let complaint = Self.line(output.standardError)
            problem =
                output.timedOut
                ? "said nothing for \(DurationText.format(patience))"
                : output.signal != 0
                    ? "was ended by signal \(output.signal)"
                    : "ended with \(output.exitCode)" + (complaint.isEmpty ? "" : ": \(complaint)")
        } catch {
            problem = "could not be started: \(error)"
        }
        return Examination.Finding(
            level: .fail,
            name: label,
            message: "\(path) \(problem)",
            hint: "try by hand: \(arguments.joined(separator: " "))"
        )
    }

    private static func line(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(4096), as: UTF8.self)
        let line = text.split(whereSeparator: \.isNewline).first { !$0.allSatisfy(\.isWhitespace) } ?? ""
        return String(line.prefix(200)).trimmingCharacters(in: .whitespaces)
    }
}

extension AgentProfile.Kind {
    /// How to get its program; nil for a kind without one of its own.
    fileprivate var installation: String? {
        switch self {
        case .command, .acp: nil
        case .codex, .codexExec: "npm install -g @openai/codex"
        case .gemini: "npm install -g @google/gemini-cli"
        case .opencode: "npm install -g opencode-ai"
        case .claude: "npm install -g @anthropic-ai/claude-code"
        case .amp: "npm install -g @ampcode/cli"
        case .aider: "pipx install aider-chat"
        }
    }
}
