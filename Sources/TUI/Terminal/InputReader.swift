import CTerm

/// Makes inputs of what the terminal reports: knows pastes and double clicks, which are more than one report.
struct InputReader {
    private var isPasting = false
    /// The last character of a paste was a carriage return: a line feed behind it is the same line's end.
    private var pastedReturn = false
    /// Where and when the button was pressed last; nil after a double press.
    private var lastPress: (x: Int32, y: Int32, at: Int64)?

    /// Two presses in one place count as one double press when no more time is between them.
    static let doublePressMilliseconds: Int64 = 400

    /// What `event`, read at that time, is to the dashboard; nil: nothing.
    mutating func take(_ event: ct_event, at milliseconds: Int64) -> Input? {
        switch UInt32(bitPattern: event.kind) {
        case CT_CHARACTER.rawValue where isPasting: pasted(event.code).map { .key(.character($0)) }
        case CT_CHARACTER.rawValue: .key(Self.key(character: event.code))
        case CT_KEY.rawValue: key(event.code)
        case CT_ALT.rawValue where isPasting: pasted(event.code).map { .key(.character($0)) }
        case CT_ALT.rawValue: Unicode.Scalar(event.code).map { .key(.alt($0)) }
        case CT_FUNCTION.rawValue where !isPasting: .key(.function(Int(event.code)))
        case CT_MOUSE.rawValue: mouse(event, at: milliseconds)
        default: nil
        }
    }

    private static func key(character code: UInt32) -> Key {
        switch code {
        case 0: .control(" ")
        case 9: .tab
        case 10, 13: .enter
        case 27: .escape
        case 8, 127: .backspace
        case 0..<32: .control(Unicode.Scalar(UInt8(code) | 0x60))
        default: .character(Unicode.Scalar(code) ?? "\u{FFFD}")
        }
    }

    /// A character of a paste as text: line ends are line feeds, and other control characters are left out.
    private mutating func pasted(_ code: UInt32) -> Unicode.Scalar? {
        let followsReturn = pastedReturn
        pastedReturn = code == 13
        switch code {
        case 10: return followsReturn ? nil : "\n"
        case 13: return "\n"
        case 9: return "\t"
        case 0..<32, 0x7F..<0xA0: return nil
        default: return Unicode.Scalar(code) ?? "\u{FFFD}"
        }
    }

    private mutating func key(_ code: UInt32) -> Input? {
        if code == CT_KEY_PASTE_START.rawValue || code == CT_KEY_PASTE_END.rawValue {
            isPasting = code == CT_KEY_PASTE_START.rawValue
            pastedReturn = false
            return isPasting ? .pasteBegan : .pasteEnded
        }
        // Key sequences in pasted text are nobody's keys.
        return isPasting ? nil : Self.key(code).map { .key($0) }
    }

    private static func key(_ code: UInt32) -> Key? {
        switch code {
        case CT_KEY_UP.rawValue: .up
        case CT_KEY_DOWN.rawValue: .down
        case CT_KEY_LEFT.rawValue: .left
        case CT_KEY_RIGHT.rawValue: .right
        case CT_KEY_HOME.rawValue: .home
        case CT_KEY_END.rawValue: .end
        case CT_KEY_PAGE_UP.rawValue: .pageUp
        case CT_KEY_PAGE_DOWN.rawValue: .pageDown
        case CT_KEY_ENTER.rawValue: .enter
        case CT_KEY_BACKSPACE.rawValue: .backspace
        case CT_KEY_BACK_TAB.rawValue: .backTab
        case CT_KEY_INSERT.rawValue: .insert
        case CT_KEY_DELETE.rawValue: .delete
        case CT_KEY_CONTROL_UP.rawValue: .controlUp
        case CT_KEY_CONTROL_DOWN.rawValue: .controlDown
        case CT_KEY_CONTROL_LEFT.rawValue: .controlLeft
        case CT_KEY_CONTROL_RIGHT.rawValue: .controlRight
        default: nil
        }
    }

    private mutating func mouse(_ event: ct_event, at milliseconds: Int64) -> Input? {
        let kind: Mouse.Kind? =
            switch event.code {
            case CT_MOUSE_PRESS.rawValue: press(event, at: milliseconds)
            case CT_MOUSE_DRAG.rawValue: .drag
            case CT_MOUSE_RELEASE.rawValue: .release
            case CT_MOUSE_WHEEL_UP.rawValue: .wheelUp
            case CT_MOUSE_WHEEL_DOWN.rawValue: .wheelDown
            default: nil
            }
        return kind.map { .mouse(Mouse(kind: $0, x: Int(event.x), y: Int(event.y))) }
    }

    private mutating func press(_ event: ct_event, at milliseconds: Int64) -> Mouse.Kind {
        if let last = lastPress, last.x == event.x, last.y == event.y,
            milliseconds - last.at <= Self.doublePressMilliseconds
        {
            lastPress = nil
            return .doublePress
        }
        lastPress = (event.x, event.y, milliseconds)
        return .press
    }
}
