/// A place in a file. Lines and columns count from 1, columns in Unicode scalars.
struct DocumentPlace: Hashable, Sendable {
    var line = 1
    var column = 1
}

/// A value in a JSON or YAML file, with its place.
struct DocumentNode: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case null
        case bool(Bool)
        /// As it is spelled: `1.10` and `0x1F` keep their text.
        case number(String)
        case string(String)
        case list([DocumentNode])
        /// In the order of the file. Keys that come twice are here once, as they were first.
        case object([DocumentMember])
    }

    let place: DocumentPlace
    let value: Value

    /// What it is, for a sentence: `a number`.
    var kind: String {
        switch value {
        case .null: "nothing"
        case .bool(let value): value ? "true" : "false"
        case .number: "a number"
        case .string: "a string"
        case .list: "a list"
        case .object: "an object"
        }
    }
}

/// A key and its value.
struct DocumentMember: Hashable, Sendable {
    let key: String
    let place: DocumentPlace
    let value: DocumentNode
}
