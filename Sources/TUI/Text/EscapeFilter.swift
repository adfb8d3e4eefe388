/// Tells what of a stream of scalars is text, and what belongs to an escape sequence and is never shown.
///
/// Fed piece by piece, it remembers where in a sequence a piece ended.
package struct EscapeFilter {
    private enum State {
        case text
        case started
        /// `ESC [` and its parameters, until a final byte.
        case control
        /// `ESC (` and the like, until a final byte.
        case intermediate
        /// OSC, DCS, SOS, PM, APC: a string until BEL or ST.
        case string
        case stringMayEnd
    }

    private var state = State.text

    package init() {}

    /// False for a scalar that begins, continues or ends a sequence. One that breaks a malformed sequence off is text.
    package mutating func isText(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        switch state {
        case .text:
            return begin(value)
        case .started:
            return start(value)
        case .control:
            switch value {
            case 0x20...0x3F: return false
            case 0x40...0x7E: state = .text
            default: return begin(value)
            }
        case .intermediate:
            switch value {
            case 0x20...0x2F: return false
            case 0x30...0x7E: state = .text
            default: return begin(value)
            }
        case .string:
            switch value {
            case 0x07, 0x9C: state = .text
            case 0x1B: state = .stringMayEnd
            default: break
            }
        case .stringMayEnd:
            guard value == 0x5C else { return start(value) }
            state = .text
        }
        return false
    }

    /// Outside of any sequence: the 7-bit and the 8-bit introducers begin one.
    private mutating func begin(_ value: UInt32) -> Bool {
        switch value {
        case 0x1B: state = .started
        case 0x9B: state = .control
        case 0x90, 0x98, 0x9D, 0x9E, 0x9F: state = .string
        default:
            state = .text
            return true
        }
        return false
    }

    /// Behind an ESC.
    private mutating func start(_ value: UInt32) -> Bool {
        switch value {
        case 0x5B: state = .control
        case 0x5D, 0x50, 0x58, 0x5E, 0x5F: state = .string
        case 0x20...0x2F: state = .intermediate
        case 0x30...0x7E: state = .text
        default: return begin(value)
        }
        return false
    }
}
