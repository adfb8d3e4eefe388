extension JSONValue {
    /// The value of something Encodable: members in the order in which it encodes them, nil ones absent.
    public init(encoding value: some Encodable) throws {
        let encoder = ValueEncoder(codingPath: [])
        try value.encode(to: encoder)
        self = encoder.node.value
    }
}

/// An encoder of our own, because Foundation's sorts or shuffles the members, and would have its text parsed again.
private struct ValueEncoder: Encoder {
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// Where the value goes.
    var node = Node()

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if node.object == nil { node.object = JSONObject() }
        return KeyedEncodingContainer(KeyedEncoder<Key>(codingPath: codingPath, node: node))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if node.elements == nil { node.elements = [] }
        return UnkeyedEncoder(codingPath: codingPath, node: node)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer {
        SingleValueEncoder(codingPath: codingPath, node: node)
    }
}

/// What an encoder has been given so far; a reference, since containers outlive the call that made them.
private final class Node {
    var single = JSONValue.null
    var object: JSONObject?
    var elements: [JSONValue]?
    /// Containers still being filled, which take their place when all is done.
    var members: [(String, Node)] = []
    var nested: [(Int, Node)] = []

    var value: JSONValue {
        if var object {
            for (key, node) in members { object[key] = node.value }
            return .object(object)
        }
        guard var elements else { return single }
        for (index, node) in nested { elements[index] = node.value }
        return .array(elements)
    }

    func member(_ key: String) -> Node {
        let node = Node()
        members.append((key, node))
        return node
    }

    func element() -> Node {
        let node = Node()
        nested.append((elements?.count ?? 0, node))
        elements?.append(.null)
        return node
    }
}

extension Node {
    static func value(_ value: some BinaryInteger) -> JSONValue {
        Int64(exactly: value).map(JSONValue.int) ?? .double(Double(value))
    }

    static func value(_ value: some Encodable, _ path: [any CodingKey]) throws -> JSONValue {
        let encoder = ValueEncoder(codingPath: path)
        try value.encode(to: encoder)
        return encoder.node.value
    }
}

private struct KeyedEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let codingPath: [any CodingKey]
    let node: Node

    private func set(_ key: Key, _ value: JSONValue) { node.object?[key.stringValue] = value }
    func encodeNil(forKey key: Key) { set(key, .null) }
    func encode(_ value: Bool, forKey key: Key) { set(key, .bool(value)) }
    func encode(_ value: String, forKey key: Key) { set(key, .string(value)) }
    func encode(_ value: Double, forKey key: Key) { set(key, .double(value)) }
    func encode(_ value: Float, forKey key: Key) { set(key, .double(Double(value))) }
    func encode(_ value: Int, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: Int8, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: Int16, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: Int32, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: Int64, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: UInt, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: UInt8, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: UInt16, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: UInt32, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: UInt64, forKey key: Key) { set(key, Node.value(value)) }
    func encode(_ value: some Encodable, forKey key: Key) throws {
        set(key, try Node.value(value, codingPath + [key]))
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        let child = node.member(key.stringValue)
        child.object = JSONObject()
        return KeyedEncodingContainer(KeyedEncoder<Nested>(codingPath: codingPath + [key], node: child))
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let child = node.member(key.stringValue)
        child.elements = []
        return UnkeyedEncoder(codingPath: codingPath + [key], node: child)
    }
    func superEncoder() -> any Encoder { ValueEncoder(codingPath: codingPath, node: node.member("super")) }
    func superEncoder(forKey key: Key) -> any Encoder {
        ValueEncoder(codingPath: codingPath + [key], node: node.member(key.stringValue))
    }
}

private struct UnkeyedEncoder: UnkeyedEncodingContainer {
    let codingPath: [any CodingKey]
    let node: Node
    var count: Int { node.elements?.count ?? 0 }

    private func add(_ value: JSONValue) { node.elements?.append(value) }
    func encodeNil() { add(.null) }
    func encode(_ value: Bool) { add(.bool(value)) }
    func encode(_ value: String) { add(.string(value)) }
    func encode(_ value: Double) { add(.double(value)) }
    func encode(_ value: Float) { add(.double(Double(value))) }
    func encode(_ value: Int) { add(Node.value(value)) }
    func encode(_ value: Int8) { add(Node.value(value)) }
    func encode(_ value: Int16) { add(Node.value(value)) }
    func encode(_ value: Int32) { add(Node.value(value)) }
    func encode(_ value: Int64) { add(Node.value(value)) }
    func encode(_ value: UInt) { add(Node.value(value)) }
    func encode(_ value: UInt8) { add(Node.value(value)) }
    func encode(_ value: UInt16) { add(Node.value(value)) }
    func encode(_ value: UInt32) { add(Node.value(value)) }
    func encode(_ value: UInt64) { add(Node.value(value)) }
    func encode(_ value: some Encodable) throws { add(try Node.value(value, codingPath)) }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        let child = node.element()
        child.object = JSONObject()
        return KeyedEncodingContainer(KeyedEncoder<Nested>(codingPath: codingPath, node: child))
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let child = node.element()
        child.elements = []
        return UnkeyedEncoder(codingPath: codingPath, node: child)
    }
    func superEncoder() -> any Encoder { ValueEncoder(codingPath: codingPath, node: node.element()) }
}

private struct SingleValueEncoder: SingleValueEncodingContainer {
    let codingPath: [any CodingKey]
    let node: Node

    func encodeNil() { node.single = .null }
    func encode(_ value: Bool) { node.single = .bool(value) }
    func encode(_ value: String) { node.single = .string(value) }
    func encode(_ value: Double) { node.single = .double(value) }
    func encode(_ value: Float) { node.single = .double(Double(value)) }
    func encode(_ value: Int) { node.single = Node.value(value) }
    func encode(_ value: Int8) { node.single = Node.value(value) }
    func encode(_ value: Int16) { node.single = Node.value(value) }
    func encode(_ value: Int32) { node.single = Node.value(value) }
    func encode(_ value: Int64) { node.single = Node.value(value) }
    func encode(_ value: UInt) { node.single = Node.value(value) }
    func encode(_ value: UInt8) { node.single = Node.value(value) }
    func encode(_ value: UInt16) { node.single = Node.value(value) }
    func encode(_ value: UInt32) { node.single = Node.value(value) }
    func encode(_ value: UInt64) { node.single = Node.value(value) }
    func encode(_ value: some Encodable) throws { node.single = try Node.value(value, codingPath) }
}
