/// What stands in the place of a secret's value: `[secret NAME]`.
public enum SecretMark {
    private static let beginning = "[secret "

    public static func text(_ name: String) -> String { "\(beginning)\(name)]" }

    /// Whether a text may have held one. A name that really reads so is taken for one, too.
    public static func isIn(_ text: String) -> Bool { text.contains(beginning) }
}
