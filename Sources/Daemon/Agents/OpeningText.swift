import Core

/// What an agent is told first in a run, put together from what there is to say.
struct OpeningText: Equatable, Sendable {
    /// What went wrong last time.
    var feedback: String?
    /// What people have said since.
    var messages: [String] = []

    /// What is new, for an agent that finds it in a file beside its prompt; nil where that is nothing.
    var text: String? {
        let parts = [feedback].compactMap(\.self) + messages.map { "A message from the person you work for:\n\n\($0)" }
        return parts.isEmpty ? nil : parts.map(Self.ended).joined(separator: "\n")
    }

    /// For an agent that knows nothing of the ticket yet.
    ///
    /// - Parameter recap: what earlier runs came to, where there were any.
    func whole(_ prompt: String, recap: String?) -> String {
        ([prompt, recap, text] as [String?]).compactMap(\.self).map(Self.ended).joined(separator: "\n")
    }

    /// For one that goes on in its own session.
    var further: String { text ?? "Go on with your task, from where you were interrupted.\n" }

    private static func ended(_ text: String) -> String { text.hasSuffix("\n") ? text : text + "\n" }
}
