import IPC

/// Which tickets are listed: `avup is:needs-you agent:claude lock:src/ p:>2 -is:done`. All parts have to hold.
///
/// A word of one of these forms means what it says, even half typed; any other is looked for in id and title.
struct Filter: Equatable, Sendable {
    let text: String
    private let terms: [Term]
    /// A part that can never hold, in a sentence; nil: there is none.
    let problem: String?

    private struct Term: Equatable, Sendable {
        var isNegated: Bool
        var condition: Condition
    }

    private enum Condition: Equatable, Sendable {
        case words([UInt8])
        case state(Set<State>)
        case agent([UInt8])
        case lock([UInt8])
        case priority(Comparison, Int)
    }

    private enum Comparison: String, Sendable {
        case equal = "=", atLeast = ">=", atMost = "<=", more = ">", less = "<"
    }

    /// What `is:` knows.
    enum State: String, CaseIterable, Sendable {
        case needsYou = "needs-you"
        case working, queued, landing, stopped, done, stale, blocked
    }

    /// Any text is a filter; what is only begun (`is:`) holds of everything.
    init(_ text: String) {
        self.text = text
        var terms: [Term] = []
        var problem: String?
        for word in text.split(separator: " ") {
            let isNegated = word.count > 1 && (word.first == "-" || word.first == "!")
            let body = isNegated ? word.dropFirst() : word
            switch Self.condition(body) {
            case .success(let condition?): terms.append(Term(isNegated: isNegated, condition: condition))
            case .success(nil): break
            case .failure(let reason): problem = problem ?? reason.sentence
            }
        }
        self.terms = terms
        self.problem = problem
    }

    private struct Nonsense: Error { let sentence: String }

    /// nil: nothing is asked yet.
    private static func condition(_ word: Substring) -> Result<Condition?, Nonsense> {
        guard let colon = word.firstIndex(of: ":") else { return .success(.words(folded(word))) }
        let value = word[word.index(after: colon)...]
        switch word[..<colon] {
        case "is":
            let known = State.allCases.filter { $0.rawValue.hasPrefix(value.lowercased()) }
            let names = State.allCases.map(\.rawValue).joined(separator: ", ")
            if known.isEmpty { return .failure(Nonsense(sentence: "nothing is \(value); known: \(names)")) }
            return .success(value.isEmpty ? nil : .state(Set(known)))
        case "agent": return .success(value.isEmpty ? nil : .agent(folded(value)))
        case "lock": return .success(value.isEmpty ? nil : .lock(folded(value)))
        case "p", "priority": return priority(value)
        // `fix: the login` is looked for as it stands.
        default: return .success(.words(folded(word)))
        }
    }

    private static func priority(_ value: Substring) -> Result<Condition?, Nonsense> {
        let sign = value.prefix { "<>=".contains($0) }
        let number = value.dropFirst(sign.count)
        if number.isEmpty || number == "-" { return .success(nil) }
        guard let comparison = sign.isEmpty ? .equal : Comparison(rawValue: String(sign)), let bound = Int(number)
        else {
            return .failure(Nonsense(sentence: "\(value) is no priority; write p:5, p:>2 or p:<=0"))
        }
        return .success(.priority(comparison, bound))
    }

    // MARK: Matching

    var isEmpty: Bool { terms.isEmpty && problem == nil }

    func matches(_ row: TicketRow) -> Bool {
        problem == nil && terms.allSatisfy { Self.holds($0.condition, of: row) != $0.isNegated }
    }

    private static func holds(_ condition: Condition, of row: TicketRow) -> Bool {
        switch condition {
        case .words(let words): isFound(words, in: Array("\(row.id) \(row.title)".utf8))
        case .state(let states): states.contains { holds($0, of: row) }
        case .agent(let name):
            contains(folded(row.profile[...]), name) || row.agent.map { contains(folded($0[...]), name) } ?? false
        case .lock(let part): row.locks.contains { contains(folded($0[...]), part) }
        case .priority(let comparison, let bound):
            switch comparison {
            case .equal: row.priority == bound
            case .atLeast: row.priority >= bound
            case .atMost: row.priority <= bound
            case .more: row.priority > bound
            case .less: row.priority < bound
            }
        }
    }

    private static func holds(_ state: State, of row: TicketRow) -> Bool {
        let group = TicketGroup(row)
        return switch state {
        case .needsYou: row.needsHuman
        case .working: TicketGroup(state: row.state) == .working
        case .queued: group == .queued
        case .landing: group == .landing
        case .stopped: group == .stopped
        case .done: group == .done
        case .stale: row.stale_since != nil
        case .blocked: row.blocked == true
        }
    }

    /// Lower case, as far as ASCII goes: what people type to find something is mostly that.
    private static func folded(_ text: Substring) -> [UInt8] { text.utf8.map(\.folded) }

    private static func contains(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard part.count <= text.count else { return false }
        return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
    }

    /// Whether `pattern` stands in `text`, as it is or as beginnings of its words: `avup` in `Add avatar upload`.
    static func isFound(_ pattern: [UInt8], in text: [UInt8]) -> Bool {
        guard !pattern.isEmpty else { return true }
        // Where in `text` the part of the pattern so far may end.
        var ends: Set<Int> = []
        for (index, wanted) in pattern.enumerated() {
            var next: Set<Int> = []
            let earliest = index == 0 ? -1 : ends.min() ?? text.count
            for (place, byte) in text.enumerated() where place > earliest && byte.folded == wanted {
                let follows = ends.contains(place - 1)
                let begins = place == 0 || !isLetter(text[place - 1]) || !isLetter(byte)
                // Anywhere a pattern may begin; it goes on with the next letter, or at the next beginning of a word.
                if index == 0 || follows || begins { next.insert(place) }
            }
            ends = next
            if ends.isEmpty { return false }
        }
        return true
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        let byte = byte.folded
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte >= 0x80
    }
}

extension UInt8 {
    /// Lower case, of a letter of ASCII.
    var folded: UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self }
}
