import IPC

/// Makes what is shown of a run's events, one by one. Tools are one item each, which grows with their end.
struct TranscriptReader {
    private(set) var items: [TranscriptItem] = []
    /// Ends of tools whose beginning comes before the first event.
    private(set) var endings: [String: TranscriptItem.Ending] = [:]
    private var tools: [String: Int] = [:]
    private var lastSaid: String?
    private let clock: (String) -> String

    /// - Parameter clock: the time of day of a moment as it travels.
    init(clock: @escaping (String) -> String) { self.clock = clock }

    /// A line that is none of this version's is left out; the raw output has it.
    mutating func take(_ line: EventWindow.Line) {
        guard let event = try? JSONValue(mending: line.bytes) else { return }
        func text(_ name: String) -> String { event[name]?.stringValue ?? "" }
        func add(_ content: TranscriptItem.Content) {
            items.append(TranscriptItem(offset: line.offset, time: text("time"), content: content))
        }
        func because(_ name: String = "reason") -> String { text(name).isEmpty ? "" : ": \(text(name))" }
        switch text("event") {
        case "session":
            let model = text("model")
            add(.note("session \(text("session"))" + (model.isEmpty ? "" : " · \(model)"), .dim))
        case "said":
            guard !text("text").isEmpty else { return }
            let speaker = TranscriptItem.Speaker(text("by"))
            if speaker == .agent { lastSaid = text("text") }
            add(.said(text("text"), by: speaker))
        case "tool_started":
            let isNested = event["parent"]?.stringValue != nil
            let use = TranscriptItem.ToolUse(
                call: text("call"),
                tool: text("tool"),
                title: text("title"),
                command: event["command"]?.stringValue,
                isNested: isNested
            )
            add(.tool(use))
            tools[use.call] = items.count - 1
        case "tool_ended":
            let ending = TranscriptItem.Ending(outcome: text("outcome"), output: text("output"), time: text("time"))
            if let index = tools[text("call")] { items[index].end(ending) } else { endings[text("call")] = ending }
        case "permission_asked": add(.note("asks for leave: \(text("tool")) \(text("title"))\(because())", .waiting))
        case "message_taken": add(.note("message \(event["message"]?.intValue ?? 0) taken in", .dim))
        case "message_refused":
            add(.note("message \(event["message"]?.intValue ?? 0) not taken\(because())", .failed))
        case "limited":
            let until = event["until"]?.stringValue.map { " until \(clock($0))" } ?? ""
            add(.note("rate limited\(until)\(because())", .stopped))
        case "retrying": add(.note("tries again, attempt \(event["attempt"]?.intValue ?? 0)\(because())", .stopped))
        case "turn_ended":
            endOfTurn(text("outcome"), said: text("text"), text("failure"), because()).forEach(add)
        case "noted": add(.note("note: \(text("text"))", .stopped))
        default: break
        }
    }

    private func endOfTurn(
        _ outcome: String,
        said: String,
        _ failure: String,
        _ because: String
    ) -> [TranscriptItem.Content] {
        switch outcome {
        case "completed":
            // It is what the agent said last, as a rule.
            let isNew = !said.isEmpty && lastSaid != nil && lastSaid != said
            return (isNew ? [.said(said, by: .agent)] : []) + [.note("the turn has ended", .dim)]
        case "interrupted": return [.note("the turn was interrupted", .stopped)]
        default:
            let kind = failure.split(separator: "_").joined(separator: " ")
            return [.note("the turn failed\(kind.isEmpty ? "" : " (\(kind))")\(because)", .failed)]
        }
    }
}

extension TranscriptItem {
    mutating func end(_ ending: Ending) {
        guard case .tool(var use) = content else { return }
        use.ending = ending
        content = .tool(use)
        rows = []
    }

    /// The call of a tool that is not known to have ended.
    var openCall: String? {
        guard case .tool(let use) = content, use.ending == nil else { return nil }
        return use.call
    }
}

extension TranscriptItem.Speaker {
    fileprivate init(_ word: String) {
        self =
            switch word {
            case "thinking": .thinking
            case "subagent": .subagent
            case "person": .person
            default: .agent
            }
    }
}
