import Core

/// What usage costs: as its agent says; where it does not, as the configured prices say; else nobody knows.
struct PriceTable: Sendable {
    private let prices: [Price]

    init(_ prices: [Price]) { self.prices = prices }

    /// What a run has used so far, and what that cost.
    ///
    /// - Parameters:
    ///   - model: of an agent that does not say which it uses.
    ///   - day: on which the run began: what it has used is not priced anew while it goes on.
    func usage(_ report: UsageReport, model: String? = nil, on day: UTCDay) -> Usage {
        report.models.reduce(Usage()) { sum, part in
            let name = part.key.isEmpty ? model ?? "" : part.key
            guard let pending = part.value.pending else { return sum + usage(part.value, of: name, on: day) }
            var told = part.value
            told.tokens = told.tokens - pending
            var open = usage(UsageReport.OfModel(tokens: pending), of: name, on: day)
            // Somebody will know.
            if report.isFinal != true { open.unpriced = 0 }
            return sum + usage(told, of: name, on: day) + open
        }
    }

    private func usage(_ used: UsageReport.OfModel, of model: String, on day: UTCDay) -> Usage {
        let tokens = used.tokens
        if let cost = used.cost { return Usage(tokens: tokens, cost: cost) }
        guard let price = price(of: model, on: day) else { return Usage(tokens: tokens, unpriced: tokens.total) }
        let parts = [
            (tokens.input, price.input), (tokens.output, price.output), (tokens.cacheRead, price.cacheRead),
            (tokens.cacheWrite, price.cacheWrite),
        ]
        // Exact up to here: what is left of a millionth is rounded once.
        let sum = parts.reduce(Int128(0)) { $0 + Int128($1.0) * Int128($1.1 ?? 0) }
        let cost = Int(clamping: (sum + 500_000) / 1_000_000)
        let unpriced = parts.reduce(0) { $1.1 == nil ? $0 + $1.0 : $0 }
        return Usage(tokens: tokens, cost: cost, estimated: cost, unpriced: unpriced)
    }

    /// Of those that fit and hold on that day: the longest pattern, and of one pattern the newest price.
    private func price(of model: String, on day: UTCDay) -> Price? {
        prices.filter { ($0.since.map { $0 <= day } ?? true) && Self.fits($0.model, model) }.max { a, b in
            if a.model.utf8.count != b.model.utf8.count { return a.model.utf8.count < b.model.utf8.count }
            return (a.since ?? UTCDay(number: .min)) < (b.since ?? UTCDay(number: .min))
        }
    }

    /// `*` stands for any text. Goes back to the last star alone, so that it takes no longer than both lengths multiplied.
    static func fits(_ pattern: String, _ name: String) -> Bool {
        let (pattern, name) = (Array(pattern.utf8), Array(name.utf8))
        let star = UInt8(ascii: "*")
        var (p, n) = (0, 0)
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == star {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == name[n] {
                (p, n) = (p + 1, n + 1)
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, n) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == star }
    }
}
