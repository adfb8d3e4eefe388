import Core

/// The files that show what can be configured. They are in the repository, and a test holds them to the code.
public enum SettingSamples {
    /// `config.sample.json`: every key of the user's file with its default. A profile is shown as an example, because
    /// it has no default to be.
    public static var user: String {
        var settings = UserSettings()
        settings.profiles["script"] = AgentProfile(command: ["agent.sh"])
        return UserSettings.keys.shown(settings).pretty() + "\n"
    }

    /// `config.repository.sample.json`: every key of a repository's file with its default, likewise.
    public static var repository: String {
        var policy = RepositoryPolicy()
        policy.setup = Setup(command: ["make", "deps"])
        policy.verifiers = [Verifier(name: "test", command: ["make", "test"])]
        return RepositoryPolicy.keys.shown(policy).pretty() + "\n"
    }

    /// A JSON schema of the user's file, for editors.
    public static var userSchema: String { schema("orch: config.json", UserSettings.keys.map(\.description)) }

    /// A JSON schema of a repository's file.
    public static var repositorySchema: String {
        schema("orch: .orch/config.json", RepositoryPolicy.keys.map(\.description))
    }

    private static func schema(_ title: String, _ keys: [SettingDescription]) -> String {
        guard case .object(let members) = object(keys) else { preconditionFailure("an object is described by one") }
        let head = [
            SettingValue.Member(key: "$schema", value: .string("https://json-schema.org/draft/2020-12/schema")),
            SettingValue.Member(key: "title", value: .string(title)),
        ]
        return SettingValue.object(head + members).pretty() + "\n"
    }

    private static func object(_ keys: [SettingDescription]) -> SettingValue {
        let required = keys.filter(\.isRequired).map(\.name)
        var members: [SettingValue.Member] = [
            .init(key: "type", value: .string("object")),
            .init(
                key: "properties",
                value: .object(keys.map { .init(key: $0.name, value: property($0)) })
            ),
        ]
        if !required.isEmpty { members.append(.init(key: "required", value: .strings(required))) }
        members.append(.init(key: "additionalProperties", value: .bool(false)))
        return .object(members)
    }

    private static func property(_ key: SettingDescription) -> SettingValue {
        guard case .object(let members) = type(key.kind) else {
            preconditionFailure("a type is described by an object")
        }
        let optional = members.map { member in
            guard key.isOptional, member.key == "type", case .string = member.value else { return member }
            return SettingValue.Member(key: "type", value: .list([member.value, .string("null")]))
        }
        return .object([.init(key: "description", value: .string(key.documentation))] + optional)
    }

    private static func type(_ kind: SettingDescription.Kind) -> SettingValue {
        let text = SettingValue.object(["type": .string("string")])
        switch kind {
        case .integer(let range):
            return .object([
                "type": .string("integer"), "minimum": .integer(range.lowerBound),
                "maximum": .integer(range.upperBound),
            ])
        case .dollars:
            return .object([
                "type": .string("number"), "minimum": .integer(0), "maximum": .dollars(Dollars.maximum),
            ])
        case .boolean: return .object(["type": .string("boolean")])
        case .text: return text
        case .duration:
            return .object([
                "type": .string("string"), "pattern": .string("^(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?$"),
            ])
        case .size:
            return .object(["type": .string("string"), "pattern": .string("^\\d+([KMGT]i)?B$")])
        case .choice(let words): return .object(["type": .string("string"), "enum": .strings(words)])
        case .strings(let atLeastOne):
            return .object(["type": .string("array"), "items": text, "minItems": .integer(atLeastOne ? 1 : 0)])
        case .stringMap: return .object(["type": .string("object"), "additionalProperties": text])
        case .stringLists:
            return .object([
                "type": .string("object"),
                "additionalProperties": .object(["type": .strings(["string", "array"]), "items": text]),
            ])
        case .object(let keys): return object(keys)
        case .map(let keys): return .object(["type": .string("object"), "additionalProperties": object(keys)])
        case .list(let keys): return .object(["type": .string("array"), "items": object(keys)])
        }
    }
}
