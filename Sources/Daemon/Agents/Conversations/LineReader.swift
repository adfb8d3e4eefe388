import Glibc

/// Reads the lines of a file that grows, each once. A line that is too long to be a message is skipped, and told of.
struct LineReader {
    /// Tool results of some megabytes are seen; a line beyond this is no message of an agent's.
    static let longestLine = 16 << 20
    static let pieceLength = 1 << 18

    enum Line {
        /// Without its newline; where it begins in the file.
        case whole(ArraySlice<UInt8>, at: Int)
        case tooLong(bytes: Int, at: Int)
    }

    /// Up to where the file has been read.
    private var position = 0
    /// Where the line under way begins, and how much of it has been read.
    private var start = 0
    private var length = 0
    /// What was read of it; nothing more once it is too long.
    private var line: [UInt8] = []

    /// Reads one piece of the file. False when there was nothing to read.
    mutating func readPiece(of descriptor: Int32, _ body: (Line) -> Void) throws(RunFailure) -> Bool {
        var failed: Int32 = 0
        let from = off_t(position)
        let piece = [UInt8](unsafeUninitializedCapacity: Self.pieceLength) { buffer, count in
            var got: Int
            repeat {
                got = pread(descriptor, buffer.baseAddress!, Self.pieceLength, from)
            } while got < 0 && errno == EINTR
            if got < 0 { failed = errno }
            count = max(0, got)
        }
        if failed != 0 { throw RunFailure("cannot read the output of a run", errno: failed) }
        position += piece.count
        var unread = piece[...]
        while let newline = unread.firstIndex(of: 0x0A) {
            end(with: unread[..<newline], body)
            unread = unread[(newline + 1)...]
        }
        length += unread.count
        if length <= Self.longestLine { line += unread } else { line = [] }
        return !piece.isEmpty
    }

    /// Nothing follows: what is left is a line, or the beginning of one that was cut off.
    mutating func finish(_ body: (Line) -> Void) {
        if length > 0 { end(with: [], body) }
    }

    private mutating func end(with last: ArraySlice<UInt8>, _ body: (Line) -> Void) {
        let (beginning, whole) = (start, length + last.count)
        if whole > Self.longestLine {
            body(.tooLong(bytes: whole, at: beginning))
        } else if length == 0 {
            body(.whole(last, at: beginning))
        } else {
            body(.whole(line[...] + last, at: beginning))
        }
        start = beginning + whole + 1
        length = 0
        line = []
    }
}
