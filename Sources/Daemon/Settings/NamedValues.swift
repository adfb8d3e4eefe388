import Core

// Settings whose names the user chooses.

extension SettingReader {
    /// Environment variables for a child.
    mutating func variables(_ node: DocumentNode) -> [String: String]? {
        guard case .object(let members) = node.value else {
            noteKind(node, write: "an object of strings, `{ \"NAME\": \"value\" }`")
            return nil
        }
        var result: [String: String] = [:]
        for member in members {
            let name = member.key
            let isName =
                name.utf8.first.map { !(0x30...0x39).contains($0) } == true
                && name.utf8.allSatisfy {
                    $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20)
                }
            if !isName {
                note(member.place, "\(key): \(quoted(name)) is no name of a variable: letters, digits and `_`")
            } else if name.hasPrefix("ORCH_") {
                note(member.place, "\(key): \(quoted(name)) is orch's own to set; choose another name")
            } else if let value = text(member.value, write: "the value of \(quoted(name)) as a string in double quotes")
            {
                result[name] = value
            }
        }
        return result
    }

    /// A string or a list of strings for each name; where each stands is noted.
    mutating func stringLists(_ node: DocumentNode) -> [String: [String]]? {
        guard case .object(let members) = node.value else {
            noteKind(node, write: "an object, `{ \"name\": \"value\" }`")
            return nil
        }
        var result: [String: [String]] = [:]
        for member in members {
            result[member.key] = within(member.key) { reader in
                reader.tookName(member)
                let write = "a string, or a list of strings"
                guard case .string = member.value.value else {
                    return reader.readList(member.value, write: write) { reader, node in
                        reader.took(node)
                        return reader.text(node)
                    }
                }
                // As if it stood in a list.
                reader.within("[0]") { $0.took(member.value) }
                return reader.text(member.value, write: write).map { [$0] }
            }
        }
        return result
    }
}
