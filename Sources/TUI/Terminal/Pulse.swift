/// Tells that a ticket's run prints now and then, however often it does: what the screen says about it is no finer.
struct Pulse {
    static let milliseconds: Int64 = 5000
    /// Monotonic milliseconds, by ticket.
    private var last: [String: Int64] = [:]

    /// Inputs for one announcement: all there is for the ticket whose output is read, and else a sign of life.
    mutating func inputs(_ inputs: [Input], read: String?, now: Int64) -> [Input] {
        var told: [Input] = []
        for input in inputs {
            guard case .outputGrew(let run, _, _) = input, let dot = run.lastIndex(of: ".") else {
                told.append(input)
                continue
            }
            let ticket = String(run[..<dot])
            if ticket == read { told.append(input) }
            if now - (last[ticket] ?? -Self.milliseconds) >= Self.milliseconds {
                last[ticket] = now
                told.append(.printed(ticket: ticket))
            }
        }
        return told
    }

    mutating func forget() { last = [:] }
}
