/// JSON merge patches (RFC 7386): an object says which members change, and null removes one.
public enum MergePatch {
    /// Changes `target` as `patch` says. What the patch does not name is neither touched nor copied.
    public static func apply(_ patch: JSONValue, to target: inout JSONValue) {
        guard case .object(let changes) = patch else {
            target = patch
            return
        }
        var object = JSONObject()
        if case .object(let members) = target { object = members }
        // Gives up our second reference, so that what follows changes the members where they are.
        target = .null
        apply(changes, to: &object)
        target = .object(object)
    }

    /// Changes the members of `target` as `patch` says.
    public static func apply(_ patch: JSONObject, to target: inout JSONObject) {
        for (key, change) in patch {
            if change.isNull {
                target[key] = nil
            } else {
                target.update(key) { apply(change, to: &$0) }
            }
        }
    }

    /// The smallest patch that makes `from` into `to`. Neither may contain null, which no patch can set.
    public static func diff(from: JSONObject, to: JSONObject) -> JSONObject {
        var patch = JSONObject()
        for (key, old) in from {
            guard let new = to[key] else {
                patch[key] = .null
                continue
            }
            if case (.object(let a), .object(let b)) = (old, new) {
                let changes = diff(from: a, to: b)
                if !changes.isEmpty { patch[key] = .object(changes) }
            } else if old != new {
                patch[key] = new
            }
        }
        for (key, new) in to where from[key] == nil { patch[key] = new }
        return patch
    }

    /// The smallest patch that makes `from` into `to`; for anything but two objects that is `to` itself.
    public static func diff(from: JSONValue, to: JSONValue) -> JSONValue {
        guard case (.object(let a), .object(let b)) = (from, to) else { return to }
        return .object(diff(from: a, to: b))
    }
}
