import Core
import IPC

@testable import Daemon

/// Whatever an agent prints, whatever it is told meanwhile: its conversation is a function of that, sends whole lines and
/// one line to a key, leaves a message alone once it was taken, reports no negative usage, and takes nothing for success
/// that no turn's end was seen for; read again, it sends nothing new.
///
/// The first byte is the kind of agent, the second whether it goes on in a session; then come lines. One that begins with
/// `>` is an order (see `order`), any other is printed.
func checkAgents(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2 else { return }
    let kinds = AgentProfile.Kind.allCases.filter { $0 != .command }
    let profile = AgentProfile(kind: kinds[Int(bytes[0]) % kinds.count], command: ["agent"], model: "gpt-5.5")
    let assignment = assignment(isResumed: bytes[1] % 2 == 1)
    guard let conversation = profile.adapter.conversation(for: assignment) else { return }
    let lines = bytes.dropFirst(2).split(separator: 0x0A, omittingEmptySubsequences: false)
    var dialogue = Dialogue(conversation, of: profile.kind)
    var again = Dialogue(conversation, of: profile.kind)
    try dialogue.begin()
    try again.begin()
    for line in lines {
        try require(dialogue.step(line) == again.step(line), "told the same, it does something else")
        try dialogue.checkVerdict()
    }
    try dialogue.checkReplay(of: lines, by: conversation)
}

/// One conversation, and what must hold of it as a whole.
private struct Dialogue {
    private var conversation: any Conversation
    private let kind: AgentProfile.Kind
    private var sent: [String: String] = [:]
    private var keys: [String] = []
    private var taken: Set<Int> = []
    private var activity = AgentActivity(since: Instant(milliseconds: 0))
    private var orders = 0
    private var isCompleted = false

    init(_ conversation: any Conversation, of kind: AgentProfile.Kind) {
        self.conversation = conversation
        self.kind = kind
    }

    mutating func begin() throws { try settle(conversation.begin()) }

    mutating func step(_ line: ArraySlice<UInt8>) throws -> Exchange {
        let exchange = order(line).map { conversation.take($0) } ?? conversation.read(line)
        try settle(exchange)
        return exchange
    }

    /// `>s text` says something, `>i` interrupts, `>y id` allows, `>n id` denies.
    private mutating func order(_ line: ArraySlice<UInt8>) -> ConversationOrder? {
        guard line.first == UInt8(ascii: ">"), let letter = line.dropFirst().first else { return nil }
        let text = String(decoding: line.dropFirst(3), as: UTF8.self)
        orders += 1
        switch letter {
        case UInt8(ascii: "s"): return .say(message: orders, text)
        case UInt8(ascii: "i"): return .interrupt(orders)
        case UInt8(ascii: "y"): return .answer(request: text, .allow)
        case UInt8(ascii: "n"): return .answer(request: text, .deny("No.\nNot \(text)."))
        default: return nil
        }
    }

    private mutating func settle(_ exchange: Exchange) throws {
        for outgoing in exchange.outgoing {
            keys.append(outgoing.key)
            try require(!outgoing.key.isEmpty, "a line without a key: \(outgoing.line)")
            try require(!outgoing.line.utf8.contains(0x0A), "a line break in \(outgoing.line.debugDescription)")
            try require((try? JSONValue(parsing: outgoing.line)) != nil, "no JSON: \(outgoing.line)")
            // Who gives two requests one id has one answer.
            if ["reply-", "answer-", "denied-"].contains(where: outgoing.key.hasPrefix) { continue }
            let known = sent.updateValue(outgoing.line, forKey: outgoing.key)
            try require(
                known == nil || known == outgoing.line,
                "\(outgoing.key) is \(known ?? "") and \(outgoing.line)"
            )
        }
        for event in exchange.events { try settle(event.within("/worktree")) }
    }

    private mutating func settle(_ event: AgentEvent) throws {
        activity.saw(event, at: Instant(milliseconds: 1), offset: 0)
        let row = JSONValue.object(event.row(at: Instant(milliseconds: 1), offset: 0))
        try require((try? JSONValue(parsing: row.bytes)) != nil && !row.bytes.contains(0x0A), "no row: \(row)")
        switch event {
        case .turnStarted: isCompleted = false
        case .turnEnded(.completed): isCompleted = true
        case .turnEnded: isCompleted = false
        case .tookMessage(let number):
            try require(taken.insert(number).inserted, "message \(number) is taken twice")
        case .refusedMessage(let number, _):
            try require(!taken.contains(number), "message \(number) is refused when it was taken")
        case .used(let report):
            for (model, used) in report.models {
                let figures = [used.tokens.input, used.tokens.output, used.tokens.cacheRead, used.tokens.cacheWrite]
                try require(figures.allSatisfy { $0 >= 0 } && used.cost ?? 0 >= 0, "\(model) has used \(used)")
            }
            // Its text tells of no turns.
            if kind == .aider { isCompleted = true }
        default: break
        }
    }

    /// A later daemon, which is told of no order by then, reads the same and sends nothing new.
    func checkReplay(of lines: [ArraySlice<UInt8>], by conversation: any Conversation) throws {
        var conversation = conversation
        conversation.recall(keys)
        var again = conversation.begin().outgoing
        for line in lines where line.first != UInt8(ascii: ">") { again += conversation.read(line).outgoing }
        let new = Set(again.map(\.key)).subtracting(keys)
        try require(new.isEmpty, "read again it sends \(new)")
    }

    func checkVerdict() throws {
        let verdict = conversation.verdict(.exited(0), error: "")
        try require(verdict != .exited(0) || isCompleted, "taken for success without a turn's end")
        try require(conversation.verdict(.exited(1), error: "why") != .exited(0), "exit 1 taken for success")
        try require(conversation.verdict(.lost("gone"), error: "") == .lost("gone"), "a lost run has a verdict")
    }
}

private func assignment(isResumed: Bool) -> Assignment {
    var assignment = Assignment(
        ticket: TicketID("T-1"),
        title: "A title",
        prompt: "Do it.\n",
        promptFile: "/state/tickets/T-1/prompt.md",
        feedbackFile: nil,
        branch: "orch/T-1",
        worktree: "/worktree",
        attempt: 1,
        opening: "Do it.",
        session: isResumed ? "s-1" : nil
    )
    if isResumed {
        let used = Tokens(input: 100, output: 10, cacheRead: 50)
        assignment.usedBefore = UsageReport(models: ["gpt-5.5": .init(tokens: used, cost: 1000)])
    }
    return assignment
}
