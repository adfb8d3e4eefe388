import IPC

/// What a verifier has printed, opened from the list of checks: what a failed one failed by comes first.
struct CheckOutput: Sendable {
    private(set) var run: RunRow
    private(set) var transcript: Transcript
    /// Of standard output and standard error. They wait for the run's end.
    private var searches: [FailureSearch]
    private var asked: Asked?
    /// The failing line one is at, counted over both streams.
    private var current: Int?
    /// It opens at what it failed by, once that has been found.
    private var seeksFailure: Bool

    private enum Asked {
        case page
        case search(Int)
    }

    private static let streams = ["stdout", "stderr"]

    init(_ run: RunRow) {
        self.run = run
        transcript = Transcript(run: run.id, stream: Self.streams[0])
        searches = Self.streams.map { FailureSearch(run: run.id, stream: $0) }
        seeksFailure = run.state == "failed"
    }

    /// What has become of the run.
    mutating func follow(_ row: RunRow) {
        if !run.hasEnded, row.state == "failed", transcript.isFollowing { seeksFailure = true }
        run = row
    }

    // MARK: Reading

    mutating func nextRequest(in room: Size) -> DaemonRequest? {
        if run.hasEnded, let index = searches.firstIndex(where: { !$0.isDone }) {
            asked = .search(index)
            return searches[index].nextRead
        }
        asked = .page
        return transcript.nextRead(rows: room.rows, columns: room.columns)
    }

    mutating func take(_ answer: Answer, in room: Size) {
        switch asked {
        case .page: transcript.take(answer, columns: room.columns)
        case .search(let index):
            searches[index].take(answer)
            if searches.allSatisfy(\.isDone) { finishSearch(room) }
        case nil: break
        }
        asked = nil
    }

    private mutating func finishSearch(_ room: Size) {
        let wanted = seeksFailure
        seeksFailure = false
        if wanted, !failures.isEmpty {
            go(to: 0, room)
        } else if transcript.isFollowing, searches[0].size == 0, (searches[1].size ?? 0) > 0 {
            show(stream: 1)
        }
    }

    mutating func startOver() {
        asked = nil
        transcript.startOver()
        for index in searches.indices { searches[index].startOver() }
    }

    mutating func grow(run: String, stream: String, size: Int) {
        guard run == transcript.run, stream == transcript.stream else { return }
        transcript.grow(to: size)
    }

    mutating func lookAgain() { transcript.lookAgain() }

    // MARK: Going about

    mutating func move(_ motion: Motion, in room: Size) {
        seeksFailure = false
        switch motion {
        case .rows(let distance): transcript.scroll(by: distance, rows: room.rows, columns: room.columns)
        case .beginning: transcript.scrollToBeginning()
        case .end: transcript.scrollToEnd()
        }
    }

    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome {
        switch action {
        case .open:
            guard searches[otherStream].size != 0 else {
                return .refused("it printed nothing to \(Self.name(of: otherStream))")
            }
            show(stream: otherStream)
        case .next, .previous:
            guard run.hasEnded else { return .refused("failing lines are looked for when it has ended") }
            guard !failures.isEmpty else { return .refused("no line of it looks like a failure") }
            let place = current.map { $0 + (action == .next ? 1 : -1) } ?? 0
            guard failures.indices.contains(place) else {
                return .refused("this is the \(action == .next ? "last" : "first") failing line")
            }
            go(to: place, room)
        }
        return .done
    }

    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool {
        seeksFailure = false
        return transcript.find(needle, forwards: forwards, rows: room.rows, columns: room.columns)
    }

    /// Every failing line of both streams, in order.
    private var failures: [(stream: Int, offset: Int)] {
        searches.indices.flatMap { index in searches[index].places.map { (index, $0) } }
    }

    private mutating func go(to place: Int, _ room: Size) {
        current = place
        let failure = failures[place]
        show(stream: failure.stream)
        transcript.show(offset: failure.offset, rows: room.rows, columns: room.columns)
    }

    private var shownStream: Int { Self.streams.firstIndex(of: transcript.stream) ?? 0 }
    private var otherStream: Int { 1 - shownStream }

    private mutating func show(stream: Int) {
        guard stream != shownStream else { return }
        transcript = Transcript(run: run.id, stream: Self.streams[stream])
    }

    private static func name(of stream: Int) -> String { stream == 0 ? "standard output" : "standard error" }

    // MARK: What is said

    func hint(for action: PageAction) -> String? {
        switch action {
        case .open: searches[otherStream].size == 0 ? nil : Self.name(of: otherStream)
        case .next: failures.isEmpty ? nil : "next failing line"
        case .previous: nil
        }
    }

    var status: String {
        let output = "\(run.name) \(transcript.stream)"
        if let current { return "failing line \(current + 1)/\(failures.count) · \(output)" }
        return output + (transcript.isFollowing ? run.hasEnded ? " end" : " following" : " scrolled")
    }

    func draw(on canvas: inout Canvas, in area: Rectangle) {
        if seeksFailure, run.hasEnded {
            canvas.say("looking for what failed", x: area.x, y: area.y, columns: area.columns, style: .dim)
            return
        }
        let here = current.flatMap { failures[$0].stream == shownStream ? failures[$0].offset : nil }
        transcript.draw(on: &canvas, in: area, marked: Set(searches[shownStream].places), current: here)
    }
}
