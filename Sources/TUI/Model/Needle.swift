/// What is looked for in a page, as it was typed: with a capital letter in it, it has to stand there just so.
struct Needle: Hashable, Sendable {
    let text: String
    private let bytes: [UInt8]
    private let isExact: Bool

    /// nil where nothing was typed.
    init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        self.text = text
        isExact = text.utf8.contains { $0 != $0.folded }
        bytes = Array(text.utf8)
    }

    private func isSame(_ byte: UInt8, as wanted: UInt8) -> Bool {
        (isExact ? byte : byte.folded) == wanted
    }

    func isIn(_ text: String) -> Bool { isIn(Array(text.utf8)[...]) }
    func isIn(_ line: ArraySlice<UInt8>) -> Bool { !ranges(in: line).isEmpty }

    /// Where it stands, one after the other.
    func ranges(in line: ArraySlice<UInt8>) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = line.startIndex
        while start + bytes.count <= line.endIndex {
            let isHere = bytes.indices.allSatisfy { isSame(line[start + $0], as: bytes[$0]) }
            if isHere { ranges.append(start..<start + bytes.count) }
            start += isHere ? bytes.count : 1
        }
        return ranges
    }
}

extension Screen {
    /// Makes it stand out wherever it stands in a row of the area.
    mutating func mark(_ needle: Needle, in area: Rectangle) {
        for y in area.y..<min(area.y + area.rows, size.rows) {
            let columns = area.x..<min(area.x + area.columns, size.columns)
            var text: [UInt8] = []
            /// Of each byte, the column its character begins in.
            var columnOf: [Int] = []
            for x in columns {
                guard let cluster = cells[y * size.columns + x].cluster else { continue }
                let character = cluster.text.utf8
                text += character
                columnOf += Array(repeating: x, count: character.count)
            }
            for range in needle.ranges(in: text[...]) {
                let end = range.upperBound < columnOf.count ? columnOf[range.upperBound] : columns.upperBound
                paint(.match, x: columnOf[range.lowerBound], y: y, columns: end - columnOf[range.lowerBound])
            }
        }
    }
}

extension Model {
    mutating func writeSearch() { overlay = .prompt(Prompt(.search, text: detail.search?.text ?? "")) }

    /// Goes on to where it stands, from where one is; what was looked for before, if nothing is said.
    mutating func search(for text: String) {
        overlay = .none
        detail.search = Needle(text)
        if detail.search != nil { findNext(forwards: true) }
    }

    mutating func findNext(forwards: Bool) {
        guard let needle = detail.search else { return }
        let room = room
        let refusal: String? =
            switch detail.page?.find(needle, forwards: forwards, in: room) {
            case true?: nil
            case false?: "no \(needle.text) further \(forwards ? "down" : "up"), as far as it has been read"
            case nil: "transcripts, diffs and what checks print can be searched; this is no such page"
            }
        if let refusal { message = Message(kind: .refused, text: refusal, hint: nil) }
    }
}
