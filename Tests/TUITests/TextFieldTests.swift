import Testing

@testable import TUI

struct TextFieldTests {
    /// The text after keys, with a bar where the cursor is.
    private func edited(_ text: String, _ keys: String, hasLines: Bool = false, columns: Int = .max) -> String {
        var field = TextField(text, hasLines: hasLines)
        for name in keys.split(separator: " ") { _ = field.take(Key(named: String(name)), columns: columns) }
        field.insert("|")
        return field.text
    }

    @Test(arguments: [
        ("", "a b", "ab|"),
        ("abc", "Left Left x", "ax|bc"),
        ("abc", "Home x End y", "xabcy|"),
        ("abc", "Ctrl-A x Ctrl-E y", "xabcy|"),
        ("abc", "BS BS", "a|"),
        ("abc", "Home Del", "|bc"),
        ("abc", "Home Ctrl-D Ctrl-F Ctrl-B", "|bc"),
        ("abc", "Home BS Left Left x", "x|abc"),
        ("abc", "Del Right Right x", "abcx|"),
        ("one two.three", "Alt-b", "one two.|three"),
        ("one two.three", "C-Left C-Left", "one |two.three"),
        ("one two.three", "Home Alt-f", "one| two.three"),
        ("one two.three", "Home C-Right C-Right", "one two|.three"),
        ("one two.three  ", "Ctrl-W", "one |"),
        ("one two.three", "Alt-BS", "one two.|"),
        ("one two.three", "Home Alt-d", "| two.three"),
        ("one two", "Left Ctrl-U", "|o"),
        ("one two", "Home Right Ctrl-K", "o|"),
        // What was cut comes back, somewhere else.
        ("one two", "Ctrl-W Home Ctrl-Y", "two|one "),
        ("one two", "Home Ctrl-K Ctrl-K x Ctrl-Y", "xone two|"),
        // Characters as people see them.
        ("e\u{301}日👩‍👩‍👧🇩🇪", "BS", "e\u{301}日👩‍👩‍👧|"),
        ("e\u{301}日👩‍👩‍👧🇩🇪", "BS BS", "e\u{301}日|"),
        ("e\u{301}日👩‍👩‍👧🇩🇪", "Left Left Left Left", "|e\u{301}日👩‍👩‍👧🇩🇪"),
    ])
    func keysEditALineAsReadlineDoes(_ text: String, _ keys: String, _ expected: String) {
        #expect(edited(text, keys) == expected)
    }

    @Test(arguments: [
        ("ab\ncd", "Up x", "abx|\ncd"),
        ("ab\ncd", "Home Up x Down y", "xab\ncy|d"),
        ("ab\ncd", "Up Up x", "abx|\ncd"),
        ("ab\n\ncd", "Up x", "ab\nx|\ncd"),
        ("ab\ncd", "Home BS", "ab|cd"),
        ("ab\ncd", "Up Ctrl-K", "ab|cd"),
        ("ab\ncd", "Ctrl-U Ctrl-U", "ab\n|"),
        ("ab", "Enter x", "ab\nx|"),
        ("日本\nabcd", "Left Up", "日|本\nabcd"),
    ])
    func severalLines(_ text: String, _ keys: String, _ expected: String) {
        #expect(edited(text, keys, hasLines: true) == expected)
    }

    @Test func upAndDownGoByTheRowsThatAreSeen() {
        // "one two " / "three " / "four"
        #expect(edited("one two three four", "Up", hasLines: true, columns: 9) == "one two thre|e four")
        #expect(edited("one two three four", "Up Up", hasLines: true, columns: 9) == "one |two three four")
        #expect(edited("one two three four", "Home Down Down x", hasLines: true, columns: 9) == "one two three x|four")
        // Behind the last character of a row that goes on, one is in the next.
        #expect(edited("aaaaaaaaaa bb cc", "Up Up End x", hasLines: true, columns: 8) == "aaaaaaaaaa bb ccx|")
        #expect(edited("aaaaaaaaaaaaaa", "Up", hasLines: true, columns: 8) == "aaaaaa|aaaaaaaa")
    }

    @Test func whatIsPastedIsTextAndNothingElse() {
        var field = TextField(hasLines: true)
        field.insert("a\r\nb\tc\u{1B}[31m\u{7}\u{9B}d\rE\u{0}")
        #expect(field.text == "a\nb\tc[31md\nE")
        var line = TextField()
        line.insert("a\r\nb\tc")
        #expect(line.text == "a b c")
    }

    @Test func marksJoinWhatTheyFollow() {
        var field = TextField()
        for scalar in "e\u{301}👩\u{200D}💻x".unicodeScalars { field.insert(scalar) }
        #expect(field.text == "e\u{301}👩\u{200D}💻x")
        _ = field.take(.backspace)
        _ = field.take(.backspace)
        #expect(field.text == "e\u{301}")
    }

    @Test func rowsHoldEveryCharacterAndFitTheRoom() {
        for text in [
            "", "a", "one two three four five", "日本語日本語日本語 日本", "a\n\nb\n", "aaaaaaaaaaaaaaaaaaaaa", "a    b    c",
            "\t\tx",
        ] {
            for columns in 3...24 {
                for place in 0...text.count {
                    let rows = TextRows(Array(text), cursor: place, columns: columns)
                    let drawn = rows.rows.reduce(0) { $0 + $1.characters.count }
                    #expect(drawn == text.count { $0 != "\n" })
                    #expect(rows.cursor.row < rows.rows.count)
                    guard columns > 9 || !text.contains("\t") else { continue }
                    #expect(rows.rows.allSatisfy { $0.width <= columns })
                    #expect(rows.cursor.column <= columns)
                }
            }
        }
    }
}
