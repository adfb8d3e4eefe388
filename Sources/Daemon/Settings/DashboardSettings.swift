/// What the user says of the dashboard. The daemon makes no use of it: what keys and themes there are, the dashboard knows.
public struct DashboardSettings: Hashable, Sendable {
    /// When a ticket begins to need a human.
    public enum Alert: String, CaseIterable, Sendable { case off, bell, notification, both }

    /// As `ORCH_THEME` has it.
    public var theme = "auto"
    public var bell = Alert.off
    public var mouse = true
    public var plain = false
    /// By the names of actions.
    public var keys: [String: [String]] = [:]

    public init() {}

    static let keys: [SettingKey<DashboardSettings>] = [
        .text(
            "theme",
            \.theme,
            "Its colours: `auto`, `dark`, `light` or `mono`, and roles that look otherwise: `dark,failed=bold #ff5f5f`.",
            problem: { _ in nil }
        ),
        .choice("bell", \.bell, "How it tells that a ticket has begun to need you."),
        .boolean("mouse", \.mouse, "Whether clicks and the wheel are the dashboard's; `M` there changes it."),
        .boolean("plain", \.plain, "For screen readers: words, no drawn lines, and a cursor on what is selected."),
        .stringLists(
            "keys",
            \.keys,
            "Other keys, by action: `{ \"stop\": [\"s\", \"Ctrl-X\"] }`. docs/dashboard.md names the actions."
        ),
    ]
}
