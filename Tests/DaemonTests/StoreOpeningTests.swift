import Core
import Foundation
import GRDB
import Glibc
import Testing

@testable import Daemon

/// What is stored is either read as it was written, or the daemon says what is wrong and touches nothing.
@Suite struct StoreOpeningTests {
    /// A state directory in which two tickets are known.
    private func folder() throws -> StateFolder {
        let folder = try StateFolder()
        let running = try folder.engine()
        try running.register()
        _ = try running.enqueue("T-1").get()
        _ = try running.enqueue("T-2").get()
        try running.stop()
        return folder
    }

    /// The error of opening and reading; the directory's files are the same afterwards.
    private func problem(_ folder: StateFolder, durability: Durability = .full) throws -> String {
        var before = try folder.contents()
        var refusal: String?
        do {
            let store = try Store(path: folder.database, durability: durability, isFirst: false)
            defer { try? store.close() }
            _ = try store.load()
        } catch {
            refusal = "\(error)"
        }
        var after = try folder.contents()
        // An index to the log, which any reader makes.
        before["orch.db-shm"] = nil
        after["orch.db-shm"] = nil
        // Without a log, one that only reads makes an empty one.
        before = before.filter { $0.key != "orch.db-wal" || !$0.value.isEmpty }
        after = after.filter { $0.key != "orch.db-wal" || !$0.value.isEmpty }
        #expect(after == before, "files: \(before.keys.sorted()) \(after.keys.sorted())")
        let sentence = try #require(refusal)
        #expect(!sentence.contains("\n") && sentence.contains(folder.database), "\(sentence)")
        return sentence
    }

    /// As one that is killed leaves it: with what came last in the log alone.
    private func killed() throws -> StateFolder {
        let folder = try StateFolder()
        let running = try folder.engine()
        try running.register()
        for number in 1...9 { _ = try running.enqueue("T-\(number)").get() }
        let copy = try StateFolder()
        for (name, bytes) in try folder.contents() where name != "orch.db-shm" {
            try bytes.write(to: URL(fileURLWithPath: "\(copy.path)/\(name)"))
        }
        try running.stop()
        return copy
    }

    private func change(_ folder: StateFolder, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.database)
        try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA foreign_keys = OFF; \(sql)") }
        _ = try queue.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        try queue.close()
        for name in ["-wal", "-shm"] { unlink(folder.database + name) }
    }

    @Test func aNewerDatabaseIsRefusedAndNothingIsWritten() throws {
        let folder = try folder()
        try change(folder, "PRAGMA user_version = \(Schema.version + 1)")
        #expect(try problem(folder).contains("a newer orch has written it; start that version"))
    }

    @Test func aNewerDatabaseWhoseNumberIsStillInTheLogIsRefusedToo() throws {
        let folder = try killed()
        let newer = try DatabasePool(path: folder.database)
        try newer.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99')") }
        // Its log stays, as after a kill.
        let copy = try StateFolder()
        for (name, bytes) in try folder.contents() where name != "orch.db-shm" {
            try bytes.write(to: URL(fileURLWithPath: "\(copy.path)/\(name)"))
        }
        try newer.close()
        #expect(try problem(copy).contains("a newer orch"))
    }

    @Test func anotherProgramsDatabaseIsNotTakenOver() throws {
        let folder = try StateFolder()
        try change(folder, "CREATE TABLE bookmarks (url TEXT)")
        #expect(try problem(folder).contains("another program's database"))
    }

    @Test func aDamagedFileIsNamedWithWhatIsWrong() throws {
        let folder = try folder()
        let file = URL(fileURLWithPath: folder.database)
        let good = try Data(contentsOf: file)
        let page = 4096
        var scratched = good
        scratched.replaceSubrange(page..<good.count, with: Data(repeating: 0xAA, count: good.count - page))
        for (damage, sentence) in [
            (Data(repeating: 7, count: 20_000), "it is not a database"),
            (good.prefix(50), "it is not a database"),
            (good.prefix(good.count - 100), "it is cut off: \(good.count - 100) bytes of \(good.count) are there"),
            (Data(), "it is gone, and what it knew of is still there"),
            (scratched, "malformed"),
        ] {
            try damage.write(to: file)
            #expect(try problem(folder).contains(sentence))
        }
        unlink(folder.database)
        #expect(try problem(folder).contains("it is gone"))
    }

    /// A page is lost in the middle: whatever SQLite makes of it, the daemon does not start without what was there.
    @Test func noPageCanBeEmptiedUnnoticed() throws {
        let folder = try folder()
        let file = URL(fileURLWithPath: folder.database)
        let good = try Data(contentsOf: file)
        let queue = try DatabaseQueue(path: folder.database)
        let roots = try queue.read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT name, rootpage FROM sqlite_master
                    WHERE name IN ('tickets', 'repositories', 'counters', 'events')
                    """
            ).map { (name: $0[0] as String, page: $0[1] as Int) }
        }
        try queue.close()
        for name in ["-wal", "-shm"] { unlink(folder.database + name) }
        #expect(roots.count == 4)
        for (name, root) in roots {
            // A leaf of a table that holds no row.
            var empty = Data([13, 0, 0, 0, 0, 0x10, 0, 0])
            empty.append(Data(count: 4096 - empty.count))
            var damaged = good
            damaged.replaceSubrange((root - 1) * 4096..<root * 4096, with: empty)
            try damaged.write(to: file)
            let sentence = try problem(folder)
            #expect(sentence.contains("there") || sentence.contains("malformed"), "\(name): \(sentence)")
        }
    }

    @Test func aRowThatCannotBeReadIsNamed() throws {
        for (sql, sentence) in [
            ("UPDATE tickets SET body = '{' WHERE id = 'T-2'", "row \"T-2\" of its table tickets cannot be read"),
            (
                "UPDATE tickets SET body = replace(body, 'queued', 'parked') WHERE id = 'T-2'",
                "row \"T-2\" of its table tickets cannot be read"
            ),
            ("UPDATE repositories SET body = '[]'", "row \"r1\" of its table repositories cannot be read"),
            ("DELETE FROM tickets WHERE id = 'T-2'", "1 of 2 tickets are there"),
            ("DELETE FROM counters", "2 of 0 tickets are there"),
            ("DELETE FROM events WHERE seq > 2", "is not there, the last one is 2"),
            ("DROP TABLE runs", "its table runs is missing"),
            ("DROP TABLE tickets", "its table tickets is missing"),
        ] {
            let folder = try folder()
            try change(folder, sql)
            #expect(try problem(folder).contains(sentence), "\(sql)")
        }
    }

    @Test func whatAKilledDaemonStoredLastIsReadFromItsLog() throws {
        let folder = try killed()
        let store = try Store(path: folder.database)
        #expect(try store.load().state.tickets.count == 9)
        try store.close()
    }

    @Test func aLogDamagedInItsMiddleIsNotTakenForAShortOne() throws {
        let folder = try killed()
        let log = URL(fileURLWithPath: folder.database + "-wal")
        let good = try Data(contentsOf: log)
        let frame = 24 + 4096
        var middle = good
        middle[32 + 3 * frame + 1000] ^= 0xFF
        try middle.write(to: log)
        #expect(try problem(folder).contains("frame 4 is not what was written"))
        var beginning = good
        beginning[13] ^= 0xFF
        try beginning.write(to: log)
        #expect(try problem(folder).contains("the checksum of its beginning is wrong"))
        try Data(repeating: 0x5A, count: good.count).write(to: log)
        #expect(try problem(folder).contains("it does not begin as a log does"))
        try FileManager.default.removeItem(atPath: folder.database)
        #expect(try problem(folder).contains("it is gone, and its log is not"))
    }

    @Test func aLogCutWithinItsLastTransactionIsOne() throws {
        let folder = try killed()
        let log = URL(fileURLWithPath: folder.database + "-wal")
        let good = try Data(contentsOf: log)
        try good.prefix(good.count - 100).write(to: log)
        let store = try Store(path: folder.database)
        #expect(try store.load().state.tickets.count == 8)
        try store.close()
    }

    @Test(.enabled(if: getuid() != 0, "root may write everything"))
    func whatThisUserMayNotWriteIsNamed() throws {
        let folder = try folder()
        chmod(folder.database, 0o400)
        #expect(try problem(folder).contains("may not be read and written by this user: Permission denied"))
        chmod(folder.database, 0o600)
        chmod(folder.path, 0o500)
        #expect(try problem(folder).contains("the directory \(folder.path) may not be read and written"))
    }

    @Test func theDurabilityAskedForIsTheOneThatHolds() throws {
        for (durability, level) in [(Durability.full, 2), (.normal, 1)] {
            let folder = try StateFolder()
            let store = try Store(path: folder.database, durability: durability)
            let found = try store.pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
            #expect(found == level)
            try store.close()
        }
    }

    @Test func aFirstStartMakesOneAndItsFileSaysWhichVersionItIs() throws {
        let folder = try StateFolder()
        try Store(path: folder.database).close()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.database)))
        #expect(bytes.bigEndian(at: 60) == UInt32(Schema.version))
        #expect(bytes[68..<72].elementsEqual("orch".utf8))
    }
}
