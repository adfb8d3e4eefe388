import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// What comes from inside a run is known for it, however it came to be there.
@Suite("Who is at the other end of the socket", .ownThread)
struct RoleTests {
    /// A ticket that waits for approval.
    private func waiting(_ world: World) throws -> ScratchRepository {
        let repository = try world.repository("repo", ["approve": "human"])
        try world.agent("WAITS", "echo a > a.txt")
        try world.enqueue(repository, ["id": "WAITS", "locks": ["a.txt"]])
        try world.wait(for: "WAITS", "awaiting_approval")
        return repository
    }

    /// Lets `script` run as the agent of a ticket, until it has ended.
    private func agent(_ world: World, _ repository: ScratchRepository, _ script: String) throws {
        try world.agent("ASKS", script)
        try world.enqueue(repository, ["id": "ASKS", "locks": ["b.txt"]])
        try world.wait(for: "the agent to end") { world.events("run.ended", "ASKS").count >= 1 }
        #expect(world.events("run.ended", "ASKS")[0].params["outcome"] == "exit 0")
    }

    private func answer(_ world: World, _ name: String) throws -> JSONValue {
        try JSONValue(parsing: String(contentsOfFile: "\(world.folder)/\(name)", encoding: .utf8))
    }

    @Test func anAgentMayNotApproveHoweverItHidesWhereItComesFrom() throws {
        try World.run { world in
            let repository = try waiting(world)
            // By its marker, by its parents, and by the runner, to which falls what is orphaned.
            let ways = [
                "plain": "ASK plain",
                "bare": "env -i ASK bare",
                "session": "setsid -w env -i ASK session",
                "nested": "env -i sh -c '\"$@\"; true' sh env -i sh -c '\"$@\"; true' sh ASK nested",
                "renamed": "ORCH_RUN_FOLDER=/nowhere ORCH_RUN=T-0.1 setsid -w ASK renamed",
                "orphan": "(setsid env -i ASK orphan &)",
            ]
            // Writes the answer so that it is seen whole; the orphan asks only once it is one.
            try world.write(
                "ask",
                """
                #!/bin/sh
                f=\(world.folder)/said.$1
                if [ $1 = orphan ]; then
                    until read -r pid name state parent rest < /proc/$$/stat \
                        && [ "$(cat /proc/$parent/comm)" = orch-runner ]; do :; done
                fi
                \(World.orch) approve WAITS --json --state-dir \(world.state) > $f.new 2>&1
                mv $f.new $f

                """
            )
            chmod("\(world.folder)/ask", 0o755)
            var script = ""
            for (_, way) in ways.sorted(by: { $0.key < $1.key }) {
                script += way.replacing("ASK", with: "\(world.folder)/ask") + "\n"
            }
            for name in ways.keys { script += "while [ ! -f \"$WORLD/said.\(name)\" ]; do :; done\n" }
            try agent(world, repository, script + "echo b > b.txt")
            for name in ways.keys {
                let error = try answer(world, "said.\(name)")["error"]
                #expect(error?["code"] == "forbidden", "\(name): \(String(describing: error))")
                #expect(
                    error?["message"]
                        == "ticket.approve is not for agents: this connection comes from inside run ASKS.1",
                    "\(name)"
                )
            }
            #expect(try world.ticket("WAITS").state == "awaiting_approval")
            // Told of once, however often it was tried, and kept.
            let told = world.events("agent.forbidden")
            #expect(told.map { $0.params["run"] } == ["ASKS.1"])
            #expect(told.map { $0.params["method"] } == ["ticket.approve"])
            #expect(told.map { $0.params["ticket"] } == ["ASKS"])
            // A human may.
            try world.command("approve", "WAITS")
            try world.waitUntilLanded(["WAITS"])
            try world.expectReplayMatchesSnapshot()
        }
    }

    @Test func anAgentMayLookAndFileTicketsAndNothingElse() throws {
        try World.run { world in
            let repository = try waiting(world)
            let end = "--json --state-dir \(world.state)"
            let refused = [
                "approve WAITS", "continue WAITS", "retry WAITS", "stop WAITS", "cancel WAITS",
                "reject WAITS --comment no", "request-changes WAITS --comment no", "edit WAITS --priority 3", "quit",
                "locks take b.txt --reason mine --repo \(repository.path)",
                "locks release a.txt --repo \(repository.path)", "halt", "resume",
            ]
            let allowed = ["list", "status", "show WAITS", "agents", "locks list", "diff WAITS", "checks WAITS"]
            var script = "set +e\n"
            for (index, command) in refused.enumerated() {
                script += "env -i \(World.orch) \(command) \(end) > $WORLD/no.\(index)\n"
            }
            for (index, command) in allowed.enumerated() {
                script += "\(World.orch) \(command) \(end) > $WORLD/yes.\(index) || exit 9\n"
            }
            script += "\(World.orch) new 'Follow up' --depends-on WAITS --repo \(repository.path) \(end) > $WORLD/new\n"
            try agent(world, repository, script + "echo b > b.txt")
            for (index, command) in refused.enumerated() {
                #expect(try answer(world, "no.\(index)")["error"]?["code"] == "forbidden", "\(command)")
            }
            let filed = try #require(try answer(world, "new").arrayValue?.first?.stringValue)
            #expect(try world.ticket(filed).state == "queued")
            #expect(try world.ticket("WAITS").state == "awaiting_approval")
            #expect(
                Set(world.events("agent.forbidden").compactMap { $0.params["method"]?.stringValue }) == [
                    "ticket.approve", "ticket.continue", "ticket.retry", "ticket.stop", "ticket.cancel",
                    "ticket.reject", "ticket.request_changes", "ticket.edit", "daemon.quit",
                    "lock.take", "lock.release", "daemon.halt", "daemon.resume",
                ]
            )
            for (method, params) in [("repository.add", repository.path), ("repository.trust", repository.path)] {
                // From here they are granted, so that it was the role that was refused.
                try world.ask(method, ["path": .string(params)])
            }
        }
    }

    @Test func whatGoesByWithoutTheSocketIsRefusedByTheMarker() throws {
        try World.run(starting: false) { world in
            var environment = world.environment
            environment["ORCH_RUN"] = "T-1.2"
            environment["ORCH_RUN_FOLDER"] = "\(world.state)/runs/T-1.2"
            let repository = ScratchRepository(path: "\(world.folder)/repo", environment: world.environment)
            mkdir(repository.path, 0o755)
            try repository.git("init", "-q", "-b", "main")
            try repository.commit(["README": "x\n"], "base")
            for arguments in [
                ["init", "--trust"], ["init"], ["trust"], ["quit"], ["daemon"], ["run", "--title", "x"],
            ] {
                let call = try run(
                    [World.orch] + arguments + ["--json"],
                    environment: environment,
                    directory: repository.path
                )
                let error = try JSONValue(parsing: call.output)["error"]
                #expect(error?["code"] == "forbidden", "\(arguments): \(call)")
                #expect(
                    error?["message"]?.stringValue?.hasSuffix(
                        "is not for agents: it was called from inside run T-1.2"
                    ) == true,
                    "\(arguments): \(call)"
                )
                #expect(call.code == 1)
            }
            #expect(access("\(repository.path)/.orch", F_OK) != 0 && access(world.socket, F_OK) != 0)
            // In a place of its own an agent may do as it likes.
            environment["ORCH_RUN_FOLDER"] = "/somewhere/else/runs/T-1.2"
            let call = try run([World.orch, "init"], environment: environment, directory: repository.path)
            #expect(call.code == 0, "\(call)")
        }
    }

    @Test func aPersonIsNotTakenForAnAgent() throws {
        // A daemon that was itself started inside a run of another one, say: its marker is not ours.
        try World.run(starting: false) { world in
            world.environment["ORCH_RUN"] = "T-1.1"
            world.environment["ORCH_RUN_FOLDER"] = "/somewhere/else/runs/T-1.1"
            try world.start()
            #expect(world.client.hello.params["role"] == "user")
            let repository = try world.repository()
            let call = try run(
                ["/bin/sh", "-c", "setsid -w \(World.orch) stop NOBODY --json"],
                environment: world.environment,
                directory: repository.path
            )
            #expect(try JSONValue(parsing: call.output)["error"]?["code"] == "not_found", "\(call)")
        }
    }

    @Test(.enabled(if: access("/usr/bin/perl", X_OK) == 0, "there is no perl to connect and end with"))
    func aPeerWhoseProcessHasEndedIsNotTakenForAPerson() throws {
        try World.run { world in
            _ = try waiting(world)
            // Stopped, so that it accepts only when who connected is gone and a child of theirs has the connection.
            let daemon = try #require(world.daemon)
            daemon.signal(SIGSTOP)
            let output = open("\(world.folder)/said", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            defer { close(output) }
            let program = """
                use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; exit 0 if fork();
                print $s $ARGV[1]."\\n"; $s->flush; while (<$s>) { print; last if /"id":1/ }
                """
            let line = #"{"jsonrpc":"2.0","id":1,"method":"ticket.approve","params":{"ticket":"WAITS"}}"#
            let parent = try Child(
                ["/usr/bin/perl", "-e", program, world.socket, line],
                environment: world.environment,
                output: output
            )
            let end = try parent.wait()
            daemon.signal(SIGCONT)
            #expect(end.code == 0)
            var lines: [String] = []
            try poll(for: "the answer") {
                let text = try String(contentsOfFile: "\(world.folder)/said", encoding: .utf8)
                lines = text.split(separator: "\n").map(String.init)
                return text.hasSuffix("\n") && text.contains("\"id\":1")
            }
            #expect(try JSONValue(parsing: lines[0])["params"]?["role"] == "agent")
            #expect(try JSONValue(parsing: lines.last!)["error"]?["data"]?["code"] == "forbidden")
            #expect(try world.ticket("WAITS").state == "awaiting_approval")
        }
    }
}
