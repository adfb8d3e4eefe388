/// What the tokens of models cost, as the user knows it: in millionths of a US dollar for a million of them.
public struct Price: Hashable, Sendable, Codable {
    /// The model's name; `*` stands for any text.
    public var model: String
    /// The first day it holds on; always if nil.
    public var since: UTCDay?
    public var input: Int
    public var output: Int
    /// Nobody knows if nil.
    public var cacheRead: Int?
    public var cacheWrite: Int?

    public init(
        model: String,
        since: UTCDay? = nil,
        input: Int,
        output: Int,
        cacheRead: Int? = nil,
        cacheWrite: Int? = nil
    ) {
        self.model = model
        self.since = since
        self.input = input
        self.output = output
        self.cacheRead = cacheRead
        self.cacheWrite = cacheWrite
    }
}
