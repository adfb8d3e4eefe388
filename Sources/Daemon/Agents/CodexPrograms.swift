import Core
import Synchronization

/// Which Codex has an app server: one of before it can be spoken with by `codex exec` alone. Each program is asked once, and
/// again when its file is another.
final class CodexPrograms: Sendable {
    private struct Program: Hashable {
        /// All of it: what starts others (`npx`) starts another Codex by other arguments.
        let arguments: [String]
        let file: FileIdentity
    }

    private let answers = Mutex<[Program: Bool]>([:])
    /// How long a program may take to say what it can.
    private static let patience = Duration.seconds(10)

    /// The profile by which a run is to be driven: of the kind `codexExec` where it asks for an app server, and its program
    /// says that it has none. Takes as long as the program does, the first time.
    func driven(_ profile: AgentProfile, environment: [String: String], directory: String) -> AgentProfile {
        guard profile.kind == .codex, let name = profile.program.first,
            let path = Programs.find(name, in: environment, directory: directory),
            let file = FileIdentity(of: path)
        else { return profile }
        let program = Program(arguments: [path] + profile.program.dropFirst(), file: file)
        let known = answers.withLock { $0[program] }
        guard let answer = known ?? Self.ask(program.arguments, environment, directory) else { return profile }
        answers.withLock { $0[program] = answer }
        var profile = profile
        if !answer { profile.kind = .codexExec }
        return profile
    }

    /// Nil where it does not say: the run's own start then says what is wrong.
    private static func ask(_ program: [String], _ environment: [String: String], _ directory: String) -> Bool? {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        var command = ShellCommand(program + ["app-server", "--help"], environment: variables, directory: directory)
        command.timeout = patience
        command.outputLimit = 1 << 16
        guard let output = try? command.run(), !output.timedOut, output.signal == 0 else { return nil }
        // What has no such command says how it is used otherwise.
        let text = String(decoding: output.standardOutput + output.standardError, as: UTF8.self)
        return text.contains("app-server") ? true : text.contains("Usage:") ? false : nil
    }
}
