import Foundation
import IPC
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null],"c":{"x":-0.5}}"#, "[]", "{}", #""""#, "9223372036854775807",
        "-9223372036854775808", #""tab\tquote\"slash/back\\ é 😀""#, "1e+16", "0.1", "-0.0",
        #"{"\u2028\u2029\u009b\u0000\u007f":"\b\f\n\r"}"#,
    ])
    func whatIsReadIsWrittenTheSame(_ text: String) throws {
        #expect(try JSONValue(parsing: text).description == text)
    }

    @Test func integersStayIntegersAndTheRestAreDoubles() throws {
        #expect(
            try JSONValue(parsing: "[1, -0, 1.0, 1e2, 9223372036854775808]") == [
                .int(1), .int(0), .double(1), .double(100), .double(9_223_372_036_854_775_808),
            ]
        )
        #expect(JSONValue.double(3).intValue == 3)
        #expect(JSONValue.double(3.5).intValue == nil)
    }

    @Test func textOfOthersIsMended() throws {
        let text = #"{"a":"x\ud83dy","b":"\ud83d\ude00","c":"\ud83d\u0041\udc00","d":"?"}"#
        var bytes = Array(text.utf8)
        bytes[bytes.lastIndex(of: UInt8(ascii: "?"))!] = 0xFF
        #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
        #expect(
            try JSONValue(mending: bytes[...])
                == ["a": "x\u{FFFD}y", "b": "\u{1F600}", "c": "\u{FFFD}A\u{FFFD}", "d": "\u{FFFD}"]
        )
        #expect(throws: JSONError.self) { try JSONValue(mending: bytes.dropLast()) }
    }

    @Test func escapesAreRead() throws {
        #expect(try JSONValue(parsing: #""\u0041\/\ud83d\ude00\u00e9\"""#) == "A/😀é\"")
    }

    @Test func aRepeatedNameKeepsItsPlaceAndTakesTheLastValue() throws {
        #expect(try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#).description == #"{"a":3,"b":2}"#)
    }

    @Test(arguments: [
        "", " ", "nul", "tru", "[1,]", "[1", "{", #"{"a"}"#, #"{"a":}"#, #"{a:1}"#, "01", "-", "1.", "1e", ".5", "+1",
        #"""#, #""\x""#, #""\u12"#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "\"\u{1}\"", "1 2", "1e999",
        "[1] x", "\"a\nb\"", #"{"a":1,}"#, "'a'", "NaN",
    ])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        for bytes in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]] {
            #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22] + bytes + [0x22]) }
        }
    }

    @Test func nestingIsBounded() throws {
        let deepest = JSONValue.maximumDepth
        _ = try JSONValue(parsing: String(repeating: "[", count: deepest) + String(repeating: "]", count: deepest))
        #expect(throws: JSONError.self) {
            try JSONValue(parsing: String(repeating: #"{"a":"#, count: 1_000_000))
        }
        #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "[", count: 1_000_000)) }
    }

    @Test func nothingInvalidIsEverWritten() throws {
        #expect(
            JSONValue.array([.double(.nan), .double(.infinity), .double(-.infinity)]).description == "[null,null,null]"
        )
        var everything = ""
        for scalar in 0...0x3000 {
            if let scalar = Unicode.Scalar(UInt32(scalar)) { everything.unicodeScalars.append(scalar) }
        }
        let bytes = JSONValue.string(everything).bytes
        #expect(try JSONDecoder().decode([String].self, from: Data([0x5B] + bytes + [0x5D])) == [everything])
        #expect(try JSONValue(parsing: bytes) == .string(everything))
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            #expect(!(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)))
            #expect(scalar.value != 0x2028 && scalar.value != 0x2029)
        }
    }

    @Test func randomBytesNeverCrashAndAgreeWithFoundation() {
        var random = SplitMix(state: 1)
        let alphabet = Array(#"{}[]",:\u0123456789eE+-. truefalsn"#.utf8) + [0x0A, 0xC3, 0xA9, 0xFF]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...24, using: &random)).map { _ in alphabet.randomElement(using: &random)!
            }
            let ours = try? JSONValue(parsing: bytes)
            // Foundation also takes numbers that overflow, UTF-16 and an empty name twice; we are only ever stricter.
            if ours != nil {
                #expect(
                    (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil,
                    "\(String(decoding: bytes, as: UTF8.self))"
                )
            }
        }
    }

    @Test func anObjectKeepsOrderThroughManyChanges() {
        var random = SplitMix(state: 2)
        var object = JSONObject()
        var model: [(String, Int)] = []
        for step in 0..<20_000 {
            let key = "k\(Int.random(in: 0..<60, using: &random))"
            if Bool.random(using: &random) {
                object[key] = JSONValue(step)
                if let index = model.firstIndex(where: { $0.0 == key }) {
                    model[index].1 = step
                } else {
                    model.append((key, step))
                }
            } else {
                object[key] = nil
                model.removeAll { $0.0 == key }
            }
            guard object.count == model.count else { break }
        }
        #expect(object.map { $0.key } == model.map { $0.0 })
        #expect(object.map { $0.value.intValue } == model.map { $0.1 })
    }

    @Test func equalityDoesNotLookAtTheOrder() {
        #expect(["a": 1, "b": 2] as JSONObject == ["b": 2, "a": 1])
        #expect(["a": 1] as JSONObject != ["a": 1, "b": 2])
    }
}

@Suite struct CodingTests {
    static let ticket = TicketRow(
        id: "T-7",
        title: "Add avatar upload",
        repository: "r1",
        state: "running",
        reason: nil,
        stage: "work",
        agent: "agent-1",
        profile: "script",
        priority: 2,
        locks: ["src/avatar/**"],
        depends_on: [],
        branch: "agent-1/T-7-add-avatar-upload",
        worktree: nil,
        commit: nil,
        attempts: 1,
        run: "T-7.1",
        since: "2026-11-20T21:52:49.120Z",
        created: "2026-11-20T21:52:40.000Z",
        evidence: "1042 ticket.started"
    )

    @Test func aRowIsWrittenInItsDeclaredOrderWithoutWhatIsNil() throws {
        #expect(
            try JSONValue(encoding: Self.ticket).description
                == #"{"id":"T-7","title":"Add avatar upload","repository":"r1","state":"running","stage":"work","#
                + #""agent":"agent-1","profile":"script","priority":2,"locks":["src/avatar/**"],"depends_on":[],"#
                + #""branch":"agent-1/T-7-add-avatar-upload","attempts":1,"run":"T-7.1","#
                + #""since":"2026-11-20T21:52:49.120Z","created":"2026-11-20T21:52:40.000Z","#
                + #""evidence":"1042 ticket.started"}"#
        )
    }

    @Test func aRowComesBackAndUnknownMembersAreIgnored() throws {
        var object = try #require(JSONValue(encoding: Self.ticket).objectValue)
        object["colour"] = "green"
        object["reason"] = .null
        #expect(try JSONValue.object(object).decode(TicketRow.self) == Self.ticket)
        object["priority"] = "high"
        #expect(throws: DecodingError.self) { try JSONValue.object(object).decode(TicketRow.self) }
        object["priority"] = nil
        #expect(throws: DecodingError.self) { try JSONValue.object(object).decode(TicketRow.self) }
    }

    @Test(arguments: ["title", "stage", "priority", "comments", "blocked", "checks"])
    func whatDoesNotFitIsNamed(_ member: String) throws {
        var object = try #require(JSONValue(encoding: Self.ticket).objectValue)
        object[member] = ["nothing", "of", "the", "kind"]
        let error = try #require(throws: DecodingError.self) { try JSONValue.object(object).decode(TicketRow.self) }
        guard case .typeMismatch(_, let context) = error else { throw error }
        #expect(context.codingPath.map(\.stringValue) == [member])
    }

    private struct Everything: Codable, Equatable {
        var bool = true
        var small: Int8 = -128
        var large: UInt64 = 1 << 62
        var ratio: Float = 0.5
        var double = -1.25
        var nested: [String: [Int?]] = ["a": [1, nil, 3]]
        var pairs = [[1, 2], []]
        var kind = Kind.second
        var range: Range<Int> = 1..<5
        enum Kind: String, Codable { case first, second }
    }

    @Test func everyKindOfValueComesBack() throws {
        let value = try JSONValue(encoding: Everything())
        #expect(try value.decode() == Everything())
        #expect(try JSONDecoder().decode(Everything.self, from: Data(value.bytes)) == Everything())
    }

    @Test func numbersThatDoNotFitAreRefused() {
        #expect(throws: DecodingError.self) { try JSONValue.int(300).decode(UInt8.self) }
        #expect(throws: DecodingError.self) { try JSONValue.double(0.5).decode(Int.self) }
        #expect(throws: DecodingError.self) { try (["a"] as JSONValue).decode([Int].self) }
    }
}

/// Members that are alike in much of what a search looks at first.
struct JSONMemberTests {
    @Test func membersAreFoundWhateverTheirNamesShare() {
        let names = ["", "a", "aa", "ab", "ba", "aXb", "aYb", "é", "漢字", "stale_since", "stale_until", "landing_place"]
        for count in 1...names.count {
            let object = JSONObject(names.prefix(count).map { ($0, .string($0)) })
            for (index, name) in names.enumerated() {
                #expect(object[name] == (index < count ? .string(name) : nil), "\(name) of \(count)")
            }
        }
    }
}
