/// Titles of which each can be told from all others by its first eight letters, and in which no letter is repeated, so
/// that a terminal is sent them as they are.
enum Titles {
    private static let consonants = Array("bdfghklmnprstvwj")
    private static let vowels = Array("aeio")

    static func mark(_ number: Int) -> String {
        var rest = number
        var text = "zu"
        for _ in 0..<3 {
            text.append(consonants[rest % 16])
            text.append(vowels[rest / 16 % 4])
            rest /= 64
        }
        return text
    }

    static func title(_ number: Int) -> String { mark(number) + " is to be done as soon as there is time for it" }
}
