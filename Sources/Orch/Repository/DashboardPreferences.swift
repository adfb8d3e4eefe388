import Daemon
import TUI

extension LoadedSettings {
    /// What the dashboard makes of its section, and all that it cannot.
    func preferences() -> (preferences: Preferences, problems: [FileProblem]) {
        var found: [Preferences.Problem] = []
        var preferences = Preferences(theme: dashboard.theme, keys: dashboard.keys, problems: &found)
        preferences.alert =
            switch dashboard.bell {
            case .off: .off
            case .bell: .bell
            case .notification: .notification
            case .both: .both
            }
        preferences.reportsMouse = dashboard.mouse
        preferences.isPlain = dashboard.plain
        // A single key is written without a list, and has the place of its action.
        let problems = found.map { problem(with: "dashboard.\($0.place)", $0.message) }
        return (preferences, problems)
    }
}
