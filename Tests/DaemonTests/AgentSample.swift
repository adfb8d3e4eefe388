import Core
import Foundation
import IPC

@testable import Daemon

/// What a real agent printed, and what it was told meanwhile: a file of `Fixtures/agents`.
struct AgentSample {
    enum Step {
        case told(ConversationOrder)
        case printed([UInt8])
    }

    let name: String
    let steps: [Step]

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/agents")

    static func names(_ prefix: String) -> [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".jsonl") }.map { String($0.dropLast(6)) }.sorted()
    }

    var lines: [[UInt8]] { steps.compactMap { if case .printed(let line) = $0 { line } else { nil } } }

    /// Lines as they were printed.
    init(_ name: String) throws {
        self.name = name
        steps = try Self.text(name).map { .printed($0) }
    }

    private static func text(_ name: String) throws -> [[UInt8]] {
        try Data(contentsOf: folder.appending(path: "\(name).jsonl")).split(separator: 0x0A).map { Array($0) }
    }

    /// A dialogue that was held by orch, or by another client, as orch would have held it: numbered requests have orch's
    /// keys, and what the client sent of its own accord is what orch is ordered to.
    init(dialogue name: String) throws {
        self.name = name
        var keys: [Int: String] = [:]
        var (messages, interruptions, prompts) = (0, 0, 0)
        var steps: [Step] = []
        for line in try Self.text(name) {
            guard let (isSent, message) = try Self.message(line) else { continue }
            guard isSent else {
                var printed = message.objectValue!
                if printed["method"] == nil, let key = printed["id"]?.intValue.flatMap({ keys[$0] }) {
                    printed["id"] = .string(key)
                }
                steps.append(.printed(JSONValue.object(printed).bytes))
                continue
            }
            if let key = message["id"]?.stringValue, message["method"] != nil {
                if let order = Self.order(RequestKey(parsing: key), message) { steps.append(.told(order)) }
                continue
            }
            let id = message["id"]?.intValue
            let text = (message["params"]?["input"] ?? message["params"]?["prompt"])?.arrayValue?.first?["text"]?
                .stringValue
            switch message["method"]?.stringValue {
            case "initialize": keys[id!] = "initialize"
            case "thread/start", "thread/resume": keys[id!] = "thread"
            case "session/new", "session/resume", "session/load": keys[id!] = "session"
            case "turn/start" where prompts == 0, "session/prompt" where prompts == 0:
                keys[id!] = "prompt"
                prompts = 1
            case "turn/start", "turn/steer", "session/prompt":
                keys[id!] = "message-\(messages)"
                steps.append(.told(.say(message: messages, text!)))
                messages += 1
            case "turn/interrupt", "session/cancel":
                if let id { keys[id] = "interrupt-\(interruptions)" }
                steps.append(.told(.interrupt(interruptions)))
                interruptions += 1
            case nil: steps.append(.told(.answer(request: "\(id!)", Self.answer(message["result"]!))))
            default: break
            }
        }
        self.steps = steps
    }

    /// What orch was ordered to, where the dialogue was its own; nil for what it sends by itself.
    private static func order(_ key: RequestKey, _ message: JSONValue) -> ConversationOrder? {
        if let number = key.message, let text = message["params"]?["input"]?.arrayValue?.first?["text"]?.stringValue {
            return .say(message: number, text)
        }
        return key.base.hasPrefix("interrupt-") ? .interrupt(Int(key.base.dropFirst("interrupt-".count))!) : nil
    }

    /// Captured as `< {...}` and `> {...}`, or as `{"dir": "<", "msg": {...}}`.
    private static func message(_ line: [UInt8]) throws -> (isSent: Bool, JSONValue)? {
        if line.first == UInt8(ascii: "{") {
            let value = try JSONValue(parsing: line)
            guard let message = value["msg"] else { return nil }
            return (value["dir"]?.stringValue == ">", message)
        }
        return (line.first == UInt8(ascii: ">"), try JSONValue(parsing: Array(line.dropFirst(2))))
    }

    private static func answer(_ result: JSONValue) -> PermissionAnswer {
        let word =
            result["decision"]?.stringValue ?? result["action"]?.stringValue
            ?? result["outcome"]?["optionId"]?.stringValue
        return ["accept", "allow", "allow_always"].contains(word ?? "") ? .allow : .deny("No.")
    }
}

// MARK: As text

/// An exchange, to be read.
func lines(of exchange: Exchange) -> [String] {
    exchange.events.map(\.line) + exchange.outgoing.map { "-> \($0.key) \($0.line)" }
}

extension AgentEvent {
    /// The event in a line, for people who read a test.
    var line: String {
        switch self {
        case .session(let session):
            var line = "session \(session.id) model \(session.model ?? "-") version \(session.version ?? "-")"
            for (name, state) in session.missingServers.sorted(by: { $0.key < $1.key }) {
                line += " without \(name): \(state)"
            }
            return line
        case .turnStarted: return "turn started"
        case .said(let text, let speaker): return "\(speaker.rawValue): \(text.debugDescription)"
        case .toolStarted(let call): return "tool \(call.line)"
        case .toolEnded(let result):
            return "tool \(result.id) \(result.outcome.rawValue): \(result.output.debugDescription)"
        case .used(let report):
            let models = report.models.sorted { $0.key < $1.key }.map { name, used in
                "\(name.isEmpty ? "-" : name) \(used.tokens.line) cost \(used.cost.map(String.init) ?? "-")"
            }
            return "used " + models.joined(separator: ", ")
        case .asked(let request): return "asked \(request.id), because \(request.reason ?? "-"): \(request.call.line)"
        case .withdrew(let request): return "withdrew \(request)"
        case .tookMessage(let number): return "took message \(number)"
        case .refusedMessage(let number, let reason): return "refused message \(number): \(reason)"
        case .limited(let reason, let until):
            return "limited until \(until.map { "\($0.milliseconds)" } ?? "-"): \(reason)"
        case .retrying(let reason, let attempt): return "retrying \(attempt): \(reason)"
        case .turnEnded(.completed(let text)): return "turn completed: \(text.debugDescription)"
        case .turnEnded(.interrupted): return "turn interrupted"
        case .turnEnded(.failed(let failure, let reason)): return "turn failed, \(failure.rawValue): \(reason)"
        case .noted(let text): return "noted: \(text)"
        case .unknown(let kind): return "unknown: \(kind)"
        }
    }
}

extension ToolCall {
    fileprivate var line: String {
        var line = "\(id) \(kind.rawValue) \(name): \(title)"
        if !paths.isEmpty { line += " (\(paths.joined(separator: ", ")))" }
        if let command { line += " $ \(command)" }
        if let parent { line += " of \(parent)" }
        return line
    }
}

extension Tokens {
    fileprivate var line: String { "\(input) in \(output) out \(cacheRead) read \(cacheWrite) written" }
}

extension Assignment {
    /// One for tests.
    static func sample(session: String? = nil, tools: ToolServer? = nil, opening: String = "Do it.") -> Assignment {
        Assignment(
            ticket: TicketID("T-1"),
            title: "A title",
            prompt: "Do it.\n",
            promptFile: "/state/tickets/T-1/prompt.md",
            feedbackFile: nil,
            branch: "orch/T-1",
            worktree: "/worktree",
            attempt: 1,
            opening: opening,
            session: session,
            tools: tools
        )
    }
}

extension Conversation {
    mutating func read(_ line: String) -> Exchange { read(ArraySlice(Array(line.utf8))) }
    mutating func read(_ value: JSONValue) -> Exchange { read(ArraySlice(value.bytes)) }
}
