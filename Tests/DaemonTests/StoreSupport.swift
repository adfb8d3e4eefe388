import Core
import Foundation
import GRDB
import Glibc
import IPC
import Logging
import Synchronization
import Testing

@testable import Daemon

/// A state directory of its own, gone at the end.
final class StateFolder {
    let path: String
    var database: String { path + "/orch.db" }

    init() throws {
        var template = Array("/tmp/orch-store-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        chmod(path, 0o700)
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Every file's bytes.
    func contents() throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            contents[name] = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        return contents
    }

    /// An engine on what is stored there, and everything it has said.
    func engine(
        reserve: Reserve? = nil,
        clock: SteadyClock.Sources = .system,
        agents: Int = 1,
        budgets: Budgets = Budgets()
    ) throws -> EngineAtWork {
        let store = try Store(path: database)
        return try EngineAtWork(store, reserve: reserve, clock: clock, agents: agents, budgets: budgets)
    }
}

/// An engine at work, without a world: effects are noted and never performed.
final class EngineAtWork {
    let store: Store
    let engine: Engine
    let said = Said()

    final class Said: Sendable {
        private let content = Mutex<(lines: [PublishedLine], troubles: [String?], effects: [Effect])>(([], [], []))
        var lines: [PublishedLine] { content.withLock { $0.lines } }
        /// Every stored event's name.
        var events: [String] { lines.filter { $0.seq != nil }.map(\.topic) }
        var troubles: [String?] { content.withLock { $0.troubles } }
        var effects: [Effect] { content.withLock { $0.effects } }
        func add(_ lines: [PublishedLine]) { content.withLock { $0.lines += lines } }
        func add(_ trouble: String?) { content.withLock { $0.troubles.append(trouble) } }
        func add(_ effect: Effect) { content.withLock { $0.effects.append(effect) } }
    }

    init(_ store: Store, reserve: Reserve?, clock: SteadyClock.Sources, agents: Int, budgets: Budgets) throws {
        self.store = store
        let loaded = try store.load()
        engine = Engine(
            core: Orchestrator(
                limits: .init(agents: agents, verificationSlots: 1, budgets: budgets),
                restoring: loaded.state,
                at: clock.wall()
            ),
            loaded: loaded,
            daemonRow: ["version": "test"],
            store: store,
            rows: PictureRows(worktrees: "/worktrees"),
            hooks: Engine.Hooks(
                publish: { [said] in said.add($0) },
                perform: { [said] effect, _, _ in said.add(effect) },
                push: { _, _ in },
                trouble: { [said] in said.add($0) },
                counted: { _, _ in }
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            reserve: reserve,
            clock: clock
        )
        engine.start()
    }

    /// Ends it, and the store with it.
    func stop() throws {
        engine.stop()
        try store.close()
    }

    /// What an input comes to, once it is answered.
    @discardableResult
    func ask(_ input: Input, descriptions: [String] = []) throws -> Result<[Fact], Refusal> {
        let answer = Mutex<Result<[Fact], Refusal>?>(nil)
        let answered = DispatchSemaphore(value: 0)
        engine.ask(input, descriptions: descriptions) { result, _ in
            answer.withLock { $0 = result }
            answered.signal()
        }
        try #require(answered.wait(timeout: .now() + 30) == .success, "no answer to \(input)")
        return try #require(answer.withLock { $0 })
    }

    /// What is true now.
    func look() throws -> Engine.View {
        let view = Mutex<Engine.View?>(nil)
        let answered = DispatchSemaphore(value: 0)
        engine.read { now in
            view.withLock { $0 = now }
            answered.signal()
        }
        try #require(answered.wait(timeout: .now() + 30) == .success, "no answer")
        return try #require(view.withLock { $0 })
    }

    func register() throws {
        _ = try ask(.repositoryAsked(path: "/r", target: "main", tip: ObjectID("1"), trusted: [])).get()
    }

    func enqueue(_ id: String) throws -> Result<[Fact], Refusal> {
        try ask(
            .enqueueAsked(RepositoryID("r1"), [NewTicket(id: TicketID(id), title: id, profile: "p")]),
            descriptions: ["do \(id)"]
        )
    }

    /// From here on the database cannot grow: SQLite says that the disk is full. Lifted with nil.
    func limit(pages: Int?) throws {
        try store.pool.writeWithoutTransaction { database in
            let used = try Int.fetchOne(database, sql: "PRAGMA page_count")!
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages.map { used + $0 } ?? 1_000_000)")
        }
    }
}

/// Waits for what another thread is about to do.
func eventually(_ what: String, within limit: Duration = .seconds(30), _ isTrue: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + limit
    while try !isTrue() {
        try #require(ContinuousClock.now < deadline, "waited in vain for \(what)")
        usleep(2000)
    }
}
