import IPC

/// A line of an agent's output: what every parser of a stream begins with.
enum StreamLine: Equatable {
    case object(JSONObject)
    /// Something else than a JSON object: for people to read.
    case text(String)
    case blank

    init(_ line: ArraySlice<UInt8>) {
        guard let first = line.first(where: { !Self.isSpace($0) }) else {
            self = .blank
            return
        }
        guard first == UInt8(ascii: "{"), let object = try? JSONValue(mending: line).objectValue else {
            self = .text(String(decoding: line.prefix(2_048), as: UTF8.self).oneLine(300))
            return
        }
        self = .object(object)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

extension JSONValue {
    /// The string of that member; nil if it is of another kind.
    func text(_ key: String) -> String? { self[key]?.stringValue }

    /// The count of that member: 0 if it is of another kind, and bounded, so that sums of whatever an agent says stay numbers.
    func count(_ key: String) -> Int {
        min(max(0, self[key]?.intValue ?? 0), 1_000_000_000_000)
    }

    /// An amount of US dollars in millionths; nil for what is none.
    var microdollars: Int? {
        guard let amount = doubleValue, amount.isFinite, amount >= 0 else { return nil }
        return Int((min(amount, 1_000_000) * 1_000_000).rounded())
    }

    /// The elements, none if it is of another kind.
    var elements: [JSONValue] { arrayValue ?? [] }
}

extension String {
    /// The first line that is not blank, cut.
    func oneLine(_ limit: Int = 200) -> String {
        let start = drop { $0.isWhitespace }
        let line = start.prefix { !$0.isNewline }.prefix(limit + 1)
        return line.count > limit ? line.prefix(limit - 1) + "…" : String(line)
    }
}

extension ToolResult {
    init(_ id: String, _ outcome: Outcome, _ output: String) {
        self.init(id: id, outcome: outcome, output: String(output.prefix(Self.outputLimit)))
    }
}

/// The uses of tools that are under way: each beginning is told once, and none is left open when its turn has ended.
struct RunningTools: Equatable, Sendable {
    private var calls: [ToolCall] = []

    subscript(id: String) -> ToolCall? { calls.first { $0.id == id } }

    /// The latest of that name's beginning.
    func last(named prefix: String) -> ToolCall? { calls.last { $0.name.hasPrefix(prefix) } }

    mutating func start(_ call: ToolCall) -> [AgentEvent] {
        guard self[call.id] == nil else { return [] }
        calls.append(call)
        return [.toolStarted(call)]
    }

    /// The call is for where its beginning was not told.
    mutating func end(_ result: ToolResult, of call: @autoclosure () -> ToolCall?) -> [AgentEvent] {
        if let index = calls.firstIndex(where: { $0.id == result.id }) {
            calls.remove(at: index)
            return [.toolEnded(result)]
        }
        return (call().map { [.toolStarted($0)] } ?? []) + [.toolEnded(result)]
    }

    /// What is known of it by now takes the place of what was told.
    mutating func update(_ call: ToolCall) {
        if let index = calls.firstIndex(where: { $0.id == call.id }) { calls[index] = call }
    }

    mutating func endAll() -> [AgentEvent] {
        defer { calls = [] }
        return calls.map { .toolEnded(ToolResult($0.id, .failed, "It had not ended when the turn did.")) }
    }
}

extension Assignment {
    /// What an agent that takes it as an argument is told; no argument may be longer than 128 KiB.
    var openingArgument: String {
        guard opening.utf8.count >= 120_000 else { return opening }
        return [
            "Read the file \(promptFile) from beginning to end: it says what you are to do.",
            feedbackFile.map { "What went wrong last time is in \($0)." },
        ]
        .compactMap { $0 }.joined(separator: "\n")
    }
}
