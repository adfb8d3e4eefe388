import ArgumentParser
import IPC

struct Completions: Subcommand {
    static let configuration = CommandConfiguration(
        abstract: "Print a completion script for bash, zsh or fish.",
        discussion: "For bash: orch completions bash > ~/.local/share/bash-completion/completions/orch"
    )

    @Argument(help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"))
    var shell: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let known = CompletionShell.allCases.map(\.rawValue).sorted()
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandError(
                .usage,
                "there is no completion for \(shell)",
                hint: "known: \(known.joined(separator: ", "))"
            )
        }
        let script = Orch.completionScript(for: shell)
        if global.json { console.write(json: ["script": .string(script)]) } else { console.write(script) }
        return .done
    }
}
