import Core
import Foundation
import Testing

@testable import Daemon

struct TimestampTests {
    @Test(arguments: [0, 1, 951_782_399_999, 1_795_212_769_120, 4_102_444_800_000, 253_402_300_799_999] as [Int64])
    func isWhatFoundationSays(milliseconds: Int64) {
        let date = Date(timeIntervalSince1970: Double(milliseconds / 1000))
        let seconds = date.formatted(.iso8601).dropLast()
        let fraction = String(String(milliseconds % 1000 + 1000).dropFirst())
        #expect(Timestamp.text(Instant(milliseconds: milliseconds)) == "\(seconds).\(fraction)Z")
    }

    @Test(arguments: [.min, -62_198_755_200_001, -1, .max] as [Int64])
    func aMomentBeyondReasonIsStillText(milliseconds: Int64) {
        #expect(Timestamp.text(Instant(milliseconds: milliseconds)).utf8.count == 24)
    }
}
