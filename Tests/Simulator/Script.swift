/// A history as text: what the world is like to begin with, then what happens in it, one action to a line. Lines that
/// begin with `#` are for people.
package struct Script: Equatable, Sendable {
    package var agents = 2
    package var slots = 1
    /// What the configuration of each repository holds.
    package var repositories = [0]
    /// What agents may use on a day; a ticket half of it, a month three times as much. Any amount if 0.
    package var budget = 0
    package var actions: [Action] = []
    /// Whether people answer, faults stop, and everything has to end after the last action.
    package var rests = true

    package init() {}

    package var text: String {
        let head =
            "world agents \(agents) slots \(slots) repositories \(repositories.map(String.init).joined(separator: ","))"
            + (budget > 0 ? " budget \(budget)" : "")
        return ([head] + actions.map(\.description) + (rests ? ["rest"] : [])).joined(separator: "\n") + "\n"
    }

    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    /// Reads a script.
    package init(_ text: String) throws(Problem) {
        rests = false
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ")
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if first == "world", [7, 9].contains(words.count), let agents = Int(words[2]), let slots = Int(words[4]) {
                (self.agents, self.slots) = (agents, slots)
                repositories = words[6].split(separator: ",").compactMap { Int($0) }
                if words.count == 9 { budget = Int(words[8]) ?? 0 }
            } else if first == "rest", words.count == 1 {
                rests = true
            } else if let action = Action(String(line)) {
                actions.append(action)
            } else {
                throw Problem(description: "line \(number + 1) is no action: \(line)")
            }
        }
    }
}
