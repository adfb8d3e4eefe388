import Testing

@testable import TUI

/// What foreign text becomes before it is drawn.
struct TextTests {
    private func drawn(_ text: Text) -> String {
        var string = ""
        for cluster in text.clusters { cluster.append(to: &string) }
        return string
    }

    @Test(arguments: [
        ("plain", "plain", 5),
        // Control characters are pictured, never sent.
        ("a\u{07}b", "a␇b", 3),
        ("a\u{08}b", "a␈b", 3),
        ("a\u{7F}b", "a␡b", 3),
        ("a\u{0}b", "a␀b", 3),
        ("a\u{85}b", "a b", 3),
        ("a\u{84}b", "a\u{FFFD}b", 3),
        // Tabs advance to the next eighth column, by columns and not by characters.
        ("ab\tc", "ab      c", 9),
        ("日本\tc", "日本    c", 9),
        ("12345678\tc", "12345678        c", 17),
        // Line breaks of all kinds are spaces: a row stays one row.
        ("a\nb\rc\u{2028}d", "a b c d", 7),
        // Escape sequences leave nothing behind, whole or malformed.
        ("\u{1B}[31mred\u{1B}[0m", "red", 3),
        ("\u{1B}[?1049hx", "x", 1),
        ("\u{1B}[38;2;1;2;3mx", "x", 1),
        ("\u{1B}]0;title\u{07}x", "x", 1),
        ("\u{1B}]8;;http://a\u{1B}\\link\u{1B}]8;;\u{1B}\\", "link", 4),
        ("\u{1B}P1$r0m\u{1B}\\x", "x", 1),
        ("\u{1B}(Bx", "x", 1),
        ("\u{1B}cx", "x", 1),
        ("a\u{1B}", "a", 1),
        ("a\u{1B}[", "a", 1),
        ("\u{1B}[3é", "é", 1),
        ("\u{1B}]52;c;ZXZpbA==", "", 0),
        ("\u{9B}31mred", "red", 3),
        ("\u{9D}0;title\u{9C}x", "x", 1),
        ("\u{1B}\u{1B}[31mx", "x", 1),
        // Bidirectional and invisible characters are left out.
        ("a\u{202E}b\u{202C}c", "abc", 3),
        ("a\u{2066}b\u{2069}\u{200F}\u{200B}\u{FEFF}\u{AD}c", "abc", 3),
        // Marks stay with what they mark; without that they are left out. A fourth mark is too many.
        ("e\u{301}x", "e\u{301}x", 2),
        ("\u{301}x", "x", 1),
        ("a\u{301}\u{302}\u{303}\u{304}\u{305}", "a\u{301}\u{302}\u{303}", 1),
        ("日本語", "日本語", 6),
        ("한국어", "한국어", 6),
        // Emoji become what every terminal draws alike.
        ("👩‍💻x", "👩x", 3),
        ("👩‍👩‍👧‍👦x", "👩x", 3),
        ("👍🏽x", "👍x", 3),
        ("❤️x", "❤x", 2),
        ("1️⃣x", "1x", 2),
        ("🇫🇷x", "FRx", 3),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿x", "🏴x", 3),
        // A joiner between letters joins nothing here, and loses none.
        ("क\u{200D}ष", "कष", 2),
        // What has no width of its own or is not assigned is replaced.
        ("a\u{FFFF}b", "a\u{FFFD}b", 3),
    ])
    func foreignTextBecomesSafe(_ raw: String, _ expected: String, _ width: Int) {
        let text = Text(raw)
        #expect(
            drawn(text).unicodeScalars.elementsEqual(expected.unicodeScalars),
            "\(drawn(text)) for \(raw.debugDescription)"
        )
        #expect(text.width == width)
    }

    @Test func invalidUTF8BecomesReplacementCharacters() {
        for (bytes, expected): ([UInt8], String) in [
            ([0x61, 0xFF, 0x62], "a\u{FFFD}b"),
            ([0xC3, 0x28], "\u{FFFD}("),
            ([0xE6, 0x97], "\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] {
            #expect(bytes.withUnsafeBytes { drawn(Text(utf8: $0)) } == expected)
        }
    }

    /// Every scalar there is, alone and after a letter: no control or format character comes through, and widths add up.
    @Test func noScalarComesThroughThatMovesTheCursor() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            var string = "a"
            string.unicodeScalars.append(scalar)
            let text = Text(string)
            var width = 0
            for cluster in text.clusters {
                width += Int(cluster.width)
                let base = cluster.scalars[0]
                guard base >= 0x20, !(0x7F...0x9F).contains(base), columns(of: base) == Int(cluster.width) else {
                    Issue.record("U+\(String(value, radix: 16)) became U+\(String(base, radix: 16))")
                    return
                }
                for mark in 1..<4 where cluster.scalars[mark] != 0 {
                    guard columns(of: cluster.scalars[mark]) == 0 else {
                        Issue.record("U+\(String(cluster.scalars[mark], radix: 16)) is no mark")
                        return
                    }
                }
            }
            guard width == text.width else {
                Issue.record("U+\(String(value, radix: 16)): \(width) columns are said to be \(text.width)")
                return
            }
        }
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("abcdef", 0, ""),
        // A wide character that does not fit as a whole is not begun.
        ("日本語", 6, "日本語"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("日本語", 2, "…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
    ])
    func textIsCutOnClusters(_ raw: String, _ columns: Int, _ expected: String) {
        let cut = Text(raw).cut(to: columns)
        #expect(drawn(cut) == expected)
        #expect(cut.width <= columns)
    }

    @Test func proseBreaksBetweenWords() {
        func rows(_ string: String, _ columns: Int) -> [String] {
            Text(string).flowed(to: columns).map { row in
                var string = ""
                for cluster in row { cluster.append(to: &string) }
                return string
            }
        }
        #expect(rows("one two three", 7) == ["one two", "three"])
        #expect(rows("one two three", 6) == ["one", "two", "three"])
        #expect(rows("incomprehensible", 6) == ["incomp", "rehens", "ible"])
        #expect(rows("", 6) == [""])
    }

    @Test func overwritingHalfAWideCharacterLeavesNoHalfBehind() {
        var screen = Screen(size: Size(columns: 6, rows: 1))
        screen.put(Text("日本語"), x: 0, y: 0, style: .plain)
        screen.put(Text("x"), x: 1, y: 0, style: .plain)
        screen.put(Text("y"), x: 4, y: 0, style: .plain)
        #expect(screen.picture == " x本y")
        screen.put(Text("国"), x: 1, y: 0, style: .plain)
        #expect(screen.picture == " 国 y")
        // Nothing is drawn beyond the edge; what does not fit there is cut.
        screen.put(Text("国"), x: 5, y: 0, style: .plain)
        screen.put(Text("out"), x: 0, y: 1, style: .plain)
        #expect(screen.picture == " 国 y…")
    }
}
