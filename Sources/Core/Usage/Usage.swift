/// Tokens that were counted, each in one place alone.
public struct Tokens: Equatable, Sendable, Codable {
    /// Read anew: without what came from, or went into, a cache.
    public var input: Int
    public var output: Int
    public var cacheRead: Int
    public var cacheWrite: Int

    public init(input: Int = 0, output: Int = 0, cacheRead: Int = 0, cacheWrite: Int = 0) {
        self.input = input
        self.output = output
        self.cacheRead = cacheRead
        self.cacheWrite = cacheWrite
    }

    public var total: Int { input + output + cacheRead + cacheWrite }

    public static func + (a: Self, b: Self) -> Self {
        Tokens(
            input: a.input + b.input,
            output: a.output + b.output,
            cacheRead: a.cacheRead + b.cacheRead,
            cacheWrite: a.cacheWrite + b.cacheWrite
        )
    }

    public static func - (a: Self, b: Self) -> Self {
        Tokens(
            input: a.input - b.input,
            output: a.output - b.output,
            cacheRead: a.cacheRead - b.cacheRead,
            cacheWrite: a.cacheWrite - b.cacheWrite
        )
    }
}

/// What agents used, and what that cost as far as anybody knows. Adds up.
public struct Usage: Equatable, Sendable, Codable {
    public var tokens: Tokens
    /// In millionths of a US dollar: what agents reported, and estimates.
    public var cost: Int
    /// The part of `cost` that was worked out from the price table.
    public var estimated: Int
    /// Tokens whose cost nobody knows: neither the agent nor the price table says.
    public var unpriced: Int

    public init(tokens: Tokens = Tokens(), cost: Int = 0, estimated: Int = 0, unpriced: Int = 0) {
        self.tokens = tokens
        self.cost = cost
        self.estimated = estimated
        self.unpriced = unpriced
    }

    public static func + (a: Self, b: Self) -> Self {
        Usage(
            tokens: a.tokens + b.tokens,
            cost: a.cost + b.cost,
            estimated: a.estimated + b.estimated,
            unpriced: a.unpriced + b.unpriced
        )
    }

    public static func - (a: Self, b: Self) -> Self {
        Usage(
            tokens: a.tokens - b.tokens,
            cost: a.cost - b.cost,
            estimated: a.estimated - b.estimated,
            unpriced: a.unpriced - b.unpriced
        )
    }
}
