@testable import TUI

/// Whatever an agent prints, and however it arrives, what is drawn of it has no control character and no more columns
/// than the screen; scrolling to both ends shows all of it.
///
/// The first byte is the width of the screen, the second how many bytes the daemon gives at a time.
func checkTranscript(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2 else { return }
    let output = Array(bytes.dropFirst(2).prefix(8192))
    let columns = Int(bytes[0] % 40) + 2
    let page = Int(bytes[1]) * 16 + 1
    var transcript = Transcript(run: "T-1.1")
    try read(output, by: page, into: &transcript, columns: columns)
    try checkDrawing(of: transcript, columns: columns)
    transcript.scroll(by: -3, rows: 4, columns: columns)
    transcript.scrollToBeginning()
    try read(output, by: page, into: &transcript, columns: columns)
    try checkDrawing(of: transcript, columns: columns)
    transcript.scroll(by: 5, rows: 4, columns: columns)
    transcript.scrollToEnd()
    try read(output, by: page, into: &transcript, columns: columns)
    try require(transcript.start == 0 && transcript.bytes == output, "not all of the output is there")
    try checkDrawing(of: transcript, columns: columns)
}

/// Answers what the transcript asks for until it asks no more.
private func read(_ output: [UInt8], by page: Int, into transcript: inout Transcript, columns: Int) throws {
    for _ in 0..<(4 * output.count + 100) {
        guard case .readOutput(_, _, let offset, let length)? = transcript.nextRead(rows: 4, columns: columns) else {
            return
        }
        try require((0...output.count).contains(offset) && length > 0, "asked for \(length) bytes at \(offset)")
        let end = min(output.count, offset + min(length, page))
        let piece = OutputPage(
            bytes: Array(output[offset..<end]),
            offset: offset,
            size: output.count,
            isEnd: end == output.count
        )
        transcript.take(piece, columns: columns)
    }
    throw Finding(description: "it goes on asking")
}

private func checkDrawing(of transcript: Transcript, columns: Int) throws {
    for line in 0..<transcript.lineCount {
        let text = transcript.text(of: transcript.visibleBytes(of: line))
        try require(
            text.width == text.clusters.reduce(0) { $0 + Int($1.width) },
            "line \(line) is not as wide as it says"
        )
        for cluster in text.clusters { try checkSafe(cluster) }
        let rows = transcript.rows(of: line, from: 0, limit: .max / columns / 2, columns: columns)
        for row in rows {
            let width = row.reduce(0) { $0 + Int($1.width) }
            try require(width <= columns, "a row of \(width) columns on a screen of \(columns)")
        }
        try require(
            rows.reduce(0) { $0 + $1.count } == text.clusters.count,
            "the rows of line \(line) are not its text"
        )
    }
}

private func checkSafe(_ cluster: Cluster) throws {
    for index in 0..<cluster.count {
        guard let scalar = Unicode.Scalar(cluster.scalars[index]) else {
            throw Finding(description: "no character: \(cluster.scalars[index])")
        }
        let category = scalar.properties.generalCategory
        try require(
            ![.control, .format, .surrogate, .lineSeparator, .paragraphSeparator].contains(category),
            "U+\(String(scalar.value, radix: 16)) would be drawn"
        )
    }
    try require((1...2).contains(cluster.width), "\(cluster.width) columns")
}
