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
}
