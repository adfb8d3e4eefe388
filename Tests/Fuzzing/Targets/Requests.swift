import IPC

/// What reads as JSON is written as one line that reads as the same; so is a request.
func checkRequests(_ bytes: [UInt8]) throws {
    if let value = try? JSONValue(parsing: bytes) {
        let line = value.bytes
        try require(!line.contains(0x0A), "a line break in one line")
        let again = try JSONValue(parsing: line)
        try require(again == value, "\(value) came back as \(again)")
        try require(again.bytes == line, "written in two ways")
    }
    let request: Request
    do throws(Request.Malformed) {
        request = try Request(line: bytes)
    } catch {
        return try require(!error.error.message.isEmpty, "refused without a word")
    }
    let again = try Request(line: request.bytes)
    try require(again == request, "\(request) came back as \(again)")
}
