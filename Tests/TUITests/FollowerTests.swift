import Testing

@testable import IPC
@testable import TUI

/// What the daemon's lines mean, and what is asked of it.
struct FollowerTests {
    private var follower = Follower()

    private static func line(_ method: String, _ params: JSONObject) -> [UInt8] { Notification(method, params).bytes }

    private static func event(_ seq: Int, _ patch: JSONValue) -> [UInt8] {
        line("ticket.changed", ["seq": JSONValue(seq), "time": "2026-11-20T12:00:00.000Z", "patch": patch])
    }

    private static func row(_ state: String) -> JSONValue { json(ticket("T-1", "A title", state)) }

    private static func snapshot(_ seq: Int, _ state: String) -> [UInt8] {
        Response(
            id: "snapshot",
            result: .success([
                "seq": JSONValue(seq), "picture": ["tickets": ["T-1": row(state)], "agents": [:]],
                "waiting": ["T-1": "waits"],
            ])
        ).bytes
    }

    /// A few words for each thing that happened.
    private func words(_ outcome: Follower.Outcome) -> [String] {
        outcome.requests.map { "ask \($0.method)" }
            + outcome.inputs.map { input in
                switch input {
                case .snapshot(let tickets, let agents, let waiting):
                    "snapshot \(tickets.values.map(\.state)) \(agents.count) \(waiting.values.sorted())"
                case .changed(let tickets, let agents):
                    "changed \(tickets.keys.sorted()) \(tickets.values.map { $0?.state ?? "gone" }) \(agents.keys.sorted())"
                case .waiting(let reasons):
                    "waiting \(reasons.keys.sorted()) \(reasons.values.map { $0 ?? "nothing" }.sorted())"
                case .troubled(let trouble): "trouble \(trouble ?? "none")"
                case .halted(let reason): reason.map { "halted \($0)" } ?? "goes on"
                case .spent(let spending): spending.sentence
                case .outputWatched: "watched"
                case .outputGrew(let run, let stream, let size): "output \(run) \(stream) \(size)"
                case .repositories(let rows): "repositories \(rows.map(\.path).sorted())"
                case .locksHeld(let locks): "locks \(locks.map(\.pattern))"
                case .happened(let ticket, let event): "\(ticket) \(event.method)"
                case .printed(let ticket, nil): "\(ticket) prints"
                case .printed(let ticket, let moment?): "\(ticket) printed \(moment.milliseconds)"
                case .acts(let run, let activity): "\(run) \(activity.sentence(clock: { $0 }))"
                case .caughtUp: "caught up"
                case .connectionRegained: "regained"
                case .connectionLost(let reason): "lost \(reason)"
                case .answered(let id, .result(let value)): "answered \(id) \(value)"
                case .answered(let id, .failure(let failure)): "refused \(id) \(failure.message)"
                case .key, .mouse, .pasteBegan, .pasteEnded, .resized, .clock, .edited, .reported, .daemonMissing,
                    .daemonFailed:
                    "input"
                }
            }
    }

    @Test mutating func thatEverythingIsHaltedIsToldWithItsReason() {
        _ = follower.connected()
        let halted: JSONValue = ["since": "2026-11-20T12:00:00.000Z", "reason": "enough"]
        let picture: JSONValue = ["tickets": [:], "agents": [:], "daemon": ["halted": halted]]
        let answer = Response(id: "snapshot", result: .success(["seq": 5, "picture": picture]))
        #expect(words(follower.take(answer.bytes)).last == "halted enough")
        #expect(words(follower.take(Self.event(6, ["daemon": ["halted": ["reason": ""]]]))) == ["halted "])
        #expect(words(follower.take(Self.event(7, ["daemon": ["halted": .null]]))) == ["goes on"])
        let resumed = Response(id: 3, result: .success(["halted": .null, "tickets": ["T-1"]]))
        let words = words(follower.take(resumed.bytes))
        #expect(words == [#"answered 3 {"halted":null,"tickets":["T-1"]}"#])
    }

    @Test mutating func whatIsSpentIsToldAsItChanges() {
        _ = follower.connected()
        let budgets: JSONValue = ["day": ["usd": 5]]
        let picture: JSONValue = ["tickets": [:], "agents": [:], "daemon": ["budgets": budgets]]
        let answer = Response(id: "snapshot", result: .success(["seq": 5, "picture": picture]))
        #expect(words(follower.take(answer.bytes)).last == "today 0.00 of 5.00 USD")
        let spent = json(UsageRow(tokens: 500, cost_usd: 0.25))
        let told = words(follower.take(Self.event(6, ["daemon": ["spent_today": spent]])))
        #expect(told == ["today 0.25 of 5.00 USD"])
        #expect(words(follower.take(Self.event(7, ["daemon": ["spent_month": spent]]))).isEmpty)
        // Another day.
        let renewed = words(follower.take(Self.event(8, ["daemon": ["spent_today": .null]])))
        #expect(renewed == ["today 0.00 of 5.00 USD"])
    }

    @Test mutating func repositoriesAreToldAsTheyChange() {
        _ = follower.connected()
        func row(_ path: String) -> JSONValue { json(RepositoryRow(id: "r1", path: path, target: "main")) }
        let picture: JSONValue = ["tickets": [:], "agents": [:], "repositories": ["r1": row("/a")]]
        let answer = Response(id: "snapshot", result: .success(["seq": 5, "picture": picture]))
        #expect(words(follower.take(answer.bytes)).last == #"repositories ["/a"]"#)
        #expect(words(follower.take(Self.event(6, ["repositories": ["r1": row("/b")]]))) == [#"repositories ["/b"]"#])
        #expect(words(follower.take(Self.event(7, ["repositories": ["r1": .null]]))) == ["repositories []"])
    }

    @Test mutating func whatIsWrongWithTheDaemonIsToldAsItChanges() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        #expect(words(follower.take(Self.event(6, ["daemon": ["disk": "full"]]))) == ["trouble disk full"])
        #expect(words(follower.take(Self.event(7, ["daemon": ["version": "2"]]))) == [])
        let trouble = Self.line("daemon.trouble", ["problem": "the disk that holds /s is full"])
        #expect(words(follower.take(trouble)) == ["trouble nothing can be stored"])
        #expect(words(follower.take(Self.line("daemon.trouble", ["problem": .null]))) == ["trouble disk full"])
        #expect(words(follower.take(Self.event(8, ["daemon": ["disk": .null]]))) == ["trouble none"])
    }

    @Test mutating func whatIsHeldIsToldAsItChanges() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        let lock = LockRow(pattern: "src/**", repository: "r1", ticket: "T-1", since: "", fence: 3)
        #expect(words(follower.take(Self.event(6, ["locks": ["3": json(lock)]]))) == [#"locks ["src/**"]"#])
        #expect(words(follower.take(Self.event(7, ["locks": ["3": nil]]))) == ["locks []"])
        #expect(words(follower.take(Self.event(8, ["locks": ["4": nil]]))) == [])
    }

    @Test mutating func eventsOfTicketsAreHandedOn() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        let verified = Self.line("ticket.verified", ["seq": 6, "ticket": "T-1", "tree": "1", "patch": [:]])
        #expect(words(follower.take(verified)) == ["T-1 ticket.verified"])
        #expect(words(follower.take(verified)) == [])
    }

    @Test mutating func whatAgentsDoIsTold() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        let acts: JSONObject = ["run": "T-1.2", "state": "tool", "tool": "Bash", "title": "make", "since": ""]
        #expect(words(follower.take(Self.line("agent.activity", acts))) == ["T-1.2 Bash  make"])
        #expect(words(follower.take(Self.line("agent.activity", ["run": "T-1.2"]))) == [])
        // And how things stand, on every connection.
        let waits: JSONValue = ["state": "permission", "tool": "Write", "title": "a.txt", "since": ""]
        let agents: JSONValue = [["id": "agent-1", "ticket": "T-1", "run": "T-1.2", "activity": waits]]
        let answer = Response(id: "agents", result: .success(["agents": agents]))
        #expect(words(follower.take(answer.bytes)) == ["T-1.2 waits for leave: Write a.txt"])
    }

    @Test mutating func whenThoseAtWorkLastPrintedIsAskedOnEveryConnection() {
        let working: JSONValue = ["agent-1": json(agent("agent-1", on: "T-1"))]
        let picture: JSONValue = ["tickets": [:], "agents": working]
        let snapshot = Response(id: "snapshot", result: .success(["seq": 5, "picture": picture]))
        _ = follower.connected()
        #expect(words(follower.take(snapshot.bytes)) == ["ask agent.list", "snapshot [] 1 []"])
        let agents: JSONValue = [
            ["id": "agent-1", "ticket": "T-1", "last_output": "1970-01-01T00:00:07.000Z"], ["id": "agent-2"], 7,
        ]
        let answer = Response(id: "agents", result: .success(["agents": agents]))
        #expect(words(follower.take(answer.bytes)) == ["T-1 printed 7000"])
        follower.disconnected()
        _ = follower.connected()
        let subscribed = Response(id: "subscribe", result: .success(["seq": 5]))
        #expect(words(follower.take(subscribed.bytes)) == ["ask snapshot", "ask agent.list", "regained"])
    }

    @Test mutating func eventsAroundTheSnapshotAreAppliedOnceAndInOrder() {
        #expect(follower.connected().map(\.method) == ["snapshot"])
        #expect(words(follower.take(Self.line("hello", ["seq": 4, "protocol": 1]))).isEmpty)
        // One that the snapshot contains, one that it does not.
        #expect(words(follower.take(Self.event(5, ["tickets": ["T-1": ["state": "running"]]]))).isEmpty)
        #expect(words(follower.take(Self.event(6, ["tickets": ["T-1": ["state": "stopped"]]]))).isEmpty)
        #expect(
            words(follower.take(Self.snapshot(5, "running"))) == [
                "snapshot [\"running\"] 0 [\"waits\"]", "changed [\"T-1\"] [\"stopped\"] []",
            ]
        )
        #expect(words(follower.take(Self.event(6, ["tickets": ["T-1": nil]]))).isEmpty)
        #expect(words(follower.take(Self.event(7, ["tickets": ["T-1": nil]]))) == ["changed [\"T-1\"] [\"gone\"] []"])
    }

    @Test mutating func afterALossTheRestIsReplayed() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        follower.disconnected()
        let asked = follower.connected()
        #expect(asked.map(\.method) == ["subscribe"])
        #expect(asked.first?.params["since"]?.intValue == 5)
        // A live event before the replay begins: it comes again.
        #expect(words(follower.take(Self.event(7, ["tickets": ["T-1": ["state": "landing"]]]))).isEmpty)
        #expect(
            words(follower.take(Response(id: "subscribe", result: .success(["seq": 7])).bytes))
                == ["ask snapshot", "regained"]
        )
        // Why tickets wait is not replayed: that alone is taken from a snapshot.
        let reasons = Response(id: "reasons", result: .success(["seq": 7, "picture": [:], "waiting": ["T-9": "new"]]))
        #expect(
            words(follower.take(reasons.bytes)) == [
                "waiting [\"T-1\", \"T-9\"] [\"new\", \"nothing\"]", "caught up",
            ]
        )
        #expect(
            words(follower.take(Self.event(6, ["tickets": ["T-1": ["state": "stopped"]]])))
                == ["changed [\"T-1\"] [\"stopped\"] []"]
        )
        #expect(
            words(follower.take(Self.event(7, ["tickets": ["T-1": ["state": "landing"]]])))
                == ["changed [\"T-1\"] [\"landing\"] []"]
        )
    }

    @Test mutating func whatCannotBeReplayedIsTakenAnew() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "running"))
        follower.disconnected()
        _ = follower.connected()
        let gone = Response(id: "subscribe", result: .failure(RPCError(.gone, "pruned")))
        #expect(words(follower.take(gone.bytes)) == ["ask snapshot"])
        #expect(words(follower.take(Self.snapshot(90, "merged"))) == ["snapshot [\"merged\"] 0 [\"waits\"]"])
        // A gap, too.
        #expect(words(follower.take(Self.event(92, ["tickets": ["T-1": nil]]))) == ["ask snapshot"])
        #expect(words(follower.take(Self.event(93, ["tickets": ["T-1": nil]]))).isEmpty)
        #expect(words(follower.take(Self.snapshot(93, "done"))) == ["snapshot [\"done\"] 0 [\"waits\"]"])
    }

    @Test mutating func aDaemonWithAnotherHistoryIsTakenAnew() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(50, "running"))
        follower.disconnected()
        _ = follower.connected()
        #expect(words(follower.take(Self.line("hello", ["seq": 3]))) == ["ask snapshot"])
        // The answer to the subscription changes nothing any more.
        #expect(words(follower.take(Response(id: "subscribe", result: .success(["seq": 3])).bytes)).isEmpty)
        #expect(words(follower.take(Self.snapshot(3, "queued"))) == ["snapshot [\"queued\"] 0 [\"waits\"]"])
    }

    @Test mutating func ephemeralLinesAreUnderstood() {
        _ = follower.connected()
        _ = follower.take(Self.snapshot(5, "queued"))
        #expect(
            words(follower.take(Self.line("ticket.waiting", ["waiting": ["T-1": "waits for a slot"]])))
                == ["waiting [\"T-1\"] [\"waits for a slot\"]"]
        )
        #expect(
            words(follower.take(Self.line("ticket.waiting", ["waiting": ["T-1": nil]])))
                == ["waiting [\"T-1\"] [\"nothing\"]"]
        )
        _ = follower.take(Self.line("goodbye", ["reason": "stopping", "seq": 5]))
        #expect(follower.farewell == "stopping")
        for junk in ["", "{}", "[]", "nonsense", "{\"method\":7}", "{\"id\":1}", "{\"method\":\"x\",\"params\":[]}"] {
            #expect(words(follower.take(Array(junk.utf8))).isEmpty)
        }
    }

    @Test mutating func answersAreUnderstood() {
        func answer(_ result: Result<JSONValue, RPCError>) -> [String] {
            words(follower.take(Response(id: 3, result: result).bytes))
        }
        #expect(answer(.success(["seq": 7])) == ["answered 3 {\"seq\":7}"])
        #expect(answer(.failure(RPCError(.refused, "cannot", hint: "do this"))) == ["refused 3 cannot"])
    }

    @Test func pagesOfOutputAreUnderstood() {
        func page(_ value: JSONValue) -> String {
            OutputPage(value).map { "\($0.bytes) at \($0.offset) of \($0.size) \($0.isEnd)" } ?? "not understood"
        }
        #expect(
            page(["base64": "aGVsbG8=", "offset": 2, "next": 7, "size": 9, "eof": false])
                == "[104, 101, 108, 108, 111] at 2 of 9 false"
        )
        #expect(page(["data": "é", "offset": 0, "next": 2, "size": 2, "eof": true]) == "[195, 169] at 0 of 2 true")
        #expect(page(["base64": "***", "offset": 0, "size": 2]) == "not understood")
        #expect(page([:]) == "not understood")
    }

    /// An answer to something else is said to be none.
    @Test func anOrdersAnswerIsPutIntoASentence() {
        #expect(
            DaemonRequest.resume(ticket: "T-1", approves: true).sentence(for: ["ticket": ["state": "landing"]])
                == "T-1 approved: now landing"
        )
        #expect(DaemonRequest.stop(ticket: "T-1").sentence(for: ["seq": 3]) == nil)
        #expect(DaemonRequest.haltEverything.sentence(for: ["tickets": []]) == nil)
    }

    @Test mutating func growthOfOutputIsUnderstood() {
        func inputs(_ line: [UInt8]) -> [String] { words(Follower.Outcome(inputs: OutputWatch.inputs(line))) }
        #expect(
            inputs(Self.line("output", ["run": "T-1.1", "stream": "stdout", "size": 99])) == ["output T-1.1 stdout 99"]
        )
        #expect(
            inputs(Self.line("output", ["run": "T-1.1", "stdout": 99, "stderr": 3]))
                == ["output T-1.1 stdout 99", "output T-1.1 stderr 3"]
        )
        #expect(inputs(Response(id: 1, result: .success(["seq": 7])).bytes) == ["watched"])
        #expect(inputs(Response(id: 1, result: .failure(RPCError(.internal, "x"))).bytes).isEmpty)
        #expect(inputs(Self.line("hello", ["seq": 7])).isEmpty)
        #expect(inputs([]).isEmpty)
    }

    @Test func requestsGoOutAsDocumented() {
        func line(_ request: DaemonRequest) -> String {
            String(decoding: request.onTheWire(id: 7).bytes, as: UTF8.self)
        }
        #expect(
            line(.resume(ticket: "T-7", approves: true))
                == #"{"jsonrpc":"2.0","id":7,"method":"ticket.continue","params":{"ticket":"T-7"}}"#
        )
        #expect(
            line(.stop(ticket: "T-7")) == #"{"jsonrpc":"2.0","id":7,"method":"ticket.stop","params":{"ticket":"T-7"}}"#
        )
        #expect(
            line(.showTicket("T-7")) == #"{"jsonrpc":"2.0","id":7,"method":"ticket.show","params":{"ticket":"T-7"}}"#
        )
        #expect(
            line(.listEvents(ticket: "T-7", before: 40, after: nil))
                == #"{"jsonrpc":"2.0","id":7,"method":"ticket.events","params":{"ticket":"T-7","before":40}}"#
        )
        #expect(
            line(.readOutput(run: "T-7.2", stream: "stdout", offset: 5, length: 9))
                == #"{"jsonrpc":"2.0","id":7,"method":"output.read","params":{"run":"T-7.2","stream":"stdout","offset":5,"length":9}}"#
        )
    }
}
