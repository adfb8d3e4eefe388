import Foundation

extension RunFolder {
    /// The last bytes of what a run printed, without secrets: also one that the cut would have left a half of.
    ///
    /// - Parameter limit: bytes of stdout, and as many of stderr behind them.
    func tail(_ limit: Int, redactedBy redactor: Redactor) -> String {
        ["stdout", "stderr"].map { stream in
            guard let file = FileHandle(forReadingAtPath: "\(path)/\(stream)") else { return "" }
            defer { try? file.close() }
            let size = (try? file.seekToEnd()) ?? 0
            let wanted = UInt64(limit + redactor.longest)
            try? file.seek(toOffset: size > wanted ? size - wanted : 0)
            let bytes = redactor.redact(Array((try? file.readToEnd()) ?? Data()))
            return String(decoding: bytes.suffix(limit), as: UTF8.self)
        }.joined()
    }
}
