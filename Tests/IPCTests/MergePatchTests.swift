import IPC
import Testing

@Suite struct MergePatchTests {
    /// The examples of RFC 7386, appendix A.
    @Test(arguments: [
        (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
        (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
        (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
        (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
        (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
        (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"),
        (#"{"a":"foo"}"#, #""bar""#, #""bar""#), (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
        ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#), ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
    ])
    func applyFollowsTheRFC(_ target: String, _ patch: String, _ expected: String) throws {
        var value = try JSONValue(parsing: target)
        MergePatch.apply(try JSONValue(parsing: patch), to: &value)
        #expect(value == (try JSONValue(parsing: expected)))
    }

    @Test func aDifferenceNamesOnlyWhatChanged() throws {
        let from: JSONValue = [
            "tickets": ["T-1": ["state": "queued", "n": 1, "locks": ["a"]], "T-2": ["n": 2]], "x": 1,
        ]
        let to: JSONValue = [
            "tickets": ["T-1": ["state": "running", "n": 1, "locks": ["a"]], "T-3": ["n": 3]], "x": 1,
        ]
        #expect(
            MergePatch.diff(from: from, to: to)
                == ["tickets": ["T-1": ["state": "running"], "T-2": .null, "T-3": ["n": 3]]]
        )
        #expect(MergePatch.diff(from: from, to: from) == [:])
    }

    @Test func applyingADifferenceGivesTheOther() {
        var random = SplitMix(state: 3)
        for round in 0..<5000 {
            var from = JSONValue.object(object(&random, depth: 4))
            let to = JSONValue.object(object(&random, depth: 4))
            let patch = MergePatch.diff(from: from, to: to)
            #expect((patch == [:]) == (from == to))
            MergePatch.apply(patch, to: &from)
            #expect(from == to, "round \(round)")
            if from != to { return }
        }
    }

    /// Dropping any one member of a difference makes it wrong: none is smaller.
    @Test func noMemberOfADifferenceIsSuperfluous() {
        var random = SplitMix(state: 4)
        for _ in 0..<500 {
            let from = object(&random, depth: 2)
            let to = object(&random, depth: 2)
            let patch = MergePatch.diff(from: from, to: to)
            for key in patch.keys {
                var smaller = patch
                smaller[key] = nil
                var result = from
                MergePatch.apply(smaller, to: &result)
                #expect(result != to)
            }
        }
    }

    private func object(_ random: inout SplitMix, depth: Int) -> JSONObject {
        var object = JSONObject()
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            object["abcdef".randomElement(using: &random).map(String.init)!] = value(&random, depth: depth - 1)
        }
        return object
    }

    private func value(_ random: inout SplitMix, depth: Int) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 6 : 3), using: &random) {
        case 0: .int(Int64.random(in: 0...2, using: &random))
        case 1: .string(["x", "y"].randomElement(using: &random)!)
        case 2: .bool(Bool.random(using: &random))
        case 3: .array([value(&random, depth: depth - 1)])
        default: .object(object(&random, depth: depth))
        }
    }
}
