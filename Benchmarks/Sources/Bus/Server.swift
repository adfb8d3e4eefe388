import Glibc

/// What fans out.
enum Server {
    case orch
    case c
    case redis(program: String)

    var name: String {
        switch self {
        case .orch: "orch"
        case .c: "C"
        case .redis: "redis"
        }
    }

    /// `$REDIS_SERVER`, else `redis-server` on the path.
    static func findRedis() -> String? {
        if let named = getenv("REDIS_SERVER") { return String(cString: named) }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").map { "\($0)/redis-server" }.first { access($0, X_OK) == 0 }
    }
}
