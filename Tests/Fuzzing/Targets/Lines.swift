import IPC

/// However a stream is cut into chunks, its lines are those of the whole.
///
/// The first byte is the limit, the second how the rest is cut.
func checkLines(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2 else { return }
    let limit = Int(bytes[0] % 64) + 1
    let stream = Array(bytes.dropFirst(2))
    var framer = LineFramer(limit: limit)
    var outcomes: [LineFramer.Outcome] = []
    var step = UInt(bytes[1])
    var start = 0
    while start < stream.count {
        step = step &* 31 &+ 7
        let end = min(stream.count, start + Int(step % 97) + 1)
        outcomes += framer.feed(Array(stream[start..<end]))
        start = end
    }
    try require(outcomes == expectedLines(stream, limit: limit), "limit \(limit): \(outcomes)")
}

private func expectedLines(_ stream: [UInt8], limit: Int) -> [LineFramer.Outcome] {
    var pieces = stream.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let rest = pieces.removeLast()
    var expected: [LineFramer.Outcome] = pieces.compactMap { piece in
        guard piece.count <= limit else { return .oversized }
        let line = piece.last == 0x0D ? Array(piece.dropLast()) : piece
        return line.isEmpty ? nil : .line(line)
    }
    if rest.count > limit { expected.append(.oversized) }
    return expected
}
