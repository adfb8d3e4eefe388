import CTerm
import Testing

@testable import TUI

/// What is made of the terminal's reports.
struct InputReaderTests {
    private func event(_ kind: ct_event_kind, _ code: UInt32 = 0, x: Int32 = 0, y: Int32 = 0) -> ct_event {
        ct_event(kind: Int32(kind.rawValue), code: code, x: x, y: y)
    }

    /// Inputs in words.
    private func read(_ events: [(ct_event, Int64)]) -> [String] {
        var reader = InputReader()
        return events.compactMap { event, time in
            switch reader.take(event, at: time) {
            case nil: nil
            case .key(let key): "\(key)"
            case .mouse(let mouse): "\(mouse.kind) \(mouse.x),\(mouse.y)"
            case .pasteBegan: "paste"
            case .pasteEnded: "end"
            default: "other"
            }
        }
    }

    private func press(_ x: Int32, _ y: Int32) -> ct_event { event(CT_MOUSE, CT_MOUSE_PRESS.rawValue, x: x, y: y) }

    @Test func twoPressesInOnePlaceAndTimeAreADoublePress() {
        let release = event(CT_MOUSE, CT_MOUSE_RELEASE.rawValue, x: 3, y: 2)
        #expect(
            read([(press(3, 2), 0), (release, 50), (press(3, 2), 400), (release, 450), (press(3, 2), 500)])
                == ["press 3,2", "release 3,2", "doublePress 3,2", "release 3,2", "press 3,2"]
        )
        #expect(read([(press(3, 2), 0), (press(3, 2), 401)]) == ["press 3,2", "press 3,2"])
        #expect(read([(press(3, 2), 0), (press(4, 2), 10)]) == ["press 3,2", "press 4,2"])
    }

    @Test func aPasteIsText() {
        let text = Array("a\tb\r\nc\nd\re\u{1B}\u{7F}é".unicodeScalars).map { event(CT_CHARACTER, $0.value) }
        let inputs = read(
            ([event(CT_KEY, CT_KEY_PASTE_START.rawValue)] + text
                + [
                    event(CT_KEY, CT_KEY_UP.rawValue), event(CT_FUNCTION, 1), event(CT_ALT, 0x78),
                    event(CT_KEY, CT_KEY_PASTE_END.rawValue), event(CT_CHARACTER, 13), event(CT_ALT, 0x78),
                ]).map { ($0, 0) }
        )
        func character(_ scalar: Unicode.Scalar) -> String { "\(Key.character(scalar))" }
        #expect(
            inputs == ["paste"] + "a\tb\nc\nd\neéx".unicodeScalars.map(character)
                + ["end", "enter", "\(Key.alt("x"))"]
        )
    }

    @Test func controlCharactersAreKeys() {
        #expect(
            read([1, 9, 13, 27, 127, 8, 0, 26].map { (event(CT_CHARACTER, $0), 0) })
                == [
                    "\(Key.control("a"))", "tab", "enter", "escape", "backspace", "backspace", "\(Key.control(" "))",
                    "\(Key.control("z"))",
                ]
        )
        #expect(read([(event(CT_FUNCTION, 12), 0)]) == ["function(12)"])
    }

    @Test func base64IsWhatTheStandardSays() {
        for (text, expected) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] { #expect(base64(Array(text.utf8)) == expected) }
        #expect(base64([0xFF, 0xFE, 0xFB]) == "//77")
    }
}
