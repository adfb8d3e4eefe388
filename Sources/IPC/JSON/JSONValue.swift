/// One JSON value. Numbers written without fraction or exponent that fit 64 bits stay integers.
public enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// The value as the type named, or nil when it is of another kind.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The integer, also when it was written as `3.0`; nil for everything else.
    public var intValue: Int? {
        switch self {
        case .int(let value): Int(value)
        case .double(let value): Int(exactly: value)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The number, integer or not.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// The string, or nil when the value is of another kind.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    /// The elements, or nil when the value is of another kind.
    public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    /// The members, or nil when the value is of another kind.
    public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The member of that name; nil when there is none or this is not an object.
    public subscript(key: String) -> JSONValue? {
        if case .object(let object) = self { object[key] } else { nil }
    }
}

// MARK: Literals, so that messages read as JSON does

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }

    /// An integer.
    public init(_ value: Int) { self = .int(Int64(value)) }
    /// An array of strings.
    public init(_ values: some Sequence<String>) { self = .array(values.map(JSONValue.string)) }
}

extension JSONValue: CustomStringConvertible {
    /// The value as it would be written on the wire.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
