import CSystem
import CTerm
import Glibc

/// The only place that talks to the terminal. All calls come from the thread that called `begin`.
struct Terminal {
    let glyphs: Glyphs
    private let depth: ColourDepth
    private var choice: ThemeChoice
    private var background: Theme.Background?
    private var palette: Palette
    private var reader = InputReader()
    /// What the terminal shows; nil before the first picture, and after something else has written on it.
    private var shown: Screen?
    private(set) var size: Size

    /// Why the dashboard cannot be shown here, and what to do about it.
    struct Refusal: Error {
        var message: String
        var hint: String
    }

    /// Says whether `begin` would work, without touching the terminal.
    static func check() throws(Refusal) { try throwRefusal(ct_check()) }

    /// Takes the terminal, until `end`.
    ///
    /// `environment`: `NO_COLOR` for no colour, `COLORTERM=truecolor` for any, `ORCH_THEME` for a theme (`ThemeChoice`),
    /// `COLORFGBG` for the terminal's background, `ORCH_ASCII` for no drawn characters.
    static func begin(
        environment: [String: String],
        preferences: Preferences = Preferences()
    ) throws(Refusal) -> Terminal {
        var choice = preferences.theme
        do throws(ThemeChoice.Problem) {
            if let wanted = environment["ORCH_THEME"], !wanted.isEmpty { choice = try ThemeChoice(wanted) }
        } catch {
            throw Refusal(message: "ORCH_THEME: \(error.message)", hint: error.hint)
        }
        var terminal = ct_terminal()
        let wantsColour = (environment["NO_COLOR"] ?? "").isEmpty
        let isTrueColour = ["truecolor", "24bit"].contains(environment["COLORTERM"])
        try throwRefusal(ct_begin(wantsColour ? 1 : 0, isTrueColour ? 1 : 0, &terminal))
        let wantsUnicode = (environment["ORCH_ASCII"] ?? "").isEmpty
        return Terminal(
            glyphs: preferences.isPlain ? .words : terminal.utf8 != 0 && wantsUnicode ? .unicode : .ascii,
            depth: ColourDepth(colours: Int(terminal.colours), palette: Int(terminal.palette)),
            choice: choice,
            background: Theme.Background(colorfgbg: environment["COLORFGBG"] ?? ""),
            size: Size(columns: Int(terminal.columns), rows: Int(terminal.rows))
        )
    }

    private static func throwRefusal(_ code: Int32) throws(Refusal) {
        switch UInt32(bitPattern: code) {
        case CT_OK.rawValue: return
        case CT_NOT_A_TERMINAL.rawValue:
            throw Refusal(
                message: "the dashboard needs a terminal on standard input and output",
                hint: "run it in a terminal; orch list and orch watch work anywhere"
            )
        case CT_UNKNOWN_TERMINAL.rawValue:
            throw Refusal(
                message: "the terminal named by TERM is not known here",
                hint: "set TERM to what your terminal is, for example TERM=xterm-256color"
            )
        case CT_DUMB_TERMINAL.rawValue:
            throw Refusal(
                message: "the terminal named by TERM cannot place its cursor",
                hint: "set TERM to what your terminal is; orch list and orch watch work anywhere"
            )
        default:
            throw Refusal(message: "no file descriptor is free", hint: "raise the limit: ulimit -n")
        }
    }

    private init(glyphs: Glyphs, depth: ColourDepth, choice: ThemeChoice, background: Theme.Background?, size: Size) {
        self.glyphs = glyphs
        self.depth = depth
        self.choice = choice
        self.background = background
        self.size = size
        palette = Palette(choice.theme(on: background), depth: depth)
        // Where there are few colours, they are the same on any background.
        let matters = choice.name == .auto && Palette(choice.theme(on: .light), depth: depth) != palette
        if background == nil, matters { ct_ask_background() }
    }

    /// Gives the terminal back.
    func end() { ct_end() }

    // MARK: Input

    /// Readable when `takeSignals` has something to say.
    var signalDescriptor: Int32 { ct_signal_fd() }

    enum Event {
        case input(Input)
        /// The picture has to be shown again: its colours are others.
        case recoloured
        case lost
    }

    /// Everything typed and clicked since the last call.
    mutating func events() -> [Event] {
        var events: [Event] = []
        while true {
            let event = ct_next_event()
            switch UInt32(bitPattern: event.kind) {
            case CT_NONE.rawValue: return events
            case CT_LOST.rawValue: return events + [.lost]
            case CT_BACKGROUND.rawValue:
                background = Theme.Background(Colour(rgb: event.code))
                use(choice)
                events.append(.recoloured)
            default:
                reader.take(event, at: monotonicMilliseconds()).map { events.append(.input($0)) }
            }
        }
    }

    /// Shows other colours, from the next picture on.
    mutating func use(_ choice: ThemeChoice) {
        self.choice = choice
        palette = Palette(choice.theme(on: background), depth: depth)
        shown = nil
    }

    /// Has the terminal report the mouse, as it does from the beginning, or leave it to the terminal's own selection.
    func reportMouse(_ isWanted: Bool) { ct_mouse(isWanted ? 1 : 0) }

    // MARK: Signals

    /// Does what a resize, Ctrl-Z or a continuation asks for; true when the screen must be drawn anew.
    mutating func takeSignals() -> Bool {
        let signals = Int(ct_take_signals())
        guard signals != 0 else { return false }
        if signals & CT_SUSPEND != 0 {
            ct_suspend()
        } else if signals & CT_RESUMED != 0 {
            ct_resume()
        }
        var (columns, rows): (Int32, Int32) = (0, 0)
        ct_size(&columns, &rows)
        size = Size(columns: Int(columns), rows: Int(rows))
        // A size that came and went may have cost the terminal what it showed.
        repaint()
        return true
    }

    // MARK: Output

    /// Writes everything with the next picture, whatever the terminal is thought to show.
    mutating func repaint() {
        shown = nil
        ct_repaint()
    }

    /// Shows a picture. Writes what differs from the last one, and nothing when nothing does.
    mutating func show(_ screen: Screen) {
        var hasChanged = shown == nil
        var cells: [ct_cell] = []
        for y in 0..<screen.size.rows {
            let row = screen.row(y)
            if let shown, shown.size == screen.size, shown.row(y) == row { continue }
            hasChanged = true
            cells.removeAll(keepingCapacity: true)
            for cell in row { cells.append(raw(cell)) }
            ct_row(Int32(y), cells, Int32(cells.count))
        }
        if glyphs.isPlain {
            hasChanged = hasChanged || shown?.cursor != screen.cursor
            ct_cursor(Int32(screen.cursor?.x ?? -1), Int32(screen.cursor?.y ?? -1))
        }
        if hasChanged { ct_flush() }
        shown = screen
    }

    /// What a style looks like here.
    func look(of style: Style) -> Palette.Look { palette.look(of: style) }

    private func raw(_ cell: Cell) -> ct_cell {
        let look = look(of: cell.style)
        let cluster = cell.cluster
        let scalars = cluster?.scalars ?? SIMD4()
        return ct_cell(
            scalars: (scalars[0], scalars[1], scalars[2], scalars[3]),
            count: UInt8(cluster?.count ?? 0),
            width: cluster?.width ?? 0,
            foreground: look.foreground,
            background: look.background,
            attributes: look.attributes
        )
    }

    // MARK: Lending

    /// Gives the terminal to another program until that has ended, and takes it again. The next picture is drawn anew.
    mutating func lend(to borrower: Borrower) -> Borrower.End {
        let end = borrower.run()
        var (columns, rows): (Int32, Int32) = (0, 0)
        ct_size(&columns, &rows)
        size = Size(columns: Int(columns), rows: Int(rows))
        shown = nil
        return end
    }
}

/// Milliseconds of a clock that only goes forward.
func monotonicMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
