import IPC

/// A tab of the selected ticket: what it knows of it, read from the daemon as it is needed, and where one is in it.
///
/// A page is a value. It asks for one thing at a time, and takes the answer; drawing it changes nothing.
protocol Page: Sendable {
    /// The ticket it is of, which never changes.
    var ticket: String { get }

    /// It stands for an earlier state of the ticket, and nobody is reading it: make it anew.
    func isOutdated(by row: TicketRow) -> Bool
    /// The ticket's row, at first and whenever it changes.
    mutating func follow(_ row: TicketRow)
    /// Something of the ticket has happened: an event as it was sent.
    mutating func hear(_ event: Notification)
    /// The run's output has grown to `size` bytes.
    mutating func grow(run: String, stream: String, size: Int)
    /// The growth of output is told from now on; what grew before is not known.
    mutating func lookAgain()
    /// Whether it is to be told how the output of the ticket's runs grows.
    var watchesOutput: Bool { get }

    /// What it needs to know next, shown in a room of this size; nil: nothing now. Asked again after every input, and never
    /// before the last answer.
    mutating func nextRequest(in room: Size) -> DaemonRequest?
    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size)
    /// The connection is new: what was asked is lost, and what failed may work now.
    mutating func startOver()

    /// Everything has been taken in: how it is laid out, and where one is in it, can be made right.
    mutating func settle(in model: Model)

    mutating func move(_ motion: Motion, in room: Size)
    /// Does what a key asks of a page; a refusal where it cannot.
    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome
    /// Goes to the next place where it stands, from what was found last or else from what is on the screen. False: there is none that
    /// way, as far as it has been read; nil: this page is not searched.
    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool?
    /// Leaves what was opened in it; false where nothing was, and the page itself is left.
    mutating func goBack() -> Bool
    /// Between what an agent's stream says and the stream itself, where there are both.
    mutating func toggleRawOutput() -> PageOutcome
    /// A word for the status bar; nil: there is but one.
    var rawOutputHint: String? { get }
    /// A word for the status bar; nil: the key does nothing here.
    func hint(for action: PageAction) -> String?

    /// In a few words, how much there is and where one is: `following, 63 B`.
    var status: String { get }
    func draw(on canvas: inout Canvas, in area: Rectangle)
}

/// Where to go in something that is longer than the screen.
enum Motion: Hashable, Sendable {
    case rows(Int)
    case beginning, end
}

/// Keys that mean what the page makes of them.
enum PageAction: Hashable, Sendable {
    /// Enter: open, unfold, go on to.
    case open
    /// The next and the last place worth looking at: a hunk, a failing line, an event.
    case next, previous
}

/// What became of a key.
enum PageOutcome: Hashable, Sendable {
    case done
    /// Not possible, for this reason.
    case refused(String)
    /// Another tab shows it.
    case tab(Tab)
}

extension Page {
    func isOutdated(by row: TicketRow) -> Bool { false }
    mutating func follow(_ row: TicketRow) {}
    mutating func hear(_ event: Notification) {}
    mutating func settle(in model: Model) {}
    mutating func grow(run: String, stream: String, size: Int) {}
    mutating func lookAgain() {}
    var watchesOutput: Bool { false }
    mutating func nextRequest(in room: Size) -> DaemonRequest? { nil }
    mutating func take(_ answer: Answer, to request: DaemonRequest, in room: Size) {}
    mutating func startOver() {}
    mutating func perform(_ action: PageAction, in room: Size) -> PageOutcome { .done }
    mutating func find(_ needle: Needle, forwards: Bool, in room: Size) -> Bool? { nil }
    mutating func goBack() -> Bool { false }
    func hint(for action: PageAction) -> String? { nil }
    var status: String { "" }
    mutating func toggleRawOutput() -> PageOutcome { .refused("only a transcript has raw output") }
    var rawOutputHint: String? { nil }
}
