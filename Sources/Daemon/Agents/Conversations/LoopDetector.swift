/// Whether an agent goes round in circles: the same call with the same result, the same error, or two calls in turn, again
/// and again. Fed with its events; commands that look whether something is done by now are allowed to repeat.
struct LoopDetector: Equatable, Sendable {
    /// What it found, as a sentence about the agent.
    typealias Finding = String

    private struct Call: Equatable {
        let name: String
        let title: String
        var text: String { title.isEmpty ? name : "\(name) (\(title))" }
    }

    private struct Step: Equatable {
        let call: Call
        let outcome: ToolResult.Outcome
        let output: Int
    }

    /// How often is too often.
    private static let repeats = 5
    /// How often two in turn are.
    private static let rounds = 4

    private var open: [String: Call] = [:]
    /// The last that ended, newest last.
    private var steps: [Step] = []
    /// What was found last, for as long as it does nothing else.
    private(set) var finding: Finding?
    /// What it did over and over then.
    private var circle: [Call] = []

    mutating func saw(_ event: AgentEvent) -> Finding? {
        switch event {
        case .toolStarted(let call):
            if !Self.isPolling(call) {
                let call = (id: call.id, what: Call(name: call.name, title: call.title))
                open[call.id] = call.what
                if !circle.contains(call.what) { (finding, circle) = (nil, []) }
            }
            return nil
        case .toolEnded(let result):
            guard let call = open.removeValue(forKey: result.id) else { return nil }
            steps.append(Step(call: call, outcome: result.outcome, output: result.output.hashValue))
            if steps.count > 2 * Self.rounds { steps.removeFirst() }
            return find()
        case .tookMessage:
            // It has something new to go by.
            steps = []
            return nil
        case .turnEnded:
            (finding, circle) = (nil, [])
            return nil
        default: return nil
        }
    }

    private mutating func find() -> Finding? {
        guard let found = repeated ?? failing ?? alternating else { return nil }
        (finding, circle) = (found, steps.map(\.call))
        // Said once for each time that it is so.
        steps = []
        return found
    }

    private var repeated: Finding? {
        guard let last = steps.last, steps.count >= Self.repeats,
            steps.suffix(Self.repeats).allSatisfy({ $0 == last })
        else { return nil }
        let what = last.outcome == .succeeded ? "with the same result" : "and it failed alike each time"
        return "it called \(last.call.text) \(Self.repeats) times in a row \(what)"
    }

    /// The same failure, however it was brought about.
    private var failing: Finding? {
        guard let last = steps.last, last.outcome == .failed, steps.count >= Self.repeats,
            steps.suffix(Self.repeats).allSatisfy({ $0.outcome == .failed && $0.output == last.output })
        else { return nil }
        return "it ran into the same error \(Self.repeats) times in a row"
    }

    private var alternating: Finding? {
        guard steps.count == 2 * Self.rounds, steps[0] != steps[1] else { return nil }
        for index in 2..<steps.count where steps[index] != steps[index - 2] { return nil }
        return "it went back and forth between \(steps[0].call.text) and \(steps[1].call.text) \(Self.rounds) times"
    }

    /// What is done again and again by those who wait: a command, with or without more behind it.
    private static let polling = [
        "sleep", "watch", "tail", "ps", "pgrep", "jobs", "wait", "date", "uptime", "docker ps", "kubectl get",
        "kubectl rollout status", "gh run", "gh pr checks", "gh pr view", "curl", "nc -z", "git fetch", "git status",
        "orch",
    ]

    private static func isPolling(_ call: ToolCall) -> Bool {
        if call.kind == .orch { return true }
        // Claude Code's look at a command in the background.
        if ["BashOutput", "TaskOutput"].contains(call.name) { return true }
        guard let command = call.command else { return false }
        return polling.contains { command == $0 || command.hasPrefix($0 + " ") } || command.contains("sleep ")
    }
}
