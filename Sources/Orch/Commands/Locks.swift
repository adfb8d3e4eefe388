import ArgumentParser
import Core
import Foundation
import IPC

struct Locks: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Locks on paths and resources.",
        subcommands: [ListLocks.self, TakeLock.self, ReleaseLock.self]
    )
}

struct ListLocks: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what is locked, by which ticket or person."
    )

    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        let client = try global.connect(console)
        let locks = try client.request("lock.list")["locks"]?.arrayValue ?? []
        if global.json {
            console.write(json: .array(locks.map(Self.complete)))
            return .done
        }
        guard !locks.isEmpty else {
            console.write("nothing is locked")
            return .done
        }
        var table = Table(
            .init("PATTERN", least: 12),
            .init("HOLDER"),
            .init("RUN"),
            .init("AGE", isRightAligned: true),
            .init("EXPIRES"),
            .init("FENCE", isRightAligned: true),
            .init("REASON")
        )
        table.rows = locks.compactMap { try? $0.decode(LockRow.self) }.map { lock in
            [
                .init(lock.pattern), .init(lock.ticket ?? lock.person ?? ""), .init(lock.run),
                .init(Moments.age(lock.since)),
                .init(lock.expires.map(Moments.full)), .init(String(lock.fence)), .init(lock.reason),
            ]
        }
        console.write(table)
        return .done
    }

    /// Each of these is there, null where there is none, so that scripts can count on them.
    private static func complete(_ lock: JSONValue) -> JSONValue {
        guard case .object(var object) = lock else { return lock }
        for name in ["ticket", "person", "reason", "run", "expires"] where object[name] == nil { object[name] = .null }
        return .object(object)
    }
}

struct TakeLock: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "take",
        abstract: "Hold a path or a resource yourself: tickets wait for it.",
        discussion:
            "Refused where a ticket or somebody else holds a part of it. Taking again what you hold says it anew."
    )

    @Argument(help: "A path pattern, or `resource:NAME`, or `port:NUMBER`.") var pattern: String
    @Option(name: .long, help: "Why; whoever waits is told.") var reason: String
    @Option(name: .customLong("for"), help: ArgumentHelp("Let go by itself after this long.", valueName: "2h"))
    var duration: String?
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func perform(_ console: Console) throws -> ExitStatus {
        var params: JSONObject = [
            "repository": .string(try repository.checkout(console).repository), "pattern": .string(pattern),
            "reason": .string(reason), "by": .string(NSUserName()),
        ]
        if let duration {
            params["seconds"] = JSONValue(Int(try Self.length(duration).components.seconds))
        }
        let client = try global.connect(console)
        let lock = try client.request("lock.take", params)["lock"] ?? .null
        return try report(lock, console, global) { row in
            "\(SafeText.line(row.person ?? "")) holds \(SafeText.line(row.pattern))"
                + (row.expires.map { " until \(Moments.full($0))" } ?? "; `orch locks release` lets go of it")
        }
    }
}

extension TakeLock {
    private static func length(_ text: String) throws -> Duration {
        do throws(DurationText.Problem) {
            return try DurationText.parse(text)
        } catch {
            throw CommandError(.invalidParams, "--for \(text): \(error)")
        }
    }
}

struct ReleaseLock: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Let go of a lock that a person holds."
    )

    @Argument(help: "The pattern, as `orch locks list` shows it.") var pattern: String?
    @Option(name: .long, help: "The lock's fence instead.") var fence: Int?
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var global: GlobalOptions

    func validate() throws {
        guard (pattern == nil) != (fence == nil) else { throw ValidationError("give a pattern, or --fence") }
    }

    func perform(_ console: Console) throws -> ExitStatus {
        var params: JSONObject = [:]
        if let fence { params["fence"] = JSONValue(fence) }
        if let pattern {
            params["pattern"] = .string(pattern)
            params["repository"] = .string(try repository.checkout(console).repository)
        }
        let client = try global.connect(console)
        let lock = try client.request("lock.release", params)["lock"] ?? .null
        return try report(lock, console, global) { "\(SafeText.line($0.pattern)) is free" }
    }
}

private func report(
    _ lock: JSONValue,
    _ console: Console,
    _ global: GlobalOptions,
    _ sentence: (LockRow) -> String
) throws -> ExitStatus {
    if global.json { console.write(json: lock) } else { console.write(sentence(try lock.decode(LockRow.self))) }
    return .done
}
