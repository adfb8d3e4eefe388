/// What a key is, for the sample, the schema and the variables: everything but how it is read.
struct SettingDescription: Sendable {
    indirect enum Kind: Sendable {
        case integer(ClosedRange<Int>)
        /// Of US dollars.
        case dollars
        case boolean
        case text
        case duration
        case size
        case choice([String])
        case strings(atLeastOne: Bool)
        case stringMap
        /// Each a string, or a list of them.
        case stringLists
        case object([SettingDescription])
        case map([SettingDescription])
        case list([SettingDescription])
    }

    let name: String
    /// In a sentence.
    let documentation: String
    let kind: Kind
    var isRequired = false
    /// Whether `null` says the same as leaving it out.
    var isOptional = false
}
