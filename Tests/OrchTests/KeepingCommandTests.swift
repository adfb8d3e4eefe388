import Foundation
import IPC
import Testing

/// `snapshots`, `restore` and `prune`, as a user types them.
@Suite struct KeepingCommandTests {
    @Test func `what is kept is listed, brought back, and let go of`() throws {
        let world = try World(approve: "human", agent: "echo new > new.txt; git init -q nested; echo n > nested/n")
        #expect(try world.orch("run", "--title", "One", "--wait").status == 1)
        #expect(try world.orch("cancel", "T-1").status == 0)
        let list = try world.orch("snapshots", "T-1")
        #expect(
            list.lines.first?.split(separator: " ").joined(separator: " ") == "TICKET N TAKEN COMMIT ARCHIVE WHY NOTES"
        )
        #expect(list.lines[1].hasSuffix("the nested repository nested is in the archive"), "\(list.output)")
        let rows = try world.orch("snapshots", "--json").json.arrayValue ?? []
        #expect(rows.first?["number"] == 1 && rows.first?["complete"] == true)
        #expect(rows.first?["reason"] == "its agent has ended")
        let shown = try world.orch("show", "T-1")
        #expect(shown.lines.contains { $0.hasPrefix("disk        ") && $0.contains("archives ") }, "\(shown.output)")
        #expect(shown.lines.contains { $0.hasPrefix("snapshots   ") && $0.contains("nested") }, "\(shown.output)")
        #expect(try world.orch("show", "T-1", "--json").json["disk"]?["total"]?.intValue ?? 0 > 0)

        let branch = try world.orch("restore", "T-1", "1", "--branch", "back")
        #expect(branch.status == 0 && branch.output.hasPrefix("snapshot 1 of T-1 is in the branch back\n"), "\(branch)")
        #expect(try world.git("show", "back:new.txt") == "new\n")
        let taken = try world.orch("restore", "T-1", "1", "--branch", "back")
        #expect(taken.status == 5)
        #expect(
            taken.error == "orch: cannot restore snapshot 1 of T-1 as a branch: there is a branch back already; "
                + "name another with --branch\n"
        )
        let place = try world.orch("restore", "T-1", "1", "--worktree", "../place", "--json")
        #expect(try place.json["branch"] == "orch/restore/T-1-1")
        #expect(try world.read("place/nested/n") == "n\n")
        #expect(try world.orch("restore", "T-1", "7").status == 4)
        #expect(try world.orch("restore", "T-9").status == 4)

        let dry = try world.orch("prune", "--older-than", "30d", "--dry-run")
        #expect(dry.status == 0)
        #expect(
            dry.output == "would go: 0 snapshots (0 B), 0 run folders (0 B), 0 kept PASSes (0 B), "
                + "0 things in the trash (0 B)\n"
        )
        #expect(try world.orch("prune", "--older-than", "5").status == 2)
    }

    @Test func `prune without an age is a usage error that says so`() throws {
        let call = try World().orch("prune")
        #expect(call.status == 2)
        #expect(call.error.hasPrefix("orch: missing expected argument '--older-than <age>'"), "\(call.error)")
    }
}
