import CBus
import Glibc
import IPC

/// What a process of a run does. Arguments: the socket, the shared file, then numbers.
enum Role: String {
    /// Socket, file, events, rate.
    case serveOrch = "serve-orch"
    case serveC = "serve-c"
    case publishRedis = "publish-redis"
    /// Socket, file, events, subscribers, stalled, redis (0 or 1).
    case load

    func run(_ arguments: [String]) -> Int32 {
        let numbers = arguments.dropFirst(2).compactMap { UInt64($0) }
        guard arguments.count >= 4, numbers.count == arguments.count - 2, let shared = cbus_share(arguments[1]) else {
            return 2
        }
        let (path, events) = (arguments[0], numbers[0])
        switch self {
        case .serveOrch: return serve(path, numbers[1], events, shared)
        case .serveC: return cbus_serve(path, numbers[1], events, shared)
        case .publishRedis: return cbus_publish_redis(path, numbers[1], events, shared)
        case .load:
            return cbus_load(path, Int32(numbers[3]), Int32(numbers[1]), Int32(numbers[2]), events, shared)
        }
    }

    /// orch's server, and a publisher that stands where the engine's loop does.
    private func serve(_ path: String, _ rate: UInt64, _ events: UInt64, _ shared: UnsafeMutablePointer<cbus_shared>)
        -> Int32
    {
        let callbacks = EventServer.Callbacks(
            greeting: { ["protocol": 1] },
            handler: { _, _, _ in },
            history: { _, _ in .failed("there is none") }
        )
        guard let server = try? EventServer(path: path, lastSeq: 0, callbacks: callbacks) else { return 1 }
        var byte: UInt8 = 0
        guard read(0, &byte, 1) == 1 else { return 1 }
        let start = cbus_now()
        for number in 1...events {
            cbus_pace(shared, number, rate, start)
            let bytes = [UInt8](unsafeUninitializedCapacity: CBUS_LINE) { buffer, count in
                buffer.withMemoryRebound(to: CChar.self) { cbus_line($0.baseAddress, number) }
                count = CBUS_LINE - 1
            }
            server.publish([PublishedLine(seq: Int(number), topic: "ticket.started", ticket: "T-7", bytes: bytes)])
        }
        while read(0, &byte, 1) > 0 {}
        server.stop()
        return 0
    }
}
