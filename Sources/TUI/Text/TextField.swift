/// Text that is being typed, and where in it the cursor is. Whatever it holds, it is safe to draw: see `lines`.
///
/// Characters are grapheme clusters, so that what looks like one character is passed and deleted as one.
struct TextField: Hashable, Sendable {
    private var before: [Character] = []
    /// What follows the cursor, the nearest last: typing in the middle of a long text moves nothing.
    private var after: [Character] = []
    /// Whether it may have more than one line. Where not, a line end that is pasted becomes a space.
    let hasLines: Bool
    /// What was cut out last, and can be put in again.
    private var cutLast: [Character] = []

    /// The cursor stands behind `text`.
    init(_ text: String = "", hasLines: Bool = false) {
        self.hasLines = hasLines
        before = Array(text)
    }

    var text: String { String(before) + String(after.reversed()) }
    var isEmpty: Bool { before.isEmpty && after.isEmpty }
    /// Nothing but white space.
    var isBlank: Bool { before.allSatisfy(\.isWhitespace) && after.allSatisfy(\.isWhitespace) }

    /// Other text, with the cursor behind it.
    mutating func replace(with text: String) {
        before = Array(text)
        after = []
    }

    // MARK: Typing

    /// Puts a typed or pasted character in. Control characters but tabs and line ends are left out.
    mutating func insert(_ scalar: Unicode.Scalar) {
        var scalar = scalar
        switch scalar {
        case "\r", "\n": scalar = hasLines ? "\n" : " "
        case "\t": if !hasLines { scalar = " " }
        default: if scalar.properties.generalCategory == .control { return }
        }
        // A mark or a joined pictograph becomes a part of what it follows.
        if let last = before.last {
            var joined = String(last)
            joined.unicodeScalars.append(scalar)
            if joined.count == 1 {
                before[before.count - 1] = Character(joined)
                return
            }
        }
        before.append(Character(scalar))
    }

    mutating func insert(_ text: String) {
        // CR LF is one line end.
        for character in text {
            if character == "\r\n" { insert("\n") } else { for scalar in character.unicodeScalars { insert(scalar) } }
        }
    }

    /// Does what a key does to text, as readline has it, where lines are broken after `columns`; false: it does nothing.
    mutating func take(_ key: Key, columns: Int = .max) -> Bool {
        switch key {
        case .character(let scalar): insert(scalar)
        case .enter where hasLines: insert("\n")
        case .left, .control("b"): move(by: -1)
        case .right, .control("f"): move(by: 1)
        case .controlLeft, .alt("b"): goToWordStart()
        case .controlRight, .alt("f"): goToWordEnd()
        case .home, .control("a"): goBack { !$0.isLineEnd }
        case .end, .control("e"): goOn { !$0.isLineEnd }
        case .up, .control("p"): return moveLine(by: -1, columns)
        case .down, .control("n"): return moveLine(by: 1, columns)
        case .backspace: _ = before.popLast()
        case .delete, .control("d"): _ = after.popLast()
        case .control("w"):
            cut {
                $0.goBack(while: \.isWhitespace); $0.goBack { !$0.isWhitespace }
            }
        case .alt("\u{7F}"), .alt("\u{8}"): cut { $0.goToWordStart() }
        case .alt("d"): cut { $0.goToWordEnd() }
        case .control("u"): cut { $0.goBack { !$0.isLineEnd } }
        case .control("k"):
            // At the end of a line, the next one comes up.
            if after.last?.isLineEnd ?? false { after.removeLast() } else { cut { $0.goOn { !$0.isLineEnd } } }
        case .control("y"): before += cutLast
        default: return false
        }
        return true
    }

    // MARK: Moving

    private mutating func move(by distance: Int) {
        if distance < 0 {
            for _ in 0..<min(-distance, before.count) { after.append(before.removeLast()) }
        } else {
            for _ in 0..<min(distance, after.count) { before.append(after.removeLast()) }
        }
    }

    private mutating func goBack(while isPassed: (Character) -> Bool) {
        while let last = before.last, isPassed(last) { move(by: -1) }
    }

    private mutating func goOn(while isPassed: (Character) -> Bool) {
        while let next = after.last, isPassed(next) { move(by: 1) }
    }

    private mutating func goToWordStart() {
        goBack { !$0.isInWord }
        goBack(while: \.isInWord)
    }

    private mutating func goToWordEnd() {
        goOn { !$0.isInWord }
        goOn(while: \.isInWord)
    }

    /// Takes out what `move` passes.
    private mutating func cut(_ move: (inout TextField) -> Void) {
        var moved = self
        move(&moved)
        let distance = moved.before.count - before.count
        if distance < 0 {
            cutLast = Array(before.suffix(-distance))
            before.removeLast(-distance)
        } else if distance > 0 {
            cutLast = Array(moved.before.suffix(distance))
            after.removeLast(distance)
        }
    }

    /// To the row above or below, where that is as it is drawn; false where there is none.
    private mutating func moveLine(by distance: Int, _ columns: Int) -> Bool {
        guard hasLines else { return false }
        let rows = rows(columns: columns)
        let there = rows.cursor.row + distance
        guard rows.rows.indices.contains(there) else { return false }
        move(by: rows.place(inRow: there, column: rows.cursor.column) - before.count)
        return true
    }

    // MARK: As it is drawn

    /// Broken into rows of at most `columns`.
    func rows(columns: Int) -> TextRows {
        TextRows(before + after.reversed(), cursor: before.count, columns: hasLines ? columns : .max)
    }
}

extension Character {
    var isLineEnd: Bool { self == "\n" || self == "\r\n" }
    fileprivate var isInWord: Bool { isLetter || isNumber }
}
