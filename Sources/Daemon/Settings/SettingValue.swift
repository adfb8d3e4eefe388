import Core

/// What a setting is set to, as it is shown: JSON whose objects keep their order.
enum SettingValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    /// In millionths of a US dollar; shown as a number of dollars.
    case dollars(Int)
    case string(String)
    indirect case list([SettingValue])
    indirect case object([Member])

    struct Member: Hashable, Sendable {
        let key: String
        let value: SettingValue
    }

    static func object(_ members: KeyValuePairs<String, SettingValue>) -> SettingValue {
        .object(members.map { Member(key: $0.key, value: $0.value) })
    }

    static func strings(_ strings: [String]) -> SettingValue { .list(strings.map(SettingValue.string)) }

    /// In one line.
    var compact: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .dollars(let amount): Dollars.exact(amount)
        case .string(let text): Self.escaped(text)
        case .list(let values): "[" + values.map(\.compact).joined(separator: ", ") + "]"
        case .object(let members) where members.isEmpty: "{}"
        case .object(let members):
            "{" + members.map { Self.escaped($0.key) + ": " + $0.value.compact }.joined(separator: ", ") + "}"
        }
    }

    /// With a line for each member of an object, and lists of plain values in one.
    func pretty(indent: Int = 0) -> String {
        let inner = String(repeating: " ", count: indent + 2)
        let outer = String(repeating: " ", count: indent)
        switch self {
        case .object(let members) where !members.isEmpty:
            let lines = members.map { inner + Self.escaped($0.key) + ": " + $0.value.pretty(indent: indent + 2) }
            return "{\n" + lines.joined(separator: ",\n") + "\n" + outer + "}"
        case .list(let values) where values.contains(where: \.isObject):
            let lines = values.map { inner + $0.pretty(indent: indent + 2) }
            return "[\n" + lines.joined(separator: ",\n") + "\n" + outer + "]"
        case .null, .bool, .integer, .dollars, .string, .list, .object:
            return compact
        }
    }

    private var isObject: Bool {
        if case .object = self { true } else { false }
    }

    static func escaped(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
