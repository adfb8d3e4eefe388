/// What a ticket may be called: letters, digits, `.`, `_` and `-`, in a way that is also good in a branch's name.
public enum TicketName {
    public static let maximumLength = 64

    /// What is wrong with an id, in a sentence; nil when nothing is.
    public static func problem(with id: String) -> String? {
        let utf8 = Array(id.utf8)
        guard let first = utf8.first else { return "the id is empty; leave it out to have one assigned" }
        for scalar in id.unicodeScalars where !isAllowed(scalar) {
            return "id \(quoted(id)) contains \(named(scalar)); \(rule)"
        }
        if !UInt8.ASCII.isAlphanumeric(first) {
            return "id \(quoted(id)) does not start with a letter or digit; \(rule)"
        }
        if utf8.count > maximumLength {
            return "id \(quoted(id)) has \(utf8.count) characters; at most \(maximumLength) are allowed"
        }
        for index in utf8.indices.dropFirst() where utf8[index] == dot && utf8[index - 1] == dot {
            return "id \(quoted(id)) contains `..`, which no branch can be called"
        }
        if utf8.last == dot { return "id \(quoted(id)) ends in `.`, which no branch can" }
        if utf8.suffix(5).elementsEqual(".lock".utf8) { return "id \(quoted(id)) ends in `.lock`, which no branch can" }
        return nil
    }

    private static let dot = UInt8(ascii: ".")
    private static let rule =
        "an id is up to \(maximumLength) letters, digits, `.`, `_` and `-`, and starts with a letter or digit"

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.isASCII else { return false }
        let byte = UInt8(truncatingIfNeeded: scalar.value)
        return UInt8.ASCII.isAlphanumeric(byte) || "._-".utf8.contains(byte)
    }
}

/// What an agent profile or a verifier may be called.
public enum ProfileName {
    public static let maximumLength = 64

    /// What is wrong with a name, in a sentence; nil when nothing is.
    public static func problem(with name: String) -> String? {
        guard let first = name.utf8.first else { return "the name is empty" }
        let good =
            UInt8.ASCII.isAlphanumeric(first) && name.utf8.count <= maximumLength
            && name.utf8.allSatisfy { UInt8.ASCII.isAlphanumeric($0) || "._-".utf8.contains($0) }
        return good
            ? nil
            : "\(quoted(name)) is not a name: up to \(maximumLength) letters, digits, `.`, `_` and `-`, "
                + "starting with a letter or digit"
    }
}

extension TicketDraft {
    /// What is wrong with a title, in a sentence; nil when nothing is.
    public static func problem(withTitle title: String) -> String? {
        if title.unicodeScalars.allSatisfy(\.properties.isWhitespace) {
            return "the title is empty; say in one line what is to be done"
        }
        for (index, scalar) in title.unicodeScalars.enumerated() {
            if scalar.value == 0x0A || scalar.value == 0x0D || scalar.isLineSeparator {
                return "the title has more than one line; put the rest into the description"
            }
            if scalar.isControl || scalar.isDirectionControl {
                return "the title contains \(named(scalar)) at character \(index + 1); remove it"
            }
        }
        let length = title.unicodeScalars.count
        guard length > maximumTitle else { return nil }
        return
            "the title has \(length) characters; at most \(maximumTitle) are allowed: put the rest into the description"
    }

    /// What is wrong with a description, in a sentence; nil when nothing is.
    public static func problem(withDescription description: String) -> String? {
        let bytes = description.utf8.count
        if bytes > maximumDescriptionBytes {
            return "the description has \(size(bytes)); at most 1 MiB is allowed: put long material into a file of the "
                + "repository"
        }
        // The description is handed to agents in files and in arguments, which end at a NUL.
        return description.utf8.contains(0) ? "the description contains a NUL; remove it" : nil
    }

    /// What is wrong with a priority, in a sentence; nil when nothing is.
    public static func problem(withPriority priority: Int) -> String? {
        priorities.contains(priority)
            ? nil
            : "priority \(priority) is out of range; it is a whole number from \(priorities.lowerBound) to "
                + "\(priorities.upperBound), higher first"
    }
}

/// A size as a person reads it: `10.0 MB`.
private func size(_ bytes: Int) -> String {
    if bytes < 10_000_000 { return "\(bytes) bytes" }
    let tenths = (bytes + 50_000) / 100_000
    return "\(tenths / 10).\(tenths % 10) MB"
}

/// A character by a name that can be read: `a space`, `/`, `U+001B (a control character)`.
private func named(_ scalar: Unicode.Scalar) -> String {
    switch scalar.value {
    case 0x20: "a space"
    case 0x09: "a tab"
    case 0x0A, 0x0D, 0x2028, 0x2029: "a line break"
    case 0x00: "a NUL"
    default:
        if scalar.isControl {
            "the control character \(codePoint(scalar.value))"
        } else if scalar.isDirectionControl {
            "the text direction control \(codePoint(scalar.value))"
        } else if scalar.properties.isWhitespace || scalar.properties.generalCategory == .format {
            "the invisible character \(codePoint(scalar.value))"
        } else {
            quoted(String(Character(scalar)))
        }
    }
}
