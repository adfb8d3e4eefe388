import Core
import IPC

/// A request's parameters, taken one by one; what is missing or of the wrong type is said by name.
struct Params: Sendable {
    let object: JSONObject
    let method: String

    init(_ object: JSONObject, method: String) {
        self.object = object
        self.method = method
    }

    func string(_ name: String) throws(RPCError) -> String {
        guard let value = try optionalString(name) else { throw missing(name, "a string") }
        return value
    }

    func optionalString(_ name: String) throws(RPCError) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.stringValue else { throw wrong(name, "a string") }
        return text
    }

    func int(_ name: String, default: Int) throws(RPCError) -> Int {
        guard let value = object[name], !value.isNull else { return `default` }
        guard let number = value.intValue, number >= 0 else { throw wrong(name, "a whole number, not negative") }
        return number
    }

    func optionalInt(_ name: String) throws(RPCError) -> Int? {
        guard let value = object[name], !value.isNull else { return nil }
        return try int(name, default: 0)
    }

    /// In millionths.
    func optionalDollars(_ name: String) throws(RPCError) -> Int? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let number = value.doubleValue, number >= 0, number <= Double(Dollars.maximum / 1_000_000) else {
            throw wrong(name, "a number of US dollars, not negative")
        }
        return Int((number * 1_000_000).rounded())
    }

    func bool(_ name: String, default: Bool) throws(RPCError) -> Bool {
        guard let value = object[name], !value.isNull else { return `default` }
        guard let flag = value.boolValue else { throw wrong(name, "true or false") }
        return flag
    }

    func optionalBool(_ name: String) throws(RPCError) -> Bool? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let flag = value.boolValue else { throw wrong(name, "true or false") }
        return flag
    }

    func array(_ name: String) throws(RPCError) -> [JSONValue] {
        guard let value = object[name], !value.isNull else { throw missing(name, "an array") }
        guard let items = value.arrayValue else { throw wrong(name, "an array") }
        return items
    }

    func optionalStrings(_ name: String) throws(RPCError) -> [String] {
        guard let value = object[name], !value.isNull else { return [] }
        guard let items = value.arrayValue else { throw wrong(name, "an array of strings") }
        let texts = items.compactMap(\.stringValue)
        guard texts.count == items.count else { throw wrong(name, "an array of strings") }
        return texts
    }

    private func missing(_ name: String, _ kind: String) -> RPCError {
        RPCError(.invalidParams, "\(method) needs the parameter \(quoted(name)), \(kind)")
    }

    private func wrong(_ name: String, _ kind: String) -> RPCError {
        RPCError(.invalidParams, "the parameter \(quoted(name)) of \(method) has to be \(kind)")
    }
}
