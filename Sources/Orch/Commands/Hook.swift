import ArgumentParser
import Daemon
import Foundation
import IPC

struct Hook: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook",
        abstract: "Verify what is pushed.",
        subcommands: [InstallHook.self]
    )
}

struct InstallHook: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Have a bare repository verify what is pushed to it, and tell the pusher.",
        discussion: """
            Writes its post-receive hook, which calls `orch ci run` for each commit that a branch or tag is pushed to. A \
            hook that is there already goes on working: it is called first, as post-receive.before-orch. The hook uses the \
            configuration and the state directory that this command does, whoever pushes. May be repeated.
            """
    )

    @Option(name: .long, help: ArgumentHelp("The bare repository.", valueName: "path"))
    var repo: String
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        try InsideRun.refuse("orch hook install", global, console)
        let options = try optionsForElsewhere(console)
        let hook = try ReceiveHook(repository: repo, environment: console.environment)
        let kept = try hook.install(orch: Programs.ourselves(), options: options)
        if global.json {
            console.write(json: ["hook": .string(hook.path), "before": kept.map(JSONValue.string) ?? .null])
            return .done
        }
        console.write("what is pushed to \(SafeText.line(repo)) is verified by \(SafeText.line(hook.path))")
        if let kept { console.write("the hook that was there is called first: \(SafeText.line(kept))") }
        return .done
    }

    /// What the hook has to be told, as those who push have an environment of their own (over ssh, next to none).
    private func optionsForElsewhere(_ console: Console) throws -> [String] {
        let ours = try global.paths(console)
        let unasked = try StatePaths(
            environment: console.environment.filter { $0.key == "HOME" },
            workingDirectory: "/"
        )
        var options: [String] = []
        if ours.directory != unasked.directory { options += ["--state-dir", ours.directory] }
        let isThere = FileManager.default.fileExists(atPath: ours.configuration)
        // One that is named has to exist, so that what does not is not.
        if ours.configuration != unasked.configuration, isThere { options += ["--config", ours.configuration] }
        return options
    }
}
