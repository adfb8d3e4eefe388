import Core

// Actions as lines that a person reads, and the simulator reads again.

extension Action: CustomStringConvertible {
    package var description: String {
        switch self {
        case .enqueue(let repository, let wishes):
            "enqueue \(repository)" + wishes.map { " + " + $0.description }.joined()
        case .tell(let id, .steer(let message)): "tell \(id) steer \(message)"
        case .tell(let id, let command): "tell \(id) \(command.name)"
        case .edit(let id, let priority, let locks, let dependsOn):
            "edit \(id) \(priority)" + (dependsOn.map { " after " + Self.list($0) } ?? "")
                + (locks.map { " locks" + $0.map { " \($0)" }.joined() } ?? "")
        case .trust(let repository, let configuration): "trust \(repository) \(configuration)"
        case .register(let repository): "register \(repository)"
        case .drain: "drain"
        case .halt: "halt"
        case .resume: "resume"
        case .hold(let repository, let pattern, let name, let seconds):
            "hold \(repository) \(pattern) \(name)" + (seconds.map { " \($0)" } ?? "")
        case .letGo(let repository, let pattern): "let-go \(repository) \(pattern)"
        case .userWrites(let repository, let path, let content): "user-writes \(repository) \(path) \(content)"
        case .userDirties(let repository, let dirty): "user-checkout \(repository) \(dirty ? "dirty" : "clean")"
        case .userMoves(let repository, let away): "user-moves \(repository) \(away ? "away" : "back")"
        case .userLocks(let repository, let locked): "user-git \(repository) \(locked ? "begins" : "ends")"
        case .userCommits(let id, let content): "user-commits \(id) \(content)"
        case .turn(let count, let dying): "turn \(count)" + (dying.map { " dying \($0.rawValue)" } ?? "")
        case .deadline: "deadline"
        case .proceed(let count): "proceed \(count)"
        case .crash(let crash): crash.description
        case .perform(let id, let fails): "perform \(id)" + (fails ? " fails" : "")
        case .hear(let id): "hear \(id)"
        case .hearAgain(let run): "hear-again \(run)"
        case .write(let run, let files, let commits):
            "write \(run)" + files.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
                + (commits ? " commits" : "")
        case .escape(let run): "escape \(run)"
        case .use(let run, let cost): "use \(run) \(cost)"
        case .end(let run, let end): "end \(run) \(end)"
        case .quiet(let run, let quietness): "quiet \(run) \(quietness.rawValue)"
        case .claim(let run, let patterns, let seconds):
            "claim \(run) \(seconds) \(patterns.joined(separator: ","))"
        case .unclaim(let run): "unclaim \(run)"
        case .release(let run, let changed): "release \(run)" + changed.map { " \($0)" }.joined()
        case .ask(let run, let permission, let seconds): "ask \(run) \(seconds)" + (permission ? " permission" : "")
        case .answer(let id): "answer \(id)"
        case .killRunner(let run): "kill-runner \(run)"
        case .noticeRunner(let run): "notice-runner \(run)"
        case .clock(let milliseconds): "clock \(milliseconds)"
        case .disk(let full): full ? "disk full" : "disk free"
        case .reserve(let spent): spent ? "reserve spent" : "reserve back"
        case .push(let repository, let fails): "push \(repository)" + (fails ? " fails" : "")
        case .need(let isShort): isShort ? "machine short" : "machine free"
        case .look(let repository): "look \(repository)"
        case .send(let subscriber, let count): "send \(subscriber) \(count)"
        case .reconnect(let subscriber): "reconnect \(subscriber)"
        case .noise(let seed): "noise \(seed)"
        }
    }

    private static func list(_ ids: [TicketID]) -> String {
        ids.isEmpty ? "nothing" : ids.map(\.text).joined(separator: ",")
    }

    /// Reads a line; nil for one that says nothing.
    package init?(_ line: String) {
        var words = Words(line)
        guard let action = words.action(), words.isEmpty else { return nil }
        self = action
    }
}

extension Action.Wish: CustomStringConvertible {
    package var description: String {
        var words = ["priority \(priority)"]
        if let id { words.append("id \(id)") }
        if !locks.isEmpty { words.append("locks " + locks.joined(separator: ",")) }
        if !dependsOn.isEmpty { words.append("after " + dependsOn.map(\.text).joined(separator: ",")) }
        return words.joined(separator: " ")
    }
}

extension Action.Crash: CustomStringConvertible {
    package var description: String {
        var words = [powerLoss ? "power-loss" : "crash", "agents \(agents) slots \(slots)"]
        if !orphans.isEmpty { words.append("orphans " + orphans.map(\.text).joined(separator: ",")) }
        if let dying { words.append("dying \(dying.rawValue)") }
        return words.joined(separator: " ")
    }
}

extension Action.End: CustomStringConvertible {
    package var description: String {
        switch self {
        case .well: "well"
        case .afterChangingTheTree: "after-changing-the-tree"
        case .with(.exited(let code)): "exit \(code)"
        case .with(.signalled(let signal)): "signal \(signal)"
        case .with(.stopped), .with(.stale): "stopped"
        case .with(.timedOut): "timed-out"
        case .with(.notStarted): "not-started"
        case .with(.lost): "lost"
        case .with(.failed): "failed"
        case .with(.unknown): "unknown"
        }
    }
}

/// The words of a line, taken from its front.
private struct Words {
    private var words: ArraySlice<Substring>

    init(_ line: String) { words = line.split(separator: " ")[...] }

    var isEmpty: Bool { words.isEmpty }
    mutating func next() -> String? { words.popFirst().map(String.init) }
    /// Whether the next word is this one; it is taken then.
    mutating func takes(_ word: String) -> Bool {
        guard words.first.map({ $0 == word }) ?? false else { return false }
        words.removeFirst()
        return true
    }
    mutating func number() -> Int? { next().flatMap { Int($0) } }
    mutating func number(after word: String) -> Int? { takes(word) ? number() : nil }
    mutating func ticket() -> TicketID? { next().map { TicketID($0) } }
    mutating func tickets() -> [TicketID] { (next() ?? "").split(separator: ",").map { TicketID(String($0)) } }
    mutating func repository() -> RepositoryID? { next().map { RepositoryID($0) } }
    mutating func run() -> RunID? { next().flatMap { RunID($0) } }
    mutating func dying() -> SimulatedShell.CrashPoint? {
        takes("dying") ? next().flatMap(SimulatedShell.CrashPoint.init(rawValue:)) : nil
    }

    mutating func action() -> Action? {
        guard let verb = next() else { return nil }
        switch verb {
        case "enqueue": return repository().map { .enqueue($0, wishes()) }
        case "tell": return ticket().flatMap { id in command().map { .tell(id, $0) } }
        case "edit":
            guard let id = ticket(), let priority = number() else { return nil }
            let dependsOn = takes("after") ? takes("nothing") ? [] : tickets() : nil
            return .edit(id, priority: priority, locks: locks(), dependsOn: dependsOn)
        case "trust": return repository().flatMap { id in number().map { .trust(id, configuration: $0) } }
        case "register": return repository().map { .register($0) }
        case "drain": return .drain
        case "halt": return .halt
        case "resume": return .resume
        case "hold":
            guard let id = repository(), let pattern = next(), let name = next() else { return nil }
            return .hold(id, pattern: pattern, by: name, seconds: number())
        case "let-go": return repository().flatMap { id in next().map { .letGo(id, pattern: $0) } }
        case "user-writes":
            guard let id = repository(), let path = next(), let content = number() else { return nil }
            return .userWrites(id, path: path, content: content)
        case "user-checkout":
            guard let id = repository(), let state = next() else { return nil }
            return .userDirties(id, state == "dirty")
        case "user-moves":
            guard let id = repository(), let place = next() else { return nil }
            return .userMoves(id, away: place == "away")
        case "user-git":
            guard let id = repository(), let state = next() else { return nil }
            return .userLocks(id, state == "begins")
        case "user-commits": return ticket().flatMap { id in number().map { .userCommits(id, content: $0) } }
        case "turn": return number().map { .turn($0, dying: dying()) }
        case "deadline": return .deadline
        case "proceed": return number().map { .proceed($0) }
        case "crash", "power-loss": return crash(powerLoss: verb == "power-loss").map { .crash($0) }
        case "perform": return ticket().map { .perform($0, fails: takes("fails")) }
        case "hear": return ticket().map { .hear($0) }
        case "hear-again": return run().map { .hearAgain($0) }
        case "write": return run().map { .write($0, files(), commits: takes("commits")) }
        case "use": return run().flatMap { run in number().map { .use(run, $0) } }
        case "escape": return run().map { .escape($0) }
        case "end": return run().flatMap { run in end().map { .end(run, $0) } }
        case "quiet": return run().flatMap { run in next().flatMap(Quietness.init).map { .quiet(run, $0) } }
        case "claim":
            guard let run = run(), let seconds = number(), let patterns = next() else { return nil }
            return .claim(run, patterns.split(separator: ",").map(String.init), seconds: seconds)
        case "unclaim": return run().map { .unclaim($0) }
        case "release":
            guard let run = run() else { return nil }
            defer { words = [] }
            return .release(run, changed: words.map(String.init))
        case "ask":
            guard let run = run(), let seconds = number() else { return nil }
            return .ask(run, permission: takes("permission"), seconds: seconds)
        case "answer": return ticket().map { .answer($0) }
        case "kill-runner": return run().map { .killRunner($0) }
        case "notice-runner": return run().map { .noticeRunner($0) }
        case "clock": return number().map { .clock(milliseconds: $0) }
        case "disk": return next().map { .disk(full: $0 == "full") }
        case "reserve": return next().map { .reserve(spent: $0 == "spent") }
        case "push": return repository().map { .push($0, fails: takes("fails")) }
        case "machine": return next().map { .need($0 == "short") }
        case "look": return repository().map { .look($0) }
        case "send": return number().flatMap { subscriber in number().map { .send(subscriber, $0) } }
        case "reconnect": return number().map { .reconnect($0) }
        case "noise": return next().flatMap { UInt64($0) }.map { .noise($0) }
        default: return nil
        }
    }

    private mutating func locks() -> [String]? {
        guard takes("locks") else { return nil }
        defer { words = [] }
        return words.map(String.init)
    }

    private mutating func wishes() -> [Action.Wish] {
        var wishes: [Action.Wish] = []
        while takes("+") {
            var wish = Action.Wish()
            wish.priority = number(after: "priority") ?? 0
            if takes("id") { wish.id = ticket() }
            if takes("locks") { wish.locks = (next() ?? "").split(separator: ",").map(String.init) }
            if takes("after") { wish.dependsOn = tickets() }
            wishes.append(wish)
        }
        return wishes
    }

    private mutating func command() -> Command? {
        switch next() {
        case "continue": .continue
        case "stop": .stop
        case "cancel": .cancel(reason: "no")
        case "retry": .retry
        case "approve": .approve()
        case "request-changes": .requestChanges(comment: "again")
        case "steer": next().map { .steer(message: $0) }
        default: nil
        }
    }

    private mutating func crash(powerLoss: Bool) -> Action.Crash? {
        guard let agents = number(after: "agents"), let slots = number(after: "slots") else { return nil }
        var crash = Action.Crash(powerLoss: powerLoss, agents: agents, slots: slots)
        if takes("orphans") { crash.orphans = tickets() }
        crash.dying = dying()
        return crash
    }

    private mutating func files() -> FakeWorld.Files {
        var files: FakeWorld.Files = [:]
        while let word = words.first, let equals = word.lastIndex(of: "="),
            let content = Int(word[word.index(after: equals)...])
        {
            files[String(word[..<equals])] = content
            words.removeFirst()
        }
        return files
    }

    private mutating func end() -> Action.End? {
        switch next() {
        case "well": .well
        case "after-changing-the-tree": .afterChangingTheTree
        case "exit": number().map { .with(.exited($0)) }
        case "signal": number().map { .with(.signalled($0)) }
        case "stopped": .with(.stopped)
        case "timed-out": .with(.timedOut)
        case "not-started": .with(.notStarted("no such program"))
        case "lost": .with(.lost("no exit.json"))
        case "failed": .with(.failed("the provider answers 529"))
        case "unknown": .with(.unknown("no turn was completed"))
        default: nil
        }
    }
}
