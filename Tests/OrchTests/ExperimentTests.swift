import Foundation
import Glibc
import IPC
import Testing

@Suite struct ExperimentTests {
    private func tickets(_ world: World) throws {
        try world.write(
            "tickets.yaml",
            "tickets:\n- {id: ONE, title: One}\n- {id: TWO, title: Two}\n- {id: BAD, title: Bad}\n"
        )
    }

    @Test func theSameTicketsAreDoneOnCopiesAndCompared() throws {
        let agent = "echo done > \"$ORCH_TICKET.txt\"; [ $ORCH_TICKET != BAD ] || rm README"
        let world = try World(approve: "human", agent: agent)
        try tickets(world)
        let before = try world.git("rev-parse", "HEAD")
        let call = try world.orch("experiment", "../tickets.yaml", "--agents", "1,2", "--out", "../out", "--json")
        #expect(call.status == 0, "\(call.error)")
        let results = try #require(try call.json.arrayValue)
        #expect(results.map { $0["agents"] } == [1, 2])
        #expect(results.map { $0["landed"] } == [2, 2])
        #expect(results.map { $0["cancelled"] } == [1, 1] && results.map { $0["needed_human"] } == [1, 1])
        // The repository was only read.
        #expect(try world.git("rev-parse", "HEAD") == before)
        #expect(try world.git("for-each-ref", "--format=%(refname)") == "refs/heads/main\n")
        let table = try String(contentsOfFile: world.root + "/out/experiment.csv", encoding: .utf8)
        let lines = table.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(lines.count == 3 && lines.allSatisfy { $0.count == lines[0].count })
        #expect(lines.dropFirst().map { $0[0...3].joined(separator: ",") } == ["1,1,2,1", "2,1,2,1"])
        for trial in ["1x1", "2x1"] {
            let rows = try String(
                contentsOfFile: world.root + "/out/\(trial)/state/metrics/tickets.csv",
                encoding: .utf8
            )
            #expect(rows.split(separator: "\n").count == 4, "\(rows)")
            #expect(access(world.root + "/out/\(trial)/state/orch.sock", F_OK) != 0, "its daemon has ended")
        }
        let again = try world.orch("experiment", "../tickets.yaml", "--out", "../out")
        #expect(again.status == 1 && again.error.contains("/out is there already"), "\(again.error)")
    }

    /// A copy has the same policy, and would push to the same remote.
    @Test func whatIsPushedWhenItLandsIsNotTriedOnCopies() throws {
        let world = try World(approve: "auto")
        try tickets(world)
        try world.write(
            "repo/.orch/config.json",
            #"{"verifiers": [{"name": "t", "command": ["true"]}], "landing": {"push": {"remote": "\#(world.root)/remote"}}}"#
        )
        try world.commit("pushes")
        let call = try world.orch("experiment", "../tickets.yaml", "--out", "../out")
        #expect(call.status == 5 && call.error.contains("would be too"), "\(call.error)")
    }

    @Test func whatCannotBeTriedIsRefusedBeforeAnythingIsMade() throws {
        let world = try World()
        try tickets(world)
        for numbers in ["", "0", "1,,2", "three"] {
            let call = try world.orch("experiment", "../tickets.yaml", "--agents", numbers, "--out", "../out")
            #expect(
                call.status == 2 && call.error.contains("write numbers from 1 to 1000"),
                "\(numbers): \(call.error)"
            )
        }
        let call = try world.orch("experiment", "../tickets.yaml", "--out", "../out")
        #expect(call.status == 1 && call.error.contains("there is no profile of an agent"), "\(call.error)")
        #expect(access(world.root + "/out", F_OK) != 0)
    }
}
