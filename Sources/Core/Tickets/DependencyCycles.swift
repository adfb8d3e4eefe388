/// Tickets that wait for each other in a circle.
public enum DependencyCycles {
    /// Finds cycles that can be reached from tickets, at least one if there is any: each as the tickets on the way
    /// round, the one that comes first in the order given in front. A ticket that depends on itself is not looked for
    /// here.
    ///
    /// - Parameter dependencies: of any ticket; none for one that is not there.
    public static func find(
        from tickets: [TicketID],
        dependencies: (TicketID) -> [TicketID],
        limit: Int = 10
    ) -> [[TicketID]] {
        enum Mark { case onTheWay, done }
        var marks: [TicketID: Mark] = [:]
        var cycles: [[TicketID]] = []
        for start in tickets where marks[start] == nil {
            // The way down, with what is left to look at for each: a chain of tickets may be longer than our stack.
            var way: [(ticket: TicketID, left: ArraySlice<TicketID>)] = [(start, dependencies(start)[...])]
            marks[start] = .onTheWay
            while let last = way.indices.last {
                guard let next = way[last].left.popFirst() else {
                    marks[way[last].ticket] = .done
                    way.removeLast()
                    continue
                }
                guard next != way[last].ticket else { continue }
                switch marks[next] {
                case .done?: break
                case .onTheWay?:
                    guard let from = way.firstIndex(where: { $0.ticket == next }) else {
                        preconditionFailure("\(next) is marked as on the way, and is not")
                    }
                    cycles.append(way[from...].map(\.ticket))
                    if cycles.count == limit { return cycles }
                case nil:
                    marks[next] = .onTheWay
                    way.append((next, dependencies(next)[...]))
                }
            }
        }
        return cycles
    }

    /// `A → B → A`, with the middle of a long way left out.
    public static func describe(_ cycle: [TicketID]) -> String {
        let names = cycle.map(\.text)
        let shown = names.count <= 10 ? names : names.prefix(5) + ["… (\(names.count - 8) more)"] + names.suffix(3)
        return (shown + names.prefix(1)).joined(separator: " → ")
    }
}
