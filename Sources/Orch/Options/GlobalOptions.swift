import ArgumentParser
import Daemon
import Foundation
import IPC

/// What every subcommand takes.
struct GlobalOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.")
    var json = false

    @Option(name: .long, help: ArgumentHelp("Where the daemon keeps its state.", valueName: "path"))
    var stateDir: String?

    @Option(name: .long, help: ArgumentHelp("The daemon's socket.", valueName: "path"))
    var socket: String?

    @Option(name: .long, help: ArgumentHelp("Your configuration.", valueName: "path"))
    var config: String?

    /// Where state, socket and configuration are.
    func paths(_ console: Console) throws -> StatePaths {
        try StatePaths(
            environment: console.environment,
            stateDirectory: stateDir,
            socket: socket,
            configuration: config,
            workingDirectory: FileManager.default.currentDirectoryPath
        )
    }

    /// The user's settings. A file that was named has to exist.
    func settings(_ console: Console, flags: [SettingFlag] = []) throws -> LoadedSettings {
        let isNamed = config != nil || console.environment["ORCH_CONFIG"].map { !$0.isEmpty } ?? false
        return try SettingsFile.load(
            path: try paths(console).configuration,
            isRequired: isNamed,
            environment: console.environment,
            flags: flags
        )
    }

    /// A connection to the daemon. Throws `daemonNotRunning` where none listens, and `unavailable` where one lives that
    /// cannot be reached.
    func connect(_ console: Console) throws -> Client {
        let client = try Reach(paths: try paths(console)).connect()
        guard client.hello.version == Version.wire else {
            throw CommandError.failed(
                "the daemon (\(client.hello.daemon)) speaks version \(client.hello.version) of the protocol, "
                    + "this orch (\(Version.number)) speaks \(Version.wire)",
                hint: "end the daemon with its own orch, then start this one: orch daemon"
            )
        }
        return client
    }
}
