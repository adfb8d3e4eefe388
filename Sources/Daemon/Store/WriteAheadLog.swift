import Glibc

/// SQLite's write-ahead log, looked at before SQLite does. SQLite reads the log up to the first frame whose checksum is
/// wrong, and takes the rest for never written. That is right for the end of a log that a crash has cut, and loses what
/// was stored when a frame in the middle is damaged. https://www.sqlite.org/fileformat2.html#the_write_ahead_log
enum WriteAheadLog {
    private static let headerSize = 32
    private static let frameHeader = 24

    /// One phrase; nil for a log that SQLite reads to its end, or that was cut within its last transaction.
    ///
    /// Every transaction is flushed to the disk before the next one begins, so a machine that crashed can have cut the last
    /// one alone. Two that are whole behind a frame that is not mean damage.
    static func problem(_ path: String) throws(StoreError) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, Int(status.st_size) >= headerSize else { return nil }
        let bytes = try DatabaseFile.read(path, count: Int(status.st_size), at: 0)
        let magic = bytes.bigEndian(at: 0)
        guard magic == 0x377f_0682 || magic == 0x377f_0683 else { return "it does not begin as a log does" }
        let isBigEndian = magic & 1 == 1
        var sum = Checksum(isBigEndian: isBigEndian)
        sum.add(bytes[0..<24])
        guard sum.first == bytes.bigEndian(at: 24), sum.second == bytes.bigEndian(at: 28) else {
            return "the checksum of its beginning is wrong"
        }
        let frame = frameHeader + Int(bytes.bigEndian(at: 8))
        let salt = bytes[16..<24]
        var offset = headerSize
        while offset + frame <= bytes.count {
            guard bytes[offset + 8..<offset + 16].elementsEqual(salt) else { return nil }
            sum.add(bytes[offset..<offset + 8])
            sum.add(bytes[offset + frameHeader..<offset + frame])
            guard sum.first == bytes.bigEndian(at: offset + 16), sum.second == bytes.bigEndian(at: offset + 20) else {
                break
            }
            offset += frame
        }
        // Behind the last good frame: how many transactions of this log end there?
        var ends = 0
        for offset in stride(from: offset, through: bytes.count - frame, by: frame)
        where bytes[offset + 8..<offset + 16].elementsEqual(salt) && bytes.bigEndian(at: offset + 4) != 0 {
            ends += 1
        }
        guard ends > 1 else { return nil }
        return
            "frame \((offset - headerSize) / frame + 1) is not what was written, and \(ends) transactions lie behind it"
    }

    private struct Checksum {
        let isBigEndian: Bool
        var first: UInt32 = 0
        var second: UInt32 = 0

        init(isBigEndian: Bool) { self.isBigEndian = isBigEndian }

        mutating func add(_ bytes: ArraySlice<UInt8>) {
            bytes.withUnsafeBytes { raw in
                for offset in stride(from: 0, to: raw.count, by: 8) {
                    first = first &+ word(raw, offset) &+ second
                    second = second &+ word(raw, offset + 4) &+ first
                }
            }
        }

        private func word(_ raw: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
            let value = raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            return isBigEndian ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
        }
    }
}
