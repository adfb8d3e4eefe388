import ArgumentParser
import IPC

struct Locks: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Locks on paths and resources.",
        subcommands: [ListLocks.self]
    )
}

struct ListLocks: Subcommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List what is locked, by which ticket."
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
            .init("TICKET"),
            .init("RUN"),
            .init("AGE", isRightAligned: true),
            .init("EXPIRES"),
            .init("FENCE", isRightAligned: true)
        )
        table.rows = locks.compactMap { try? $0.decode(LockRow.self) }.map { lock in
            [
                .init(lock.pattern), .init(lock.ticket), .init(lock.run), .init(Moments.age(lock.since)),
                .init(lock.expires.map(Moments.full)), .init(String(lock.fence)),
            ]
        }
        console.write(table)
        return .done
    }

    /// Each of these is there, null where there is none, so that scripts can count on them.
    private static func complete(_ lock: JSONValue) -> JSONValue {
        guard case .object(var object) = lock else { return lock }
        for name in ["run", "expires"] where object[name] == nil { object[name] = .null }
        return .object(object)
    }
}
