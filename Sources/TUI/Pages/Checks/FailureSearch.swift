import IPC

/// Looks through the end of what an ended run has written, page by page, for lines that look like a failure.
///
/// It keeps where they begin, and none of what it has read.
struct FailureSearch: Sendable {
    /// More than this, from the end, is not looked through.
    private static let reach = 1 << 20
    private static let pageSize = 256 << 10
    /// Output that is nothing but failures: nobody goes through more.
    private static let mostPlaces = 1000

    let run: String
    let stream: String
    /// Where such lines begin in the output, in order.
    private(set) var places: [Int] = []
    /// Bytes there are; nil before that is known.
    private(set) var size: Int?
    private var offset = 0
    /// A line whose end has not been read, and where it begins.
    private var torn: [UInt8] = []
    private var tornStart = 0
    private var isWithinLine = false
    private var finder = FailureFinder()
    private var hasFailed = false

    init(run: String, stream: String) {
        self.run = run
        self.stream = stream
    }

    var isDone: Bool { hasFailed || size.map { offset >= $0 } ?? false }

    /// The first only asks how much there is.
    var nextRead: DaemonRequest? {
        guard !isDone else { return nil }
        return .readOutput(run: run, stream: stream, offset: offset, length: size == nil ? 1 : Self.pageSize)
    }

    mutating func take(_ answer: Answer) {
        guard case .result(let value) = answer, let page = OutputPage(value) else {
            hasFailed = true
            return
        }
        guard size != nil else {
            size = page.size
            offset = max(0, page.size - Self.reach)
            tornStart = offset
            // The line that the beginning is in began before.
            isWithinLine = offset > 0
            return
        }
        guard page.offset == offset, !page.bytes.isEmpty else {
            hasFailed = true
            return
        }
        take(page.bytes)
        offset += page.bytes.count
        if isDone, !torn.isEmpty { take(line: torn[...], at: tornStart) }
    }

    mutating func startOver() { hasFailed = false }

    private mutating func take(_ bytes: [UInt8]) {
        var start = 0
        while start < bytes.count {
            let end = lineEnd(in: bytes, from: start, to: bytes.count)
            guard end < bytes.count else {
                // Enough of it to tell what it says.
                if torn.count < 4096 { torn += bytes[start...].prefix(4096) }
                return
            }
            let begin = torn.isEmpty ? offset + start : tornStart
            take(line: torn.isEmpty ? bytes[start..<end] : (torn + bytes[start..<end].prefix(4096))[...], at: begin)
            torn = []
            start = end + 1
            tornStart = offset + start
        }
    }

    private mutating func take(line: ArraySlice<UInt8>, at place: Int) {
        guard !isWithinLine else {
            isWithinLine = false
            return
        }
        if finder.isFailure(line), places.count < Self.mostPlaces { places.append(place) }
    }
}
