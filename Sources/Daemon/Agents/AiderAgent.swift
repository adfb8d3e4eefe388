import Core

/// aider: one prompt, one run, and text for people.
struct AiderAgent: AgentAdapter {
    let profile: AgentProfile

    func invocation(for assignment: Assignment) -> Invocation {
        var arguments = profile.program + ["--message-file", assignment.promptFile]
        if let feedback = assignment.feedbackFile { arguments += ["--read", feedback] }
        arguments += ["--yes-always", "--no-stream", "--no-pretty", "--no-check-update", "--no-show-release-notes"]
        // Asked whether it may collect analytics, it would say yes.
        arguments.append("--no-analytics")
        // Commits are orch's, and what it keeps for itself does not belong into the work.
        arguments += ["--no-auto-commits", "--no-gitignore"]
        arguments += ["--chat-history-file", "/dev/null", "--input-history-file", "/dev/null"]
        if let model = profile.model { arguments += ["--model", model] }
        // It breaks lines where a terminal would, in the middle of what is wrong.
        let environment = ["COLUMNS": "500"].merging(assignment.environment(of: profile)) { $1 }
        return Invocation(
            arguments: arguments + profile.arguments,
            environment: environment,
            standardInput: .null
        )
    }

    func conversation(for assignment: Assignment) -> (any Conversation)? { AiderConversation() }
}

/// What aider prints: its words, and after each answer of the model's a line of what it used. It ends with 0 after errors of
/// its provider, too, so that it is the answers that tell.
struct AiderConversation: Conversation {
    private var hasBegun = false
    private var answers = 0
    /// What went wrong since the last answer.
    private var trouble: String?
    private var retries = 0
    private var tokens = Tokens()
    private var cost: Int?

    var canBeSteered: Bool { false }
    var isOpen: Bool { false }
    var isBusy: Bool { true }

    mutating func begin() -> Exchange { .nothing }

    mutating func take(_ order: ConversationOrder) -> Exchange {
        guard case .say(let number, _) = order else { return .nothing }
        return Exchange(events: [.refusedMessage(number, reason: "aider takes no message while it works")])
    }

    mutating func read(_ line: ArraySlice<UInt8>) -> Exchange {
        let text = String(decoding: line, as: UTF8.self)
        guard !text.allSatisfy(\.isWhitespace) else { return .nothing }
        var exchange = Exchange()
        if !hasBegun { exchange.events.append(.turnStarted) }
        hasBegun = true
        if readUsage(text) {
            exchange.events.append(.used(UsageReport(models: ["": .init(tokens: tokens, cost: cost)])))
        } else {
            if Self.isTrouble(text) { trouble = Self.joined(text.oneLine(300), trouble) }
            exchange.events.append(retry(text) ?? .said(text, by: .agent))
        }
        return exchange
    }

    func verdict(_ outcome: RunOutcome, error: String) -> RunOutcome {
        guard case .exited(let code) = outcome else { return outcome }
        if let trouble { return .failed(trouble) }
        if answers == 0 {
            var turns = TurnVerdict()
            if hasBegun { turns.saw(.noted("it tells of no answer of its model")) }
            return turns.verdict(.exited(code), error: error)
        }
        return outcome
    }

    /// `Retrying in 0.5 seconds...`, behind what has gone wrong.
    private mutating func retry(_ text: String) -> AgentEvent? {
        guard text.hasPrefix("Retrying in "), let trouble else { return nil }
        retries += 1
        return .retrying(reason: trouble, attempt: retries)
    }

    /// What aider says of an error comes behind the error itself.
    private static func joined(_ text: String, _ before: String?) -> String {
        guard let before, before.hasPrefix("litellm."), !text.hasPrefix("litellm.") else { return text }
        return "\(text) (\(before))"
    }

    private static func isTrouble(_ text: String) -> Bool {
        // As LiteLLM calls its exceptions, and aider what it gives up for.
        text.hasPrefix("litellm.") || text.hasPrefix("The API provider") || text.contains("has hit a token limit!")
    }

    // MARK: `Tokens: 4.2k sent, 1.1k cache write, 3k cache hit, 812 received. Cost: $0.01 message, $0.05 session.`

    /// Whether it is such a line, or, where the line is long, its second half. Its figures are rounded.
    private mutating func readUsage(_ text: String) -> Bool {
        var text = Substring(text)
        var hasTokens = false
        if let rest = text.dropping("Tokens: ") {
            let end = rest.range(of: " received.")
            guard let end else { return false }
            answers += 1
            (trouble, retries) = (nil, 0)
            for part in rest[..<end.lowerBound].split(separator: ", ") { add(part) }
            text = rest[end.upperBound...].drop { $0 == " " }
            hasTokens = true
        }
        guard let rest = text.dropping("Cost: $"), let message = rest.range(of: " message, $"),
            let session = rest.range(of: " session.")
        else { return hasTokens }
        // Of the session, so that it holds what the messages before have cost.
        guard message.upperBound <= session.lowerBound else { return hasTokens }
        if let dollars = Double(rest[message.upperBound..<session.lowerBound]), (0...1e9).contains(dollars) {
            cost = Int((dollars * 1_000_000).rounded())
        }
        return true
    }

    private mutating func add(_ part: Substring) {
        guard let space = part.firstIndex(of: " "), let count = Self.count(part[..<space]) else {
            // The last of them: ` received` was its word.
            if let count = Self.count(part) { tokens.output += count }
            return
        }
        switch part[part.index(after: space)...] {
        case "sent": tokens.input += count
        case "cache write": tokens.cacheWrite += count
        case "cache hit": tokens.cacheRead += count
        default: break
        }
    }

    /// `812`, `4.2k`, `12k`.
    private static func count(_ text: Substring) -> Int? {
        let isThousands = text.hasSuffix("k")
        guard let number = Double(isThousands ? text.dropLast() : text), (0...1e9).contains(number) else { return nil }
        return Int((number * (isThousands ? 1000 : 1)).rounded())
    }
}

extension Substring {
    fileprivate func dropping(_ prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }

    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
