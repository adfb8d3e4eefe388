/// Text under a cursor, broken into rows between words where that is possible. Every character is in one of them.
struct TextRows: Equatable, Sendable {
    struct Row: Equatable, Sendable {
        /// The place of its first character in the text.
        var start: Int
        /// What is drawn of each of its characters, without the line end.
        var characters: [Text] = []
        var width: Int { characters.reduce(0) { $0 + $1.width } }
        var clusters: [Cluster] { characters.flatMap(\.clusters) }
    }

    private(set) var rows: [Row] = []
    /// The cell the cursor is on, which may be the one behind a row's last.
    private(set) var cursor = (row: 0, column: 0)

    static func == (a: Self, b: Self) -> Bool { a.rows == b.rows && a.cursor == b.cursor }

    init(_ text: [Character], cursor place: Int, columns: Int) {
        // The last column is the cursor's behind a full row, or a space's.
        let limit = max(columns, 3) - 1
        var row = Row(start: 0)
        var width = 0
        /// Characters of the row up to its last space.
        var wordStart = 0
        for (index, character) in text.enumerated() {
            guard !character.isLineEnd else {
                rows.append(row)
                (row, width, wordStart) = (Row(start: index + 1), 0, 0)
                continue
            }
            let drawn = Text(String(character))
            let isSpace = drawn.clusters == [.space]
            if width + drawn.width > limit + (isSpace ? 1 : 0) {
                let kept = wordStart > 0 ? wordStart : row.characters.count
                let moved = Array(row.characters[kept...])
                row.characters.removeLast(moved.count)
                rows.append(row)
                row = Row(start: row.start + kept, characters: moved)
                (width, wordStart) = (row.width, 0)
            }
            row.characters.append(drawn)
            width += drawn.width
            if isSpace { wordStart = row.characters.count }
        }
        rows.append(row)
        let number = rows.lastIndex { $0.start <= place } ?? 0
        let column = rows[number].characters.prefix(place - rows[number].start).reduce(0) { $0 + $1.width }
        cursor = (number, column)
    }

    /// The place in the text of what stands in a column of a row, or of the row's end.
    func place(inRow row: Int, column: Int) -> Int {
        var left = column
        var place = rows[row].start
        // A row that goes on in the next has no place behind its last character.
        let isLast = row + 1 == rows.count || rows[row + 1].start > place + rows[row].characters.count
        let characters = isLast ? rows[row].characters[...] : rows[row].characters.dropLast()
        for character in characters {
            guard left >= max(character.width, 1) else { break }
            left -= character.width
            place += 1
        }
        return place
    }
}
