import CSystem
import Foundation
import Glibc
import IPC
import Testing

/// A day in the life of a repository: tickets that come to every kind of end, told so that it can be taken up anywhere.
///
/// Whatever was answered is not asked again: if the daemon that answered has been killed, the next one must know.
final class Story {
    let world: World
    let repository: ScratchRepository
    private var answered: Set<String> = []
    private var isLost = false
    /// `daemon.quit` with this has been asked for: then tickets may be found stopped.
    var ending: String?

    /// The tickets come by the backlog folder.
    var dropsTickets = false

    /// Before all others P lands, the user takes its commit back, and Q does the same again: its tree has passed before.
    var repeats = false

    /// How many spare worktrees are to be kept; nil where there never were any.
    private var spares: Int?

    /// Where what lands is pushed.
    private let remote: String?

    /// L and X land, F never passes its verifier, S is stopped, C is cancelled with work that nobody has committed.
    static let landing = ["L", "X"]
    static let kept = ["F", "S"]
    private static let all = ["L", "X", "F", "S", "C"]

    /// - Parameters:
    ///   - pushing: what lands is pushed.
    ///   - settingUp: checkouts are set up once, and a verifier does not pass in one that is not.
    init(_ world: World, pushing: Bool = false, settingUp: Bool = false) throws {
        self.world = world
        remote = pushing ? world.folder + "/remote.git" : nil
        try world.writeAgentLibrary()
        var policy: JSONObject = [
            "targetBranch": "main", "approve": "auto", "maxFixAttempts": 1, "setup": ["copy": [".env"]],
        ]
        if settingUp {
            let setup: [JSONValue] = ["sh", "-c", "mkdir -p deps && cp shared.txt deps/made"]
            policy["setup"] = ["command": .array(setup), "inputs": ["shared.txt"], "copy": [".env"]]
            policy["caches"] = ["deps/"]
        }
        if let remote { policy["landing"] = ["push": ["remote": .string(remote)]] }
        repository = try world.repository(
            "repo",
            policy,
            verify: settingUp
                ? world.auditedVerifier(
                    "[ -z \"${ORCH_RUN:-}\" ] || [ -e deps/made ] || exit 2; ! grep -rq BROKEN . --include=*.txt"
                )
                : world.auditedVerifier(),
            files: [".gitignore": ".env\ndeps/\n", "shared.txt": "start\n"],
            registering: false
        )
        try repository.write(".env", "SECRET=1\n")
        if let remote { try repository.git("init", "-q", "--bare", "-b", "main", remote) }
        func agent(_ ticket: String, _ script: String) throws {
            try world.agent(ticket, ". \"$WORLD/agents/library\"; [ -e .env ]; alone \(ticket) \(script)")
        }
        // L leaves HEAD detached, with a commit and with something that is none.
        try agent(
            "L",
            """
            l
            git checkout -q --detach; put l.txt "one of $ORCH_RUN"; git add l.txt; git commit -qm one --allow-empty
            put l/new.txt "two of $ORCH_RUN"
            """
        )
        try agent(
            "X",
            "shared; put x.txt \"$ORCH_RUN\"; [ $ORCH_ATTEMPT != 1 ] || hold; put x/new.txt \"of $ORCH_RUN\""
        )
        for id in ["P", "Q"] { try world.agent(id, "echo same > p.txt") }
        try agent("F", "shared; put f.txt \"BROKEN $ORCH_RUN\"")
        try agent(
            "S",
            """
            s; put s.txt "$ORCH_RUN"; git add -A; put s/new.txt "of $ORCH_RUN"
            [ ! -e "$WORLD/many" ] || for i in $(seq 600); do echo "$i of $ORCH_RUN" > s/$i.txt; done
            put s/last.txt "last of $ORCH_RUN"; hold
            """
        )
        // C has a repository in its worktree, and unlinks the worktree itself from git's.
        try agent(
            "C",
            "c; git init -q c/nested; put c/nested/n.txt \"$ORCH_RUN\"; put c.txt \"of $ORCH_RUN\"; rm -f .git; hold"
        )
    }

    /// S is to write more files than are added one by one.
    func writeManyFiles() throws { try world.write("many", "") }

    /// Has a daemon that keeps so many spare worktrees know the repository, and ends it: before it has made one, or after.
    func keepSpares(_ count: Int, made: Bool) throws {
        try wantSpares(count)
        try world.start()
        try world.ask("repository.trust", ["path": .string(repository.path)])
        try world.kill9()
        guard made else { return }
        try world.restart()
        try waitForSpares()
        try world.kill9()
    }

    /// So many spare worktrees are to be kept by the next daemon.
    func wantSpares(_ count: Int) throws {
        spares = count
        try world.configure(["warmWorktrees": JSONValue(count)])
    }

    /// As many as are to be kept, each of them whole, and nothing left of any other.
    func waitForSpares() throws {
        guard let spares else { return }
        try world.wait(for: "\(spares) spare worktrees", looking: .milliseconds(20)) { [world, repository] in
            let folders = try FileManager.default.contentsOfDirectory(atPath: world.state + "/worktrees")
            // git cannot list worktrees while one is being made.
            guard let known = try? repository.agentWorktrees(), let whole = try? repository.spareWorktrees() else {
                return false
            }
            return whole.count == spares
                && [folders, known].allSatisfy { $0.count(where: { $0.contains("spare-") }) == spares }
        }
    }

    /// Goes on to the end, or as far as every agent that waits.
    func tell(toEnd: Bool = true) throws {
        try ask("repository.trust", ["path": .string(repository.path)])
        if repeats { try landAgain() }
        try enqueue()
        if !toEnd {
            for ticket in ["S", "C", "X"] { try waitForHold(ticket) }
            return
        }
        if let ending {
            for ticket in ["S", "C"] { try waitForHold(ticket) }
            try world.ask("daemon.quit", ["onStop": .string(ending)])
            return try waitForEnd()
        }
        try command("stop", "S")
        try command("cancel", "C")
        try loseRunnerOfX()
        try world.wait(for: "the end of the story") { try isOver() }
        try waitForSpares()
    }

    private func isOver() throws -> Bool {
        let states = world.picture.tickets.mapValues(\.state)
        for id in Self.all where states[id] == "stopped" && id != "S" {
            // A daemon that was asked to end with `halt` has stopped it.
            try world.ask("ticket.continue", ["ticket": .string(id)])
            return false
        }
        // One that another git's lock was in the way of is tried again.
        for event in world.events("ticket.left")
        where event.params["reason"]?.stringValue?.contains(".lock") != true {
            throw world.problem("not put away: \(event.params)")
        }
        for id in ["L", "X", "C", "S"] where states[id] == "needs_human_review" {
            throw world.problem("\(id) needs a human: \(world.reason(id))")
        }
        return states["L"] == "merged" && states["X"] == "merged" && states["C"] == "cancelled"
            && ["L", "X", "C"].allSatisfy { world.happened("ticket.tidied", $0) } && states["S"] == "stopped"
            && states["F"] == "needs_human_review" && world.picture.repositories.values.allSatisfy { $0.push == nil }
    }

    func audit() throws {
        if spares != nil {
            try wantSpares(0)
            try world.kill9()
            try world.restart()
            try waitForSpares()
        }
        #expect(world.reason("F").hasPrefix("verifier test failed"), "\(world.reason("F"))")
        try world.audit(repository, landed: (repeats ? ["Q"] : []) + Self.landing, kept: Self.kept)
        try auditBacklog()
        if let remote {
            #expect(try repository.git("--git-dir", remote, "rev-parse", "main") == repository.git("rev-parse", "main"))
        }
    }

    // MARK: Its parts

    private func ask(_ method: String, _ params: JSONObject, about what: String = "") throws {
        guard !answered.contains(method + what) else { return }
        try world.ask(method, params)
        answered.insert(method + what)
    }

    private func enqueue() throws {
        // Without an answer they may be there or not, but all or none. What is there has been told when this is answered.
        try world.ask("tick")
        let known = Self.all.filter { world.picture.tickets[$0] != nil }
        #expect(known == [] || known == Self.all)
        if known == Self.all { answered.insert("ticket.enqueue") }
        let locks: [String: JSONValue] = [
            "L": ["l*", "l/**"], "X": ["x*", "x/**", "resource:shared"], "F": ["f.txt", "resource:shared"],
            "S": ["s*", "s/**"], "C": ["c*", "c/**"],
        ]
        let tickets = Self.all.map { id -> JSONValue in
            ["id": .string(id), "title": .string("Do \(id)"), "locks": locks[id]!]
        }
        guard dropsTickets else {
            return try ask("ticket.enqueue", ["repository": .string(repository.path), "tickets": .array(tickets)])
        }
        try drop(JSONValue.object(["tickets": .array(tickets)]).description)
        try world.wait(for: "the tickets of the dropped file") { world.picture.tickets.count == Self.all.count }
    }

    private func landAgain() throws {
        for id in ["P", "Q"] where !answered.contains(id) {
            try world.ask("tick")
            if world.picture.tickets[id] == nil { try world.enqueue(repository, ["id": .string(id)]) }
            try world.wait(forEvent: "ticket.tidied", id)
            answered.insert(id)
            if id == "P" { try repository.git("reset", "-q", "--hard", "HEAD~1") }
        }
        #expect(world.events("ticket.verified", "Q").map { $0.params["reused"] } == [true])
    }

    /// Puts a good file into the backlog folder, and a bad one, once.
    private func drop(_ good: String) throws {
        guard !answered.contains("drop") else { return }
        answered.insert("drop")
        try repository.write(".git/info/exclude", "/.orch/backlog/\n")
        try repository.write(".orch/backlog/.bad", "title: a\nlock: b\n")
        try repository.write(".orch/backlog/.good", good)
        for name in ["bad", "good"] {
            let folder = repository.path + "/.orch/backlog"
            guard rename("\(folder)/.\(name)", "\(folder)/\(name)") == 0 else { throw Failure("rename") }
        }
    }

    /// Both files were taken once, and are where they belong with what became of them.
    func auditBacklog() throws {
        guard dropsTickets else { return }
        let files = FileManager.default
        let folder = repository.path + "/.orch/backlog"
        try poll(for: "the files of the backlog to be put aside") {
            (try? files.contentsOfDirectory(atPath: folder + "/.taking")) == []
        }
        #expect(try files.contentsOfDirectory(atPath: folder).sorted() == [".taking", "done", "failed"])
        #expect(try files.contentsOfDirectory(atPath: folder + "/done").sorted() == ["good", "good.result.json"])
        #expect(try files.contentsOfDirectory(atPath: folder + "/failed").sorted() == ["bad", "bad.error.txt"])
        let result = try JSONValue(parsing: try #require(repository.read(".orch/backlog/done/good.result.json")))
        #expect(result["tickets"] == JSONValue(Self.all))
        let problem = "bad:2:1: unknown key `lock`; did you mean `locks`?\n"
        #expect(repository.read(".orch/backlog/failed/bad.error.txt") == problem)
        #expect(world.events("backlog.taken").count == 1)
        #expect(world.events("backlog.refused").count == 1)
    }

    private func waitForHold(_ ticket: String) throws {
        guard ticket != "X" || !isLost else { return }
        try world.wait(for: "\(ticket) to hold", looking: .milliseconds(5)) { [world] in
            let state = world.picture.tickets[ticket]?.state
            if state != "running" && state != "queued" { return true }
            return access("\(world.folder)/holding/\(ticket)", F_OK) == 0
        }
    }

    private func command(_ name: String, _ ticket: String) throws {
        try waitForHold(ticket)
        try ask("ticket.\(name)", ["ticket": .string(ticket)], about: ticket)
    }

    /// The runner of X dies in the middle of its work.
    private func loseRunnerOfX() throws {
        guard !isLost else { return }
        try waitForHold("X")
        isLost = true
        guard let row = world.picture.tickets["X"], row.state == "running" else { return }
        for name in ["X.1", "X.2"] {
            guard let runner = RunProcess(file: "\(world.state)/runs/\(name)/runner"), runner.isAlive else { continue }
            kill(runner.pid, SIGKILL)
        }
    }

    private func waitForEnd() throws {
        let end = try world.waitForAnyEnd()
        if end.signal == SIGKILL { throw World.Killed() }
        guard end.signal == 0 else { throw world.problem("the daemon has crashed with signal \(end.signal)") }
    }
}
