import Foundation
import IPC
import Testing

@Suite("metrics/tickets.csv, end to end", .ownThread)
struct MetricsTests {
    @Test func everyTicketThatEndsIsARowOfItsOwnWhateverHappensToTheFileAndTheDaemon() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            try world.agent("T-1", "printf 'a\\nb\\n' > one.txt")
            try world.enqueue(repository, ["locks": ["one.txt"]])
            try world.enqueue(repository, ["id": "NEXT", "depends_on": ["T-1"], "locks": ["two.txt"]])
            try world.agent("NEXT", "echo two > two.txt")
            try world.enqueue(repository, ["id": "GONE", "depends_on": ["never"]])
            try world.waitUntilLanded(["T-1", "NEXT"])
            try world.command("cancel", "GONE")
            let file = world.state + "/metrics/tickets.csv"
            func text() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
            func wait() throws {
                try world.wait(for: "a row of each", looking: .milliseconds(20)) {
                    text().filter { $0 == "\n" }.count == 4
                }
            }
            try wait()
            let whole = text()
            let rows = whole.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
            let column = Dictionary(zip(rows[0].map(String.init), rows[0].indices)) { first, _ in first }
            func field(_ ticket: String, _ name: String) throws -> String {
                let row = try #require(rows.first { $0[column["ticket"]!] == ticket }, "\(whole)")
                return String(row[try #require(column[name])])
            }
            #expect(rows.allSatisfy { $0.count == rows[0].count })
            #expect(try field("T-1", "outcome") == "landed" && field("GONE", "outcome") == "cancelled")
            #expect(try field("T-1", "attempts") == "1" && field("T-1", "insertions") == "2")
            #expect(try field("T-1", "files") == "1" && field("GONE", "files") == "")
            #expect(try field("T-1", "commit") == repository.git("rev-parse", "main~1"))
            let order = try ["queued", "started", "first_commit", "verified", "approved", "finished"].map {
                try field("NEXT", $0)
            }
            #expect(order == order.sorted() && !order.contains(""))
            #expect(try Double(field("NEXT", "dependencies_seconds"))! > 0)
            #expect(try Double(field("NEXT", "agent_seconds"))! > 0)
            #expect(try Double(field("T-1", "dependencies_seconds"))! == 0)

            // A daemon that was killed before it had written, with a row half written.
            try world.kill9()
            try Data(whole.utf8.dropLast(30)).write(to: URL(filePath: file))
            try world.restart()
            try wait()
            #expect(text() == whole)
            _ = try world.quit()
            unlink(file)
            try world.restart()
            try wait()
            #expect(text() == whole)
            var status = stat()
            #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
    }

    @Test func theTimeInTheQueueIsSplitByWhatItWasFor() throws {
        try World.run(agents: 1) { world in
            let repository = try world.repository()
            let gate = try world.gate("one")
            try world.agent("ONE", "read go < \"$WORLD/gates/one\"; echo 1 > one.txt")
            try world.agent("TWO", "echo 2 >> one.txt")
            try world.agent("OTHER", "echo 3 > other.txt")
            try world.enqueue(repository, ["id": "ONE", "locks": ["one.txt"]])
            try world.wait(forEvent: "run.started", "ONE")
            try world.enqueue(
                repository,
                ["id": "TWO", "locks": ["one.txt"]],
                ["id": "OTHER", "locks": ["other.txt"]]
            )
            try world.kill9()
            try world.restart()
            try world.ask("daemon.halt", ["reason": "lunch"])
            try world.wait(for: "ONE", "stopped")
            try world.ask("daemon.resume")
            try world.wait(forEvent: "run.started", "ONE", times: 2)
            try gate.open()
            try world.waitUntilLanded(["ONE", "TWO", "OTHER"])

            let file = world.state + "/metrics/tickets.csv"
            func text() -> String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }
            func wait(for whole: String? = nil) throws {
                try world.wait(for: "every row", looking: .milliseconds(20)) {
                    whole.map { $0 == text() } ?? (text().filter { $0 == "\n" }.count == 4)
                }
            }
            try wait()
            let whole = text()
            let rows = whole.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
            func milliseconds(_ ticket: String, _ name: String) throws -> Int {
                let row = try #require(rows.first { $0[1] == ticket }, "\(whole)")
                let field = row[try #require(rows[0].firstIndex { $0 == "\(name)_seconds" })]
                return Int((try #require(Double(field)) * 1000).rounded())
            }
            func moment(_ name: String, _ ticket: String? = nil) throws -> Int {
                let text = try #require(world.events(name, ticket).first?.params["time"]?.stringValue)
                let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
                return Int((try style.parse(text).timeIntervalSince1970 * 1000).rounded())
            }
            let halt = try moment("daemon.resumed") - moment("daemon.halted")
            let locked = try moment("ticket.merged", "ONE") - moment("ticket.enqueued", "TWO")
            #expect(try milliseconds("TWO", "halt_wait") == halt && milliseconds("OTHER", "halt_wait") == halt)
            #expect(try milliseconds("TWO", "lock_wait") == locked - halt)
            #expect(try milliseconds("OTHER", "lock_wait") == 0 && milliseconds("OTHER", "agent_wait") > 0)
            for ticket in ["ONE", "TWO", "OTHER"] {
                let waits = try ["lock", "agent", "machine", "halt"].map { try milliseconds(ticket, "\($0)_wait") }
                #expect(try waits.reduce(0, +) == milliseconds(ticket, "queue"), "\(whole)")
            }

            // Derived anew they are the same; in a table of an older orch only they are.
            try world.quit()
            unlink(file)
            try world.restart()
            try wait(for: whole)
            try world.quit()
            let old = rows.map { $0.dropLast(4).joined(separator: ",") + "\n" }.joined()
            let touched = old.replacingOccurrences(of: ",script,", with: ",\"by, hand\",")
            try Data(touched.utf8.dropLast(5)).write(to: URL(filePath: file))
            try world.restart()
            let last = whole.split(separator: "\n").last! + "\n"
            try wait(
                for: whole.dropLast(last.count).replacingOccurrences(of: ",script,", with: ",\"by, hand\",") + last
            )
        }
    }
}
