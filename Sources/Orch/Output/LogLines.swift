import CSystem
import Daemon
import Glibc
import Logging

/// The daemon's log: a line per message on standard error, `2026-11-20T21:52:49Z info ending on-stop=detach`.
/// Each line is one write, so that lines of several threads do not mix.
struct LogLines: LogHandler {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    /// Keeps secrets out of it.
    var redactor = Redactor.none

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var moment = time(nil)
        var fields = tm()
        gmtime_r(&moment, &fields)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &fields)
        var line = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        line += " \(event.level) \(SafeText.line(event.message.description))"
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(SafeText.line("\(value)"))" }
        line = redactor.redact(line) + "\n"
        line.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { cs_write_error($0.baseAddress, $0.count) }
        }
    }
}
