import Core

/// The bytes of a file on their way to a parser.
struct SourceText {
    /// Without a byte order mark.
    let bytes: ArraySlice<UInt8>

    static let limit = 16 << 20

    /// Refuses what no parser should see: too much, what is not UTF-8, and NULs.
    init(_ bytes: [UInt8], name: String) throws(FileProblems) {
        func refusal(at offset: Int?, _ message: String) -> FileProblems {
            let place = offset.map { Self.place(at: $0, in: bytes[...]) }
            return FileProblems([FileProblem(file: name, at: place, message)])
        }
        guard bytes.count <= Self.limit else {
            throw refusal(at: nil, "the file is larger than \(Self.limit >> 20) MiB; split it")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw refusal(at: nil, "the file is UTF-16; save it as UTF-8")
        }
        if let offset = Self.firstInvalidUTF8(bytes) {
            throw refusal(at: offset, "this is not UTF-8; save the file as UTF-8")
        }
        if let offset = bytes.firstIndex(of: 0) {
            throw refusal(at: offset, "the file contains a NUL; it is not a text file")
        }
        self.bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
    }

    /// A part of what has been checked.
    init(checked bytes: [UInt8]) { self.bytes = bytes[...] }

    var isBlank: Bool { bytes.allSatisfy { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }

    static func place(at offset: Int, in bytes: ArraySlice<UInt8>) -> DocumentPlace {
        var place = DocumentPlace()
        for byte in bytes[..<min(offset, bytes.endIndex)] {
            if byte == UInt8(ascii: "\n") {
                place.line += 1
                place.column = 1
            } else if byte & 0xC0 != 0x80 {
                place.column += 1
            }
        }
        return place
    }

    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        if bytes.withUnsafeBufferPointer({ String(validating: $0, as: UTF8.self) }) != nil { return nil }
        var decoder = UTF8()
        var iterator = CountingIterator(bytes: bytes)
        while true {
            let start = iterator.offset
            switch decoder.decode(&iterator) {
            case .scalarValue: continue
            case .emptyInput: return nil
            case .error: return start
            }
        }
    }

    private struct CountingIterator: IteratorProtocol {
        let bytes: [UInt8]
        var offset = 0
        mutating func next() -> UInt8? {
            guard offset < bytes.count else { return nil }
            defer { offset += 1 }
            return bytes[offset]
        }
    }
}
