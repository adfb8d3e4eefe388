import CTerm

/// The only place that talks to the terminal. All calls come from the thread that called `begin`.
struct Terminal {
    private let palette: Palette
    let glyphs: Glyphs
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
    static func begin(environment: [String: String]) throws(Refusal) -> Terminal {
        var terminal = ct_terminal()
        let wantsColour = (environment["NO_COLOR"] ?? "").isEmpty
        try throwRefusal(ct_begin(wantsColour ? 1 : 0, &terminal))
        let wantsUnicode = (environment["ORCH_ASCII"] ?? "").isEmpty
        return Terminal(
            palette: Palette(colours: Int(terminal.colours)),
            glyphs: terminal.utf8 != 0 && wantsUnicode ? .unicode : .ascii,
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

    private init(palette: Palette, glyphs: Glyphs, size: Size) {
        self.palette = palette
        self.glyphs = glyphs
        self.size = size
    }

    /// Gives the terminal back.
    func end() { ct_end() }

    // MARK: Input

    /// Readable when `takeSignals` has something to say.
    var signalDescriptor: Int32 { ct_signal_fd() }

    enum Event {
        case input(Input)
        case lost
    }

    /// Everything typed and clicked since the last call.
    func events() -> [Event] {
        var events: [Event] = []
        while true {
            let event = ct_next_event()
            switch UInt32(bitPattern: event.kind) {
            case CT_NONE.rawValue: return events
            case CT_LOST.rawValue: return events + [.lost]
            case CT_CHARACTER.rawValue: events.append(.input(.key(Self.key(character: event.code))))
            case CT_KEY.rawValue: Self.input(key: event.code).map { events.append(.input($0)) }
            case CT_MOUSE.rawValue:
                let kind: Mouse.Kind =
                    switch event.code {
                    case CT_MOUSE_PRESS.rawValue: .press
                    case CT_MOUSE_WHEEL_UP.rawValue: .wheelUp
                    default: .wheelDown
                    }
                events.append(.input(.mouse(Mouse(kind: kind, x: Int(event.x), y: Int(event.y)))))
            default: break
            }
        }
    }

    private static func key(character code: UInt32) -> Key {
        switch code {
        case 9: .tab
        case 10, 13: .enter
        case 27: .escape
        case 8, 127: .backspace
        case 0..<32: .control(Unicode.Scalar(UInt8(code) | 0x60))
        default: .character(Unicode.Scalar(code) ?? "\u{FFFD}")
        }
    }

    private static func input(key code: UInt32) -> Input? {
        switch code {
        case CT_KEY_UP.rawValue: .key(.up)
        case CT_KEY_DOWN.rawValue: .key(.down)
        case CT_KEY_LEFT.rawValue: .key(.left)
        case CT_KEY_RIGHT.rawValue: .key(.right)
        case CT_KEY_HOME.rawValue: .key(.home)
        case CT_KEY_END.rawValue: .key(.end)
        case CT_KEY_PAGE_UP.rawValue: .key(.pageUp)
        case CT_KEY_PAGE_DOWN.rawValue: .key(.pageDown)
        case CT_KEY_ENTER.rawValue: .key(.enter)
        case CT_KEY_BACKSPACE.rawValue: .key(.backspace)
        case CT_KEY_BACK_TAB.rawValue: .key(.backTab)
        case CT_KEY_PASTE_START.rawValue: .pasteBegan
        case CT_KEY_PASTE_END.rawValue: .pasteEnded
        default: nil
        }
    }

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
        shown = nil
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
        if hasChanged { ct_flush() }
        shown = screen
    }

    private func raw(_ cell: Cell) -> ct_cell {
        let look = palette.look(of: cell.style)
        let cluster = cell.cluster
        let scalars = cluster?.scalars ?? SIMD4()
        return ct_cell(
            scalars: (scalars[0], scalars[1], scalars[2], scalars[3]),
            count: UInt8(cluster?.count ?? 0),
            width: cluster?.width ?? 0,
            foreground: look.foreground,
            attributes: look.attributes
        )
    }
}
