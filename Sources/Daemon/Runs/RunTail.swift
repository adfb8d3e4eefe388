import Foundation

extension RunFolder {
    /// The last bytes of what a run printed, without secrets: also one that the cut would have left a half of.
    ///
    /// - Parameter limit: bytes of stdout, and as many of stderr behind them.
    func tail(_ limit: Int, redactedBy redactor: Redactor) -> String {
        ["stdout", "stderr"].map { stream in
            let bytes = redactor.redact(tailBytes(of: stream, limit + redactor.longest))
            return String(decoding: bytes.suffix(limit), as: UTF8.self)
        }.joined()
    }

    /// The last bytes of one of the run's files.
    func tail(of name: String, _ limit: Int) -> String { String(decoding: tailBytes(of: name, limit), as: UTF8.self) }

    private func tailBytes(of name: String, _ limit: Int) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: "\(path)/\(name)") else { return [] }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > UInt64(limit) ? size - UInt64(limit) : 0)
        return Array((try? file.readToEnd()) ?? Data())
    }
}
