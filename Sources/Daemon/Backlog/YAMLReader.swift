import CYaml
import Core

/// Reads YAML as far as tickets need it, from the parser inside Yams.
///
/// Yams' own composer would do for files of good will. It stops at the first key that comes twice, compares keys that
/// are whole structures (which a file of a kilobyte can make take for ever), and tells kinds by YAML 1.1, where `no`
/// is false. This reader tells kinds by the core schema of YAML 1.2, bounds depth and size however often an alias
/// repeats them, and has places for everything.
struct YAMLReader {
    /// What a file holds: as many documents as could be read, and everything that is wrong.
    struct Outcome {
        var documents: [DocumentNode] = []
        var problems: [(place: DocumentPlace, message: String)] = []
    }

    static let maximumDepth = 64
    /// How many values a file may have, counting what aliases stand for each time.
    static let maximumNodes = 2_000_000

    static func read(_ source: SourceText) -> Outcome {
        source.bytes.withUnsafeBufferPointer { buffer in
            let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
            defer { parser.deallocate() }
            guard yaml_parser_initialize(parser) == 1 else { preconditionFailure("out of memory") }
            defer { yaml_parser_delete(parser) }
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            var reader = YAMLReader(parser: parser, source: source)
            do throws(Stop) {
                try reader.readStream()
            } catch {
                reader.outcome.problems.append((error.place, error.message))
            }
            return reader.outcome
        }
    }

    /// What ends the reading of a file.
    private struct Stop: Error {
        let place: DocumentPlace
        let message: String
    }

    private struct Anchored {
        let value: DocumentNode.Value
        let nodes: Int
    }

    /// Valid as long as `read` runs.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let source: SourceText
    private var outcome = Outcome()
    private var anchors: [String: Anchored] = [:]
    private var nodes = 0
    private var depth = 0

    private init(parser: UnsafeMutablePointer<yaml_parser_t>, source: SourceText) {
        self.parser = parser
        self.source = source
    }

    // MARK: Events

    private enum Event {
        case alias(String)
        case scalar(text: String, isPlain: Bool, tag: String?, anchor: String?)
        case sequenceStart(tag: String?, anchor: String?)
        case mappingStart(tag: String?, anchor: String?)
        case end
        case documentStart, streamEnd, other
    }

    private func next() throws(Stop) -> (event: Event, place: DocumentPlace) {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
        defer { yaml_event_delete(&raw) }
        let place = Self.place(raw.start_mark)
        func text(_ characters: UnsafeMutablePointer<yaml_char_t>?) -> String? {
            characters.map { String(cString: UnsafePointer($0)) }
        }
        switch raw.type {
        case YAML_ALIAS_EVENT:
            return (.alias(text(raw.data.alias.anchor) ?? ""), place)
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return (
                .scalar(
                    text: String(decoding: bytes, as: UTF8.self),
                    isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                    tag: text(scalar.tag),
                    anchor: text(scalar.anchor)
                ), place
            )
        case YAML_SEQUENCE_START_EVENT:
            let start = raw.data.sequence_start
            return (.sequenceStart(tag: text(start.tag), anchor: text(start.anchor)), place)
        case YAML_MAPPING_START_EVENT:
            let start = raw.data.mapping_start
            return (.mappingStart(tag: text(start.tag), anchor: text(start.anchor)), place)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return (.end, place)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, place)
        case YAML_STREAM_END_EVENT: return (.streamEnd, place)
        default: return (.other, place)
        }
    }

    private static func place(_ mark: yaml_mark_t) -> DocumentPlace {
        DocumentPlace(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    // MARK: Nodes

    private mutating func readStream() throws(Stop) {
        while true {
            switch try next().event {
            case .streamEnd: return
            case .documentStart:
                anchors = [:]
                let (event, place) = try next()
                outcome.documents.append(try node(event, place))
            case .alias, .scalar, .sequenceStart, .mappingStart, .end, .other: break
            }
        }
    }

    private mutating func count(_ more: Int, at place: DocumentPlace) throws(Stop) {
        nodes += more
        guard nodes <= Self.maximumNodes else {
            throw Stop(place: place, message: "the file has more than \(Self.maximumNodes) values; split it")
        }
    }

    private mutating func node(_ event: Event, _ place: DocumentPlace) throws(Stop) -> DocumentNode {
        if case .alias(let name) = event {
            guard let anchored = anchors[name] else {
                throw Stop(place: place, message: "there is no anchor \(quoted("&" + name)) before this; \(quoteStars)")
            }
            try count(anchored.nodes, at: place)
            return DocumentNode(place: place, value: anchored.value)
        }
        let before = nodes
        try count(1, at: place)
        let (value, anchor) = try newValue(event, place)
        if let anchor { anchors[anchor] = Anchored(value: value, nodes: nodes - before) }
        return DocumentNode(place: place, value: value)
    }

    private mutating func newValue(
        _ event: Event,
        _ place: DocumentPlace
    ) throws(Stop) -> (value: DocumentNode.Value, anchor: String?) {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw Stop(place: place, message: Self.tooDeep) }
        switch event {
        case .scalar(let text, let isPlain, let tag, let anchor):
            return (YAMLScalar.value(text, isPlain: isPlain, tag: checked(tag, place)), anchor)
        case .sequenceStart(let tag, let anchor):
            _ = checked(tag, place)
            return (.list(try elements()), anchor)
        case .mappingStart(let tag, let anchor):
            _ = checked(tag, place)
            return (.object(try members()), anchor)
        case .alias, .end, .documentStart, .streamEnd, .other:
            preconditionFailure("the parser gave \(event) where a value begins")
        }
    }

    private mutating func elements() throws(Stop) -> [DocumentNode] {
        var elements: [DocumentNode] = []
        while true {
            let (event, place) = try next()
            if case .end = event { return elements }
            elements.append(try node(event, place))
        }
    }

    private mutating func members() throws(Stop) -> [DocumentMember] {
        var members: [DocumentMember] = []
        var lines: [String: Int] = [:]
        while true {
            let (event, place) = try next()
            if case .end = event { return members }
            let keyText: String? = if case .scalar(let text, _, _, _) = event { text } else { nil }
            let key = try node(event, place)
            let (valueEvent, valuePlace) = try next()
            let value = try node(valueEvent, valuePlace)
            if let keyText {
                if let line = lines[keyText] {
                    let message = "the key \(quoted(keyText)) is here twice, first in line \(line); keep one"
                    outcome.problems.append((place, message))
                } else {
                    lines[keyText] = place.line
                    members.append(DocumentMember(key: keyText, place: place, value: value))
                }
            } else {
                outcome.problems.append((place, "a key is \(key.kind); keys are plain names"))
            }
        }
    }

    /// A tag this reader knows; notes others.
    private mutating func checked(_ tag: String?, _ place: DocumentPlace) -> String? {
        guard let tag else { return nil }
        let known = ["str", "int", "float", "bool", "null", "seq", "map"].map { "tag:yaml.org,2002:" + $0 } + ["!"]
        if known.contains(tag) { return tag }
        let message = "the tag \(quoted(tag)) is not known; put text that starts with `!` into quotes"
        outcome.problems.append((place, message))
        return nil
    }

    // MARK: Errors

    private static let tooDeep = "this is nested too deeply"
    private let quoteStars = "put a pattern that starts with `*` into quotes, as in `\"**/*.md\"`"

    /// What the parser says, and what it mostly means.
    private func failure() -> Stop {
        let raw = parser.pointee
        let problem = raw.problem.map { String(cString: $0) } ?? "unknown error"
        if raw.error == YAML_READER_ERROR {
            let place = SourceText.place(at: source.bytes.startIndex + Int(raw.problem_offset), in: source.bytes)
            let value = raw.problem_value >= 0 ? " (\(hex(raw.problem_value)))" : ""
            return Stop(place: place, message: "not YAML: \(problem)\(value)")
        }
        let place = Self.place(raw.problem_mark)
        if problem.hasPrefix("Maximum nesting level") { return Stop(place: place, message: Self.tooDeep) }
        let context = raw.context.map { String(cString: $0) }
        let hint = hint(problem: problem, context: context, place: place)
        let since = context.map {
            " \($0)" + (raw.context_mark.line > 0 ? " that began in line \(raw.context_mark.line + 1)" : "")
        }
        return Stop(place: place, message: "not YAML: \(problem)\(since ?? "")\(hint.map { "; " + $0 } ?? "")")
    }

    private func hex(_ value: Int32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private func hint(problem: String, context: String?, place: DocumentPlace) -> String? {
        if context == "while scanning an alias" { return quoteStars }
        if context == "while scanning an anchor" { return "put text that starts with `&` into quotes" }
        if problem.hasPrefix("mapping values are not allowed") {
            return "put a text that contains `: ` into quotes"
        }
        if problem.hasPrefix("found a tab character") { return "indent with spaces, not with tabs" }
        guard problem == "found character that cannot start any token" else { return nil }
        switch character(at: place) {
        case "\t": return "indent with spaces, not with tabs"
        case let character?: return "put text that starts with `\(character)` into quotes"
        case nil: return nil
        }
    }

    private func character(at place: DocumentPlace) -> Character? {
        let lines = source.bytes.split(
            separator: UInt8(ascii: "\n"),
            maxSplits: place.line,
            omittingEmptySubsequences: false
        )
        guard place.line <= lines.count else { return nil }
        let scalars = String(decoding: lines[place.line - 1], as: UTF8.self).unicodeScalars
        return scalars.dropFirst(place.column - 1).first.map(Character.init)
    }
}

/// What a scalar is, by the core schema of YAML 1.2.
enum YAMLScalar {
    static func value(_ text: String, isPlain: Bool, tag: String?) -> DocumentNode.Value {
        if tag == "!" || tag?.hasSuffix(":str") == true || !isPlain && tag == nil { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        case _ where isNumber(text): return .number(text)
        default: return .string(text)
        }
    }

    static func isNumber(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66).contains(byte | 0x20) }
        if rest.starts(with: "0x".utf8) { return rest.count > 2 && rest.dropFirst(2).allSatisfy(isHexDigit) }
        if rest.starts(with: "0o".utf8) {
            return rest.count > 2 && rest.dropFirst(2).allSatisfy { (0x30...0x37).contains($0) }
        }
        if let sign = rest.first, sign == 0x2B || sign == 0x2D { rest.removeFirst() }
        if [".inf", ".Inf", ".INF"].contains(String(rest)) || [".nan", ".NaN", ".NAN"].contains(text) { return true }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            rest = rest.dropFirst(fraction.count + 1)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { return false }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if let sign = rest.first, sign == 0x2B || sign == 0x2D { rest.removeFirst() }
            return !rest.isEmpty && rest.allSatisfy(isDigit)
        }
        return rest.isEmpty
    }
}
