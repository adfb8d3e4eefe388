import IPC

/// Follows the daemon line by line: what each line means for the dashboard, and what must be asked for that. Pure.
///
/// On the first connection it takes a snapshot; on later ones it has everything since the last event it saw replayed,
/// and takes a new snapshot only where that is not possible.
struct Follower {
    private var picture = Picture()
    /// The daemon has said that it cannot store anything.
    private var problem: String?
    private var toldTrouble: String?
    private var toldHalt: String?
    private var toldSpending = Spending()
    private var toldLocks: [LockRow] = []
    private var toldRepositories: [String: RepositoryRow] = [:]
    private var hasPicture = false
    private var phase = Phase.disconnected
    /// Why the daemon said it would close the connection.
    private(set) var farewell: String?

    private enum Phase {
        case disconnected
        /// Events that arrive before the snapshot are held: those it does not contain are applied to it.
        case awaitsSnapshot(held: [Notification])
        /// What arrives before the replay will come again in it.
        case awaitsReplay
        case follows
    }

    private static let snapshotID: JSONValue = "snapshot"
    private static let subscribeID: JSONValue = "subscribe"
    private static let reasonsID: JSONValue = "reasons"
    private static let agentsID: JSONValue = "agents"

    /// What a line brought about.
    struct Outcome {
        var inputs: [Input] = []
        var requests: [Request] = []
    }

    /// What to ask on a new connection.
    mutating func connected() -> [Request] {
        farewell = nil
        guard hasPicture else { return [askForSnapshot()] }
        phase = .awaitsReplay
        return [Request(id: Self.subscribeID, method: "subscribe", params: ["since": JSONValue(picture.seq)])]
    }

    mutating func disconnected() { phase = .disconnected }

    mutating func take(_ line: [UInt8]) -> Outcome {
        var outcome = Outcome()
        switch ServerLine(line: line) {
        case .notification(let notification): take(notification, &outcome)
        case .response(let response): take(response, &outcome)
        // A line of a later version: nothing to do with it.
        case nil: break
        }
        return outcome
    }

    private mutating func askForSnapshot() -> Request {
        phase = .awaitsSnapshot(held: [])
        return Request(id: Self.snapshotID, method: "snapshot")
    }

    /// When those at work last printed something is not in the picture: from here on the announcements tell.
    private func askForLastOutput(_ outcome: inout Outcome) {
        guard picture.agents.values.contains(where: { $0.ticket != nil }) else { return }
        outcome.requests.append(Request(id: Self.agentsID, method: "agent.list"))
    }

    // MARK: Notifications

    private mutating func take(_ notification: Notification, _ outcome: inout Outcome) {
        let params = notification.params
        switch notification.method {
        case "hello":
            // One that still is in trouble says so again when it tries to store the next thing.
            problem = nil
            // Fewer events than we have seen: another life of the daemon's state.
            if hasPicture, let seq = params["seq"]?.intValue, seq < picture.seq {
                hasPicture = false
                outcome.requests.append(askForSnapshot())
            }
        case "goodbye": farewell = params["reason"]?.stringValue
        case "output": break
        case "agent.activity":
            guard let run = params["run"]?.stringValue,
                let activity = try? JSONValue.object(params).decode(ActivityRow.self)
            else { break }
            outcome.inputs.append(.acts(run: run, activity))
        case "daemon.trouble":
            problem = params["problem"]?.stringValue.map { _ in "nothing can be stored" }
            tellTrouble(&outcome)
        default:
            switch phase {
            case .disconnected, .awaitsReplay: break
            case .awaitsSnapshot(var held):
                phase = .disconnected
                held.append(notification)
                phase = .awaitsSnapshot(held: held)
            case .follows: follow(notification, &outcome)
            }
        }
    }

    private mutating func follow(_ notification: Notification, _ outcome: inout Outcome) {
        let before = picture.seq
        let touched: Picture.Touched
        do {
            touched = try picture.apply(notification)
        } catch {
            outcome.requests.append(askForSnapshot())
            return
        }
        if touched.daemon {
            tellTrouble(&outcome)
            tellHalt(&outcome)
            tellSpending(&outcome)
        }
        if !touched.locks.isEmpty { tellLocks(&outcome) }
        if !touched.repositories.isEmpty { tellRepositories(&outcome) }
        if let seq = notification.seq, seq > before, let ticket = notification.params["ticket"]?.stringValue {
            outcome.inputs.append(.happened(ticket: ticket, notification))
        }
        if notification.seq == nil {
            let reasons = touched.tickets.map { ($0, picture.waiting[$0]) }
            if !reasons.isEmpty { outcome.inputs.append(.waiting(Dictionary(uniqueKeysWithValues: reasons))) }
        } else if !touched.tickets.isEmpty || !touched.agents.isEmpty {
            outcome.inputs.append(
                .changed(
                    tickets: Dictionary(uniqueKeysWithValues: touched.tickets.map { ($0, picture.tickets[$0]) }),
                    agents: Dictionary(uniqueKeysWithValues: touched.agents.map { ($0, picture.agents[$0]) })
                )
            )
        }
    }

    /// Who holds what, where that has changed.
    private mutating func tellLocks(_ outcome: inout Outcome) {
        let locks = picture.locks.values.sorted { $0.fence < $1.fence }
        guard locks != toldLocks else { return }
        toldLocks = locks
        outcome.inputs.append(.locksHeld(locks))
    }

    /// What is wrong with the daemon, where that has changed.
    private mutating func tellTrouble(_ outcome: inout Outcome) {
        let isFull = picture.json["daemon"]?["disk"]?.stringValue == "full"
        let trouble = problem ?? (isFull ? "disk full" : nil)
        guard trouble != toldTrouble else { return }
        toldTrouble = trouble
        outcome.inputs.append(.troubled(trouble))
    }

    /// Whether everything is halted, and why, where that has changed.
    private mutating func tellHalt(_ outcome: inout Outcome) {
        let reason = picture.json["daemon"]?["halted"]?["reason"]?.stringValue
        guard reason != toldHalt else { return }
        toldHalt = reason
        outcome.inputs.append(.halted(reason))
    }

    /// What is used today, and may be, where that has changed.
    private mutating func tellSpending(_ outcome: inout Outcome) {
        let spending = Spending(picture.json["daemon"])
        guard spending != toldSpending else { return }
        toldSpending = spending
        outcome.inputs.append(.spent(spending))
    }

    /// Which repositories there are, where that has changed.
    private mutating func tellRepositories(_ outcome: inout Outcome) {
        guard picture.repositories != toldRepositories else { return }
        toldRepositories = picture.repositories
        outcome.inputs.append(.repositories(Array(toldRepositories.values)))
    }

    // MARK: Responses

    private mutating func take(_ response: Response, _ outcome: inout Outcome) {
        switch response.id {
        case Self.snapshotID: takeSnapshot(response.result, &outcome)
        case Self.subscribeID:
            guard case .awaitsReplay = phase else { return }
            if case .success = response.result {
                phase = .follows
                outcome.inputs.append(.connectionRegained)
                // Why tickets wait is not stored, so it is not replayed either.
                outcome.requests.append(Request(id: Self.reasonsID, method: "snapshot"))
                askForLastOutput(&outcome)
            } else {
                outcome.requests.append(askForSnapshot())
            }
        case Self.reasonsID:
            guard case .success(let snapshot) = response.result else { return }
            var reasons: [String: String?] = picture.waiting.mapValues { _ in nil }
            for (ticket, reason) in snapshot["waiting"]?.objectValue ?? [:] {
                reasons.updateValue(reason.stringValue, forKey: ticket)
            }
            // No response overtakes a replay.
            outcome.inputs += [.waiting(reasons), .caughtUp]
        case Self.agentsID:
            guard case .success(let answer) = response.result else { return }
            for agent in answer["agents"]?.arrayValue ?? [] {
                if let run = agent["run"]?.stringValue,
                    let activity = try? agent["activity"]?.decode(ActivityRow.self)
                {
                    outcome.inputs.append(.acts(run: run, activity))
                }
                guard let ticket = agent["ticket"]?.stringValue,
                    let moment = agent["last_output"]?.stringValue.flatMap({ Moment($0) })
                else { continue }
                outcome.inputs.append(.printed(ticket: ticket, at: moment))
            }
        default:
            guard let id = response.id.intValue else { return }
            outcome.inputs.append(.answered(request: id, Answer(response.result)))
        }
    }

    private mutating func takeSnapshot(_ result: Result<JSONValue, RPCError>, _ outcome: inout Outcome) {
        guard case .awaitsSnapshot(let held) = phase else { return }
        do {
            picture = try Picture(snapshot: result.get())
        } catch {
            phase = .disconnected
            outcome.inputs.append(.connectionLost(reason: error.message))
            return
        }
        hasPicture = true
        phase = .follows
        outcome.inputs.append(
            .snapshot(
                tickets: picture.tickets,
                agents: Array(picture.agents.values),
                waiting: picture.waiting
            )
        )
        askForLastOutput(&outcome)
        tellLocks(&outcome)
        tellRepositories(&outcome)
        tellTrouble(&outcome)
        tellHalt(&outcome)
        tellSpending(&outcome)
        for notification in held { follow(notification, &outcome) }
    }
}

// MARK: Output, on a connection of its own

/// Watches what runs print. Announcements of output are not among the live events: they come to those who ask, and
/// asking changes what else a connection receives.
enum OutputWatch {
    static let subscription = Request(id: 1, method: "subscribe", params: ["topics": ["output"]])

    static func inputs(_ line: [UInt8]) -> [Input] {
        switch ServerLine(line: line) {
        case .response(let response): (try? response.result.get()) == nil ? [] : [.outputWatched]
        case .notification(let notification) where notification.method == "output": growth(notification.params)
        case .notification, nil: []
        }
    }

    private static func growth(_ params: JSONObject) -> [Input] {
        guard let run = params["run"]?.stringValue else { return [] }
        if let stream = params["stream"]?.stringValue, let size = params["size"]?.intValue {
            return [.outputGrew(run: run, stream: stream, size: size)]
        }
        // All streams in one line, by name.
        return ["stdout", "stderr", "events"].compactMap { stream in
            params[stream]?.intValue.map { .outputGrew(run: run, stream: stream, size: $0) }
        }
    }
}
