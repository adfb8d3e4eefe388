import Core
import IPC

// What agents used, and what they may.

extension Gateway {
    func listCosts(_ params: Params, _ reply: Reply) throws(RPCError) {
        let name = try params.optionalString("by") ?? Store.CostKey.ticket.rawValue
        guard let key = Store.CostKey(rawValue: name) else {
            let known = Store.CostKey.allCases.map { quoted($0.rawValue) }.joined(separator: ", ")
            throw RPCError(.invalidParams, "costs cannot be listed by \(quoted(name)); there are \(known)")
        }
        let since = try day(try params.optionalString("since"))
        look(reply) { [effects, store] view in
            effects.read {
                reply(
                    Self.result {
                        let costs = try store.costs(by: key, since: since)
                        let rows = costs.map { part -> JSONValue in
                            ["key": .string(part.key), "runs": JSONValue(part.runs), "usage": .object(part.usage.row)]
                        }
                        var result: JSONObject = [
                            "by": .string(key.rawValue), "costs": .array(rows),
                            "total": .object(costs.reduce(Usage()) { $0 + $1.usage }.row),
                        ]
                        for (key, value) in view.rows.spent(view.core.spent) { result[key] = value }
                        result["budgets"] = view.core.limits.budgets.row.map(JSONValue.object)
                        return .object(result)
                    }
                )
            }
        }
    }

    private func day(_ text: String?) throws(RPCError) -> UTCDay? {
        guard let text else { return nil }
        guard let day = UTCDay(text) else {
            throw RPCError(.invalidParams, "since is \(quoted(text)), which is no day; write one such as 2026-01-31")
        }
        return day
    }

    /// What is not named is as it is configured.
    func giveBudget(_ params: Params, _ reply: Reply) throws(RPCError) {
        let budget = Allowance(cost: try params.optionalDollars("usd"), tokens: try params.optionalInt("tokens"))
        ask(of: try params.string("ticket"), reply) { .budgetGiven($0, budget) }
    }
}
