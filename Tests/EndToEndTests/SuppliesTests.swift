import Foundation
import Glibc
import IPC
import Testing

/// What a fresh worktree has besides what git puts there.
@Suite("What agents find in a new worktree, end to end", .ownThread)
struct SuppliesTests {
    @Test func filesThatTheRepositoryNamesAreCopiedFromTheUsersCheckout() throws {
        try World.run { world in
            let repository = try world.repository(
                files: [
                    ".gitignore": ".env\n*.local\ndeep/cache/\n",
                    ".worktreeinclude": "# what agents need\n.env\n*.local  \n!no.local\ncache/\nshown.txt\n",
                ]
            )
            try repository.write("config/tracked.local", "as committed\n")
            try repository.git("add", "-f", "config/tracked.local")
            try repository.git("commit", "-qm", "a tracked one")
            try repository.write("config/tracked.local", "changed by hand\n")
            try repository.write(".env", "SECRET=1\n")
            chmod(repository.path + "/.env", 0o600)
            try repository.write("config/run.local", "#!/bin/sh\n")
            chmod(repository.path + "/config/run.local", 0o755)
            try repository.write("no.local", "not this\n")
            try repository.write("shown.txt", "git shows it\n")
            try FileManager.default.createDirectory(
                atPath: repository.path + "/deep/cache/a",
                withIntermediateDirectories: true
            )
            try repository.write("deep/cache/a/big", String(repeating: "x", count: 200_000))
            try world.write("outside", "outside\n")
            symlink(world.folder + "/outside", repository.path + "/link.local")

            try world.agent(
                "T-1",
                """
                cat .env config/tracked.local
                stat -c %a .env config/run.local
                wc -c < deep/cache/a/big
                find . -name '*.local' -o -name shown.txt -o -name '.orch-copy*' | sort
                echo mine > .env
                [ "$ORCH_ATTEMPT" != 1 ] || exit 1
                echo done > done.txt
                """
            )
            try world.enqueue(repository, [:])
            try world.wait(for: "T-1", "needs_human_review")
            #expect(
                try world.text(of: "T-1.1") == """
                    SECRET=1
                    as committed
                    600
                    755
                    200000
                    ./config/run.local
                    ./config/tracked.local

                    """
            )
            let notes = world.events("worktree.prepared", "T-1").first?.params["notes"]
            #expect(
                notes == ["link.local (.worktreeinclude) is not copied: it is a link, or lies behind one"],
                "\(notes as Any)"
            )
            // What is there already stays.
            try world.command("continue", "T-1")
            try world.waitUntilLanded(["T-1"])
            #expect(try world.text(of: "T-1.2").hasPrefix("mine\n"))
            #expect(repository.read(".env") == "SECRET=1\n" && repository.file(".env") == nil)
        }
    }

    @Test func eachAgentHasPortsOfItsOwnAndARepositoryOneCache() throws {
        try World.run(settings: ["ports": ["from": 21_000, "count": 5]]) { world in
            let policy: JSONObject = [
                "approve": "auto", "setup": ["command": ["sh", "-c", "echo $ORCH_PORT >> \"$ORCH_CACHE_DIR/set-up\""]],
            ]
            let repository = try world.repository("repo", policy)
            var gates: [Gate] = []
            for id in ["A", "B"] {
                gates.append(try world.gate(id))
                try world.agent(
                    id,
                    """
                    echo "$ORCH_PORT $ORCH_PORT_COUNT $ORCH_CACHE_DIR"
                    [ "$ORCH_ATTEMPT" = 2 ] || { read go < "$WORLD/gates/\(id)"; echo BROKEN > \(id).txt; exit; }
                    echo done > \(id).txt
                    """
                )
            }
            try world.enqueue(repository, ["id": "A"], ["id": "B"])
            let visitors = try gates.map { try $0.arrival() }
            for visitor in visitors { visitor.letThrough() }
            try world.waitUntilLanded(["A", "B"])
            let cache = "\(world.state)/caches/r1"
            for id in ["A", "B"] {
                let agent = world.events("ticket.started", id).first?.params["agent"]?.stringValue
                let port = agent == "agent-1" ? 21_000 : 21_005
                let agentRuns = world.events("run.requested", id).filter { $0.params["stage"] == "work" }
                    .compactMap { $0.params["run"]?.stringValue }
                // The same for the second attempt.
                #expect(agentRuns.count == 2)
                for run in agentRuns { #expect(try world.text(of: run) == "\(port) 5 \(cache)\n") }
            }
            let setUp = try String(contentsOfFile: cache + "/set-up", encoding: .utf8)
            #expect(Set(setUp.split(separator: "\n")) == ["21000", "21005"])
            #expect(try FileManager.default.attributesOfItem(atPath: cache)[.posixPermissions] as? Int == 0o700)
        }
    }
}
