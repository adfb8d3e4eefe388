import Core
import Dispatch
import Foundation
import IPC
public import Logging
import Synchronization

/// Registers a repository while no daemon runs: `orch init` works without one.
public enum OfflineRegistration {
    /// Opens the store as a daemon would, registers the repository that holds `path`, and closes it again. What that
    /// makes possible (a ticket waiting for trust, say) starts with the next daemon.
    ///
    /// - Parameters:
    ///   - trust: whether its `.orch/` is accepted as it stands on the target branch.
    ///   - digests: other states of its `.orch/` that are accepted, such as the one about to be committed.
    /// - Throws: when a daemon runs after all, or the repository cannot be used.
    public static func register(
        _ path: String,
        trust: Bool,
        digests: [String],
        options: Daemon.Options,
        logger: Logger
    ) throws -> Registered {
        try options.paths.makeDirectories()
        let lock = try StateLock(path: options.paths.lock, isDaemon: false)
        defer { lock.release() }
        let store = try options.paths.openStore(options.user.durability, Reserve(directory: options.paths.directory))
        defer { try? store.close() }
        let loaded = try store.load()
        let git = try Git(environment: options.environment, isDurable: options.user.durability == .full)
        let found = try RepositoryOnDisk(path, stateDirectory: options.paths.directory, git: git)
        let engine = Engine(
            core: Orchestrator(
                limits: Orchestrator.Limits(options.user),
                restoring: loaded.state,
                at: Timestamp.now()
            ),
            loaded: loaded,
            daemonRow: loaded.daemonRow,
            store: store,
            rows: PictureRows(worktrees: options.paths.worktrees),
            hooks: .none,
            logger: logger,
            recovering: false
        )
        engine.start()
        // Nobody would perform what a start asks for.
        engine.submit(.drainAsked)
        let answer = Mutex<Result<Registered, Refusal>?>(nil)
        let answered = DispatchSemaphore(value: 0)
        engine.ask(found.asked(trusting: trust, digests: digests)) { result, view in
            let registered = result.map { _ in
                let known = view.core.repositories.values.first { $0.path == found.path }!
                return Registered(
                    id: known.id.text,
                    target: known.target,
                    digest: found.digest,
                    isTrusted: known.trusted.contains(found.digest)
                )
            }
            answer.withLock { $0 = registered }
            answered.signal()
        }
        // A store that cannot be written is tried again for a while, and then given up.
        _ = answered.wait(timeout: .now() + 10)
        engine.stop()
        guard let result = answer.withLock({ $0 }) else {
            throw StoreError.unwritable("gave up after 10 seconds; is the disk full?")
        }
        let registered = try result.get()
        let id = RepositoryID(registered.id)
        try GitRepository.open(found.path, id: id, stateDirectory: options.paths.directory, git: git).claim()
        return registered
    }

    /// A repository that orch knows.
    public struct Registered: Equatable, Sendable {
        /// `r1`.
        public let id: String
        /// The branch its tickets land on.
        public let target: String
        /// The digest of its `.orch/` there, or `none`.
        public let digest: String
        /// Whether that is accepted.
        public let isTrusted: Bool
    }
}
