import Core
import Daemon
import IPC
import Logging

/// Makes a repository known to orch: through the daemon if one runs, else in its store directly.
struct Registration {
    /// What came of it.
    struct Outcome {
        /// `r1`.
        var id: String
        /// The branch its tickets land on.
        var target: String
        /// Its `.orch/` as it stands on that branch: the tree's name, or `none`.
        var digest: String
        var isTrusted: Bool
    }

    let global: GlobalOptions
    let console: Console

    /// Registers the repository at `path`.
    ///
    /// - Parameters:
    ///   - trusting: whether its `.orch/` is accepted as it stands on the target branch.
    ///   - digests: other states of its `.orch/` to be accepted, such as the one about to be committed.
    func register(_ path: String, trusting: Bool, digests: [String] = []) throws -> Outcome {
        let client: Client
        do {
            client = try global.connect(console)
        } catch let error as RPCError where error.code == .daemonNotRunning {
            do {
                return try withoutDaemon(path, trusting, digests)
            } catch is StateLock.AlreadyRunning {
                // It has come up in the meantime.
                return try withDaemon(try global.connect(console), path, trusting, digests)
            }
        }
        return try withDaemon(client, path, trusting, digests)
    }

    private func withDaemon(_ client: Client, _ path: String, _ trusting: Bool, _ digests: [String]) throws -> Outcome {
        let result = try client.request(
            "repository.add",
            ["path": .string(path), "trust": .bool(trusting), "digests": JSONValue(digests)]
        )
        let row: RepositoryRow = try (result["repository"] ?? .null).decode()
        let digest = result["digest"]?.stringValue ?? "none"
        return Outcome(
            id: row.id,
            target: row.target,
            digest: digest,
            isTrusted: result["trusted"]?.boolValue ?? (trusting || digest == "none")
        )
    }

    private func withoutDaemon(_ path: String, _ trusting: Bool, _ digests: [String]) throws -> Outcome {
        let options = Daemon.Options(
            paths: try global.paths(console),
            // A configuration with mistakes is told of, and is no reason not to register.
            user: (try? global.settings(console).settings) ?? UserSettings(),
            environment: console.environment,
            runner: Programs.runner(),
            version: Version.number,
            onStop: .detach
        )
        var logger = Logger(label: "orch") { _ in LogLines() }
        logger.logLevel = .error
        let registered = try OfflineRegistration.register(
            path,
            trust: trusting,
            digests: digests,
            options: options,
            logger: logger
        )
        return Outcome(
            id: registered.id,
            target: registered.target,
            digest: registered.digest,
            isTrusted: registered.isTrusted
        )
    }
}
