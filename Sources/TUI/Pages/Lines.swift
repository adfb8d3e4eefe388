import Glibc

/// A place in something that is longer than the screen: a line, and the row within it where it is wrapped.
struct Place: Hashable, Comparable, Sendable {
    var line: Int
    var row: Int
    static let beginning = Place(line: 0, row: 0)
    static func < (a: Self, b: Self) -> Bool { (a.line, a.row) < (b.line, b.row) }
}

/// Lines of one row or more, in which one moves about by rows.
protocol RowLines {
    var lineCount: Int { get }
    /// How many rows a line takes.
    func height(of line: Int, columns: Int) -> Int
}

extension RowLines {
    /// The place `rows` before the end: where a screen that shows the end begins.
    func bottom(rows: Int, columns: Int) -> Place {
        moved(Place(line: lineCount, row: 0), by: -rows, columns: columns)
    }

    /// Rows between the beginning and `place`, counted no further than `limit`.
    func distance(to place: Place, columns: Int, atMost limit: Int) -> Int {
        var rows = place.row
        var line = place.line
        while line > 0, rows < limit {
            line -= 1
            rows += height(of: line, columns: columns)
        }
        return rows
    }

    func moved(_ place: Place, by rows: Int, columns: Int) -> Place {
        var place = place
        var left = rows
        while left < 0 {
            if place.row > 0 {
                let step = min(place.row, -left)
                place.row -= step
                left += step
            } else if place.line > 0 {
                place.line -= 1
                place.row = height(of: place.line, columns: columns) - 1
                left += 1
            } else {
                break
            }
        }
        while left > 0, place.line < lineCount {
            let height = height(of: place.line, columns: columns)
            if place.row + left < height {
                place.row += left
                left = 0
            } else {
                left -= height - place.row
                place = Place(line: place.line + 1, row: 0)
            }
        }
        return place
    }
}

/// Lines of foreign bytes, wrapped to the width they are shown in. Only what is visible of them is ever decoded.
protocol Lines: RowLines {
    var bytes: [UInt8] { get }
    /// Where a line's bytes are, without what is not to be shown.
    func visibleBytes(of line: Int) -> Range<Int>
    /// One column for every byte. Lines can be very long, and most are plain: only their visible part is decoded.
    func isPlain(_ range: Range<Int>) -> Bool
}

extension Lines {
    /// Text that is safe to draw, of bytes that stand in one line.
    func text(of range: Range<Int>) -> Text {
        bytes.withUnsafeBytes { Text(utf8: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    func height(of line: Int, columns: Int) -> Int { height(of: visibleBytes(of: line), columns: columns) }

    func height(of range: Range<Int>, columns: Int) -> Int {
        let columns = max(columns, 2)
        guard isPlain(range) else { return text(of: range).wrapped(to: columns).count }
        return max(1, (range.count + columns - 1) / columns)
    }

    /// At most `limit` rows of a line, from `row` on.
    func rows(of line: Int, from row: Int, limit: Int, columns: Int) -> [ArraySlice<Cluster>] {
        rows(of: visibleBytes(of: line), from: row, limit: limit, columns: columns)
    }

    func rows(of range: Range<Int>, from row: Int, limit: Int, columns: Int) -> [ArraySlice<Cluster>] {
        let columns = max(columns, 2)
        guard isPlain(range) else { return Array(text(of: range).wrapped(to: columns).dropFirst(row).prefix(limit)) }
        let begin = min(range.lowerBound + row * columns, range.upperBound)
        let end = min(begin + limit * columns, range.upperBound)
        return text(of: begin..<end).wrapped(to: columns)
    }

    func isPlain(_ range: Range<Int>) -> Bool {
        bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[range]).isPlain }
    }
}

extension UnsafeRawBufferPointer {
    /// Printable ASCII and nothing else; looked at eight bytes at a time, for lines of a mebibyte are looked at often.
    var isPlain: Bool {
        var index = 0
        let high: UInt64 = 0x8080_8080_8080_8080
        let ones: UInt64 = 0x0101_0101_0101_0101
        while index + 8 <= count {
            let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // A byte from 0x80, one below 0x20 (the subtraction borrows), or 0x7F (the addition carries).
            if (word | (word &- ones &* 0x20) | (word &+ ones)) & high != 0 { return false }
            index += 8
        }
        return self[index...].allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    }
}

/// Where the line that `start` is in has its line break, or ends without one.
func lineEnd(in bytes: [UInt8], from start: Int, to limit: Int) -> Int {
    guard start < limit else { return limit }
    return bytes.withUnsafeBytes { buffer in
        guard let found = memchr(buffer.baseAddress! + start, 0x0A, limit - start) else { return limit }
        return UnsafeRawPointer(found) - buffer.baseAddress!
    }
}
