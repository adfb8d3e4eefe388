/// Text that is safe to draw: clusters without control characters, escape sequences or bidirectional controls.
///
/// Whatever bytes it is made of, drawing it moves the cursor by exactly `width` columns and changes nothing else.
public struct Text: Hashable, Sendable {
    var clusters: [Cluster]
    /// Columns.
    var width: Int

    static let empty = Text("")

    /// Makes foreign text safe. Invalid UTF-8 becomes U+FFFD, a tab advances to the next eighth column.
    init(_ string: String) {
        var string = string
        self = string.withUTF8 { Text(utf8: UnsafeRawBufferPointer($0)) }
    }

    init(utf8 bytes: UnsafeRawBufferPointer) {
        var sanitizer = Sanitizer()
        sanitizer.clusters.reserveCapacity(bytes.count)
        if bytes.isPlain {
            for byte in bytes { sanitizer.clusters.append(Cluster(UInt32(byte), width: 1)) }
            sanitizer.width = bytes.count
        } else {
            for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars { sanitizer.take(scalar) }
        }
        clusters = sanitizer.clusters
        width = sanitizer.width
    }

    init(_ clusters: ArraySlice<Cluster>) {
        self.init(clusters: Array(clusters), width: clusters.reduce(0) { $0 + Int($1.width) })
    }

    private init(clusters: [Cluster], width: Int) {
        self.clusters = clusters
        self.width = width
    }

    /// At most `columns` wide; what is cut ends in `ellipsis`, on a cluster's boundary.
    func cut(to columns: Int, ellipsis: Cluster = Cluster(0x2026, width: 1)) -> Text {
        guard width > columns else { return self }
        guard columns > 0 else { return Text(clusters: [], width: 0) }
        var used = 0
        var end = 0
        while end < clusters.count, used + Int(clusters[end].width) < columns {
            used += Int(clusters[end].width)
            end += 1
        }
        return Text(clusters: clusters[..<end] + [ellipsis], width: used + 1)
    }

    /// At most `columns` wide; what is cut is the beginning, as the end of a path says most.
    func cutAtStart(to columns: Int, ellipsis: Cluster = Cluster(0x2026, width: 1)) -> Text {
        guard width > columns else { return self }
        guard columns > 0 else { return Text(clusters: [], width: 0) }
        var used = 0
        var start = clusters.count
        while start > 0, used + Int(clusters[start - 1].width) < columns {
            start -= 1
            used += Int(clusters[start].width)
        }
        return Text(clusters: [ellipsis] + clusters[start...], width: used + 1)
    }

    /// The rows it takes on a screen of `columns` columns; one, empty, for no text. A cluster is never torn.
    func wrapped(to columns: Int) -> [ArraySlice<Cluster>] {
        var rows: [ArraySlice<Cluster>] = []
        var start = 0
        var used = 0
        for (index, cluster) in clusters.enumerated() {
            if used + Int(cluster.width) > max(columns, 2) {
                rows.append(clusters[start..<index])
                (start, used) = (index, 0)
            }
            used += Int(cluster.width)
        }
        rows.append(clusters[start...])
        return rows
    }

    /// The same, broken between words where that is possible; for prose.
    func flowed(to columns: Int) -> [ArraySlice<Cluster>] {
        var rows: [ArraySlice<Cluster>] = []
        var rest = clusters[...]
        while true {
            var used = 0
            var end = rest.startIndex
            var wordEnd: Int?
            while end < rest.endIndex, used + Int(rest[end].width) <= max(columns, 2) {
                if rest[end] == .space { wordEnd = end }
                used += Int(rest[end].width)
                end += 1
            }
            guard end < rest.endIndex else { break }
            if rest[end] == .space { wordEnd = end }
            rows.append(rest[..<(wordEnd ?? end)])
            rest = rest[(wordEnd.map { $0 + 1 } ?? end)...]
        }
        rows.append(rest)
        return rows
    }
}
