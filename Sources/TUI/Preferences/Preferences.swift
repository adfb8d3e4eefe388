/// What the user prefers of the dashboard.
public struct Preferences: Sendable {
    /// How it is told that a ticket has begun to need a human.
    public enum Alert: Sendable {
        case off, bell, notification, both

        var rings: Bool { self == .bell || self == .both }
        var notifies: Bool { self == .notification || self == .both }
    }

    public var alert = Alert.off
    /// Clicks and the wheel are the dashboard's, and not the terminal's own.
    public var reportsMouse = true
    /// For screen readers.
    public var isPlain = false
    var theme = ThemeChoice()
    var keys = KeyMap.standard

    public init() {}

    /// Something in the user's configuration that cannot be taken, and where: `theme`, `keys.stop`, `keys.stop[1]`.
    public struct Problem: Hashable, Sendable {
        public var place: String
        public var message: String
    }

    /// `theme` as `ORCH_THEME` has it; `keys` by the names of actions. What is wrong is left out, and noted in `problems`.
    public init(theme: String, keys: [String: [String]], problems: inout [Problem]) {
        do throws(ThemeChoice.Problem) {
            self.theme = try ThemeChoice(theme)
        } catch {
            problems.append(Problem(place: "theme", message: "\(error.message); \(error.hint)"))
        }
        self.keys = KeyMap(keys, problems: &problems)
    }
}
