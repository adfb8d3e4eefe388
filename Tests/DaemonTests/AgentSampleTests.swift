import Core
import Foundation
import IPC
import Testing

@testable import Daemon

/// Every parser of a stream, against what real programs printed: line by line, cut anywhere, and spoiled in every field.
@Suite struct AgentSampleTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        var testDescription: String { name }

        static let all = ["codex-", "acp-", "claude-"].flatMap(AgentSample.names).map { Case(name: $0) }
        /// Those that are no more of the same, where the lines are long.
        static let varied = all.filter { sample in
            !(sample.isClaudes || sample.name.hasPrefix("codex-server-"))
                || [
                    "claude-live-denied", "claude-live-steered", "claude-subagent", "claude-background",
                    "codex-server-denied",
                ].contains(sample.name)
        }

        var isClaudes: Bool { name.hasPrefix("claude-") }

        private var isDialogue: Bool {
            name == "codex-app-server" || name.hasPrefix("codex-server-") || name.hasPrefix("acp-")
        }

        func sample() throws -> AgentSample { isDialogue ? try AgentSample(dialogue: name) : try AgentSample(name) }

        func conversation() -> any Conversation {
            if isClaudes {
                let isResumed = ["claude-resume-2", "claude-live-resumed"].contains(name)
                return ClaudeConversation(.claude, .sample(session: isResumed ? "of before" : nil))
            }
            let isResumed = name.contains("resume-2") || name == "codex-server-resumed"
            var assignment = Assignment.sample(session: isResumed ? "01a1fb1a-d145-7f90-98a9-73d433a253e3" : nil)
            if isResumed {
                // What the first of the two runs reported.
                let used = Tokens(input: 4600, output: 200, cacheRead: 800)
                assignment.usedBefore = UsageReport(models: ["gpt-5.5": .init(tokens: used)])
            }
            if name.hasPrefix("acp-") { return ACPConversation(assignment: assignment, model: nil) }
            return isDialogue
                ? CodexConversation(assignment: assignment, model: nil)
                : CodexExecConversation(assignment: assignment, model: "gpt-5.5")
        }

        /// What a line that ends a turn well holds, and nothing else does.
        func isEvidence(_ line: [UInt8]) -> Bool {
            guard let line = try? JSONValue(parsing: line) else { return false }
            if isClaudes {
                return line["type"] == "result" && line["subtype"] == "success" && line["is_error"] == false
                    && line["stop_reason"] != "refusal"
            }
            return line["type"] == "turn.completed" || line["result"]?["stopReason"] == "end_turn"
                || line["method"] == "turn/completed" && line["params"]?["turn"]?["status"] == "completed"
        }

        func isBeginning(_ line: [UInt8]) -> Bool {
            guard let line = try? JSONValue(parsing: line) else { return false }
            return line["type"] == "system" && line["subtype"] == "init" || line["type"] == "turn.started"
                || line["method"] == "turn/started"
        }
    }

    @Test func thereAreSamplesOfEveryKind() {
        #expect(Case.all.count >= 15)
        for kind in ["codex-app-server", "codex-edit", "acp-claude-edit", "claude-edit", "claude-live-denied"] {
            #expect(Case.all.contains { $0.name == kind })
        }
    }

    @Test(arguments: Case.all) func everyLineIsUnderstoodAsRecorded(_ sample: Case) throws {
        var conversation = sample.conversation()
        var text = lines(of: conversation.begin()).map { "  \($0)\n" }.joined()
        for step in try sample.sample().steps {
            switch step {
            case .printed(let line):
                text += "< \(String(decoding: line, as: UTF8.self).prefix(100))\n"
                text += lines(of: conversation.read(ArraySlice(line))).map { "  \($0)\n" }.joined()
            case .told(let order):
                text += "! \(order)\n" + lines(of: conversation.take(order)).map { "  \($0)\n" }.joined()
            }
        }
        text += "exit 0 is \(conversation.verdict(.exited(0), error: "").phrase)\n"
        text += "exit 1 is \(conversation.verdict(.exited(1), error: "why").phrase)\n"
        let golden = AgentSample.folder.appending(path: "\(sample.name).golden.txt")
        if ProcessInfo.processInfo.environment["ORCH_RECORD_AGENTS"] == "1" {
            try Data(text.utf8).write(to: golden)
        }
        #expect(try String(contentsOf: golden, encoding: .utf8) == text)
    }

    @Test(arguments: Case.all) func cutAnywhereItIsNeverTakenForSuccess(_ sample: Case) throws {
        let lines = try sample.sample().lines
        var conversation = sample.conversation()
        _ = conversation.begin()
        var isCompleted = false
        for step in try sample.sample().steps {
            switch step {
            case .told(let order):
                let exchange = conversation.take(order)
                if exchange.events.contains(.turnStarted) { isCompleted = false }
            case .printed(let line):
                // Claude's lines are long: every byte of the last one, and some of the others.
                let step = sample.isClaudes && line != lines.last ? max(1, line.count / 16) : 1
                for end in stride(from: 0, to: line.count, by: step) {
                    var cut = conversation
                    let exchange = cut.read(line[..<end])
                    #expect(exchange.outgoing.isEmpty && exchange.events.allSatisfy { $0.isNote }, "cut at \(end)")
                    #expect((cut.verdict(.exited(0), error: "") == .exited(0)) == isCompleted, "cut at \(end)")
                }
                _ = conversation.read(ArraySlice(line))
                if sample.isEvidence(line) {
                    isCompleted = true
                } else if sample.isBeginning(line) {
                    isCompleted = false
                }
                #expect((conversation.verdict(.exited(0), error: "") == .exited(0)) == isCompleted)
                #expect(conversation.verdict(.lost("gone"), error: "") == .lost("gone"))
            }
        }
    }

    @Test(arguments: Case.varied) func anotherTypeInAnyFieldBreaksNothing(_ sample: Case) throws {
        var conversation = sample.conversation()
        _ = conversation.begin()
        var shapes: Set<String> = []
        let substitutes: [JSONValue] = [nil, true, -1, .int(.max), 1e300, "x", [], [:]]
        for step in try sample.sample().steps {
            switch step {
            case .told(let order): _ = conversation.take(order)
            case .printed(let line):
                let value = try JSONValue(parsing: line)
                let block = value["message"]?["content"]?.arrayValue?.first?["type"]
                let shape = [value["type"], value["subtype"], value["request"]?["subtype"], block]
                    .map { $0?.stringValue ?? "-" }.joined(separator: " ")
                guard shapes.insert(shape).inserted || !sample.isClaudes else {
                    _ = conversation.read(ArraySlice(line))
                    continue
                }
                for spoiled in value.spoiled(with: substitutes) {
                    var copy = conversation
                    let bytes = spoiled.bytes
                    let exchange = copy.read(ArraySlice(bytes))
                    let isCompleted = exchange.events.contains {
                        if case .turnEnded(.completed) = $0 { true } else { false }
                    }
                    #expect(!isCompleted || sample.isEvidence(bytes), "\(spoiled)")
                    for outgoing in exchange.outgoing { #expect(!outgoing.line.contains("\n")) }
                    // It goes on after it.
                    _ = copy.read(ArraySlice(line))
                    _ = copy.take(.say(message: 7, "Go on."))
                    _ = copy.take(.answer(request: "0", .deny("No.")))
                    _ = copy.take(.interrupt(7))
                    _ = copy.verdict(.exited(0), error: "")
                }
                _ = conversation.read(ArraySlice(line))
            }
        }
    }

    /// A later daemon reads the output from its beginning, and is told the orders at whatever moment.
    @Test(arguments: Case.varied) func readAgainItSendsNothingNew(_ sample: Case) throws {
        let steps = try sample.sample().steps
        for end in 0...steps.count {
            var orders: [ConversationOrder] = []
            var printed: [[UInt8]] = []
            var live = sample.conversation()
            var sent = live.begin().outgoing.map(\.key)
            for step in steps[..<end] {
                switch step {
                case .told(let order):
                    orders.append(order)
                    sent += live.take(order).outgoing.map(\.key)
                case .printed(let line):
                    printed.append(line)
                    sent += live.read(ArraySlice(line)).outgoing.map(\.key)
                }
            }
            for areOrdersFirst in [true, false] {
                var again = sample.conversation()
                again.recall(sent)
                var keys = again.begin().outgoing.map(\.key)
                if areOrdersFirst { for order in orders { keys += again.take(order).outgoing.map(\.key) } }
                for line in printed { keys += again.read(ArraySlice(line)).outgoing.map(\.key) }
                if !areOrdersFirst { for order in orders { keys += again.take(order).outgoing.map(\.key) } }
                #expect(Set(keys).subtracting(sent) == [], "after \(end) steps, orders first: \(areOrdersFirst)")
            }
        }
    }

    @Test(arguments: [
        "codex", "codex-exec", "acp", "gemini", "opencode",
    ]) func whateverIsPrintedIsSurvived(_ kind: String) throws {
        let profile = AgentProfile(kind: try #require(AgentProfile.Kind(rawValue: kind)), command: ["agent"])
        var conversation = try #require(profile.adapter.conversation(for: .sample()))
        _ = conversation.begin()
        let lines: [[UInt8]] = [
            [], [0x20], [0xFF, 0xFE, 0x00], Array("{".utf8), Array("null".utf8), Array("[]".utf8), Array("{}".utf8),
            Array("{\"type\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8),
            Array("{\"method\":\"from/the/future\",\"params\":{}}".utf8),
            Array("{\"method\":\"from/the/future\",\"id\":\"x\",\"params\":{}}".utf8),
            Array("{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no JSON\"}}".utf8),
            Array("{\"type\":\"from.the.future\"}".utf8),
            Array(repeating: UInt8(ascii: "["), count: 100_000),
            Array("{\"type\":\"x\",\"y\":\"".utf8) + Array(repeating: UInt8(ascii: "a"), count: 10 << 20)
                + Array("\"}".utf8),
            Array("{\"type\":\"x\",\"y\":\"".utf8) + Array(repeating: UInt8(ascii: "a"), count: 10 << 20),
            Array(repeating: 0xFF, count: 10 << 20),
        ]
        for line in lines {
            for event in conversation.read(ArraySlice(line)).events {
                #expect(event.isNote, "\(event.line)")
                #expect(event.line.utf8.count < 2_000)
            }
        }
        let outcome = conversation.verdict(.exited(0), error: "")
        guard case .unknown = outcome else { return #expect(Bool(false), "\(outcome)") }
    }
}

extension AgentEvent {
    /// It changes nothing.
    fileprivate var isNote: Bool {
        switch self {
        case .noted, .unknown: true
        default: false
        }
    }
}

extension JSONValue {
    /// The value with each of its parts replaced, one at a time, by each of these.
    func spoiled(with substitutes: [JSONValue]) -> [JSONValue] {
        var results: [JSONValue] = []
        switch self {
        case .object(let object):
            for (key, value) in object {
                for part in substitutes + value.spoiled(with: substitutes) where part != value {
                    var copy = object
                    copy[key] = part
                    results.append(.object(copy))
                }
                var copy = object
                copy[key] = .none
                results.append(.object(copy))
            }
        case .array(let array):
            for (index, value) in array.enumerated() {
                for part in substitutes + value.spoiled(with: substitutes) where part != value {
                    var copy = array
                    copy[index] = part
                    results.append(.array(copy))
                }
            }
        case .null, .bool, .int, .double, .string: break
        }
        return results
    }
}
