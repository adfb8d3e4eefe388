import IPC

/// What the ticket's agent says and does: its last run, followed as it goes on. Where its stream is understood, that is shown;
/// else, or when that is wanted, what it prints.
struct TranscriptPage: Page {
    let ticket: String
    /// What it prints; nil: the ticket has not run yet.
    private(set) var transcript: Transcript?
    /// The same, understood.
    private(set) var events: EventTranscript?
    /// What it prints is wanted, although it is understood.
    private var wantsRaw = false
    /// The ticket's newest run of an agent.
    private var newestRun: String?
    private var localTime = LocalTime.utc
    /// The ticket's state: a change of it may be the run's end.
    private var state: String

    init(_ row: TicketRow) {
        ticket = row.id
        newestRun = row.transcribedRun
        state = row.state
        open(row.transcribedRun)
    }

    private mutating func open(_ run: String?) {
        transcript = run.map(Transcript.init)
        events = run.map(EventTranscript.init)
    }

    private var hasEvents: Bool { (events?.size ?? 0) > 0 }
    private var showsEvents: Bool { hasEvents && !wantsRaw }

    func isOutdated(by row: TicketRow) -> Bool { row.transcribedRun != transcript?.run }

    mutating func follow(_ row: TicketRow) {
        newestRun = row.transcribedRun
        if transcript == nil { open(row.transcribedRun) }
        guard row.state != state else { return }
        state = row.state
        lookAgain()
    }

    // MARK: Reading

    mutating func grow(run: String, stream: String, size: Int) {
        guard transcript?.run == run else { return }
        if stream == EventTranscript.stream {
            events?.grow(to: size)
        } else if transcript?.stream == stream {
            transcript?.grow(to: size)
        }
    }

    mutating func lookAgain() {
        transcript?.lookAgain()
        events?.lookAgain()
    }

    var watchesOutput: Bool { true }

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        // Whether there are events is to be known before anything is shown.
        let isKnown = events.map { $0.size != nil || $0.failure != nil } ?? true
        if !isKnown || showsEvents { return events?.nextRead(rows: room.rows) }
        return transcript?.nextRead(rows: room.rows, columns: room.columns)
    }

    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {
        if case .readOutput(_, EventTranscript.stream, _, _) = request {
            events?.take(answer, clock: localTime.minute)
        } else {
            transcript?.take(answer, columns: room.columns)
        }
    }

    mutating func startOver() {
        transcript?.startOver()
        events?.startOver()
    }

    mutating func settle(in model: Model) {
        localTime = model.localTime
        let room = model.room
        events?.settle(columns: room.columns, rows: room.rows)
    }

    // MARK: Keys

    mutating func move(_ motion: Motion, in room: Size) {
        guard !showsEvents else {
            events?.move(motion)
            return
        }
        switch motion {
        case .rows(let distance): transcript?.scroll(by: distance, rows: room.rows, columns: room.columns)
        case .beginning: transcript?.scrollToBeginning()
        case .end: transcript?.scrollToEnd()
        }
    }

    private var hasNewerRun: Bool { newestRun != nil && newestRun != transcript?.run }
    private var foldWord: String? { showsEvents ? events?.foldWord : nil }

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        switch action {
        case .open:
            if foldWord != nil {
                events?.toggleFold()
            } else if hasNewerRun {
                open(newestRun)
            } else {
                return .refused(showsEvents ? "there is nothing to unfold here" : "this is the newest run")
            }
        case .next, .previous:
            guard showsEvents else { return .done }
            let forwards = action == .next
            guard events?.goToTrouble(forwards: forwards) == true else {
                return .refused("nothing \(forwards ? "later" : "earlier") has failed, as far as it has been read")
            }
        }
        return .done
    }

    func hint(for action: PageAction) -> String? {
        switch action {
        case .open: foldWord ?? (hasNewerRun ? "newer run" : nil)
        case .next: showsEvents && events?.items.contains { $0.isTrouble } == true ? "next failure" : nil
        case .previous: nil
        }
    }

    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool? {
        guard showsEvents else {
            return transcript?.find(needle, forwards: forwards, rows: room.rows, columns: room.columns) ?? false
        }
        return events?.find(needle, forwards: forwards) ?? false
    }

    mutating func toggleRawOutput() -> PageOutcome {
        guard hasEvents else { return .refused("this is all there is: the agent of this run speaks no protocol") }
        wantsRaw.toggle()
        return .done
    }

    var rawOutputHint: String? { hasEvents ? wantsRaw ? "transcript" : "raw output" : nil }

    // MARK: What is said

    /// Where one is in it.
    private var place: String {
        guard let transcript else { return "" }
        let isFollowing = showsEvents ? events?.isFollowing ?? true : transcript.isFollowing
        let hasEnded = showsEvents ? events?.hasEnded ?? false : transcript.hasEnded
        return !isFollowing ? "scrolled" : hasEnded ? "end" : "following"
    }

    var status: String {
        guard let transcript else { return "" }
        let size = showsEvents ? events?.size ?? 0 : transcript.size
        let status = "\(transcript.run)\(hasEvents && wantsRaw ? " raw" : "") \(place)"
        return size > 0 ? "\(status), \(byteCount(size))" : status
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        guard let transcript else {
            canvas.put("\(ticket) has not run yet", x: area.x, y: area.y, columns: area.columns, style: .dim)
            return
        }
        if showsEvents { events?.draw(on: &canvas, in: area) } else { transcript.draw(on: &canvas, in: area) }
    }
}

extension TicketRow {
    /// The run whose transcript is shown: an agent's, where it is known which that is.
    var transcribedRun: String? { agent_run ?? run }
}

extension Transcript {
    /// Lines that begin at `marked` offsets stand out, one of them more.
    func draw(on canvas: inout Canvas, in area: Rectangle, marked: Set<Int> = [], current: Int? = nil) {
        if let failure {
            let sentence = "the output cannot be read: \(failure)"
            canvas.put(sentence, x: area.x, y: area.y, columns: area.columns, style: .failed)
            return
        }
        guard lineCount > 0 else {
            canvas.put(awaited == nil ? "nothing printed yet" : "reading", x: area.x, y: area.y, style: .dim)
            return
        }
        var place = top ?? bottom(rows: area.rows, columns: area.columns)
        var y = area.y
        while y < area.y + area.rows, place.line < lineCount {
            let limit = area.y + area.rows - y
            let offset = offset(of: place.line)
            let style: Style = !marked.contains(offset) ? .plain : offset == current ? .match.selected : .match
            for row in rows(of: place.line, from: place.row, limit: limit, columns: area.columns) {
                canvas.screen.put(row, x: area.x, y: y, style: style)
                y += 1
            }
            place = .init(line: place.line + 1, row: 0)
        }
    }
}

/// `812 B`, `64 KiB`, `1.2 MiB`.
func byteCount(_ count: Int) -> String {
    if count < 1024 { return "\(count) B" }
    if count < 1024 * 1024 { return "\(count / 1024) KiB" }
    let tenths = count * 10 / (1024 * 1024)
    return "\(tenths / 10).\(tenths % 10) MiB"
}
