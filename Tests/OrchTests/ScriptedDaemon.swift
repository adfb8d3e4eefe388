import Foundation
import Glibc
import IPC
import Synchronization

/// A daemon that greets, takes a subscription, says what it is told to and hangs up: once for each connection.
final class ScriptedDaemon: Sendable {
    private let told = Mutex<[Int]>([])

    init(path: String, connections: [[IPC.Notification]]) throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 5) == 0 else { throw CocoaError(.fileWriteUnknown) }
        Thread.detachNewThread { [self] in
            for lines in connections { serve(accept(listener, nil, nil), lines) }
            close(listener)
        }
    }

    /// The `since` of every subscription so far.
    var since: [Int] { told.withLock { $0 } }

    private func serve(_ connection: Int32, _ lines: [IPC.Notification]) {
        defer { close(connection) }
        send(IPC.Notification("hello", ["protocol": 1, "daemon": "test", "seq": 9]).bytes, connection)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(connection, &buffer, buffer.count)
        let request = try? JSONValue(parsing: String(decoding: buffer[..<max(0, count)], as: UTF8.self))
        guard let request, let since = request["params"]?["since"]?.intValue else { return }
        told.withLock { $0.append(since) }
        send(Response(id: request["id"] ?? .null, result: .success(["seq": JSONValue(since)])).bytes, connection)
        for line in lines { send(line.bytes, connection) }
    }

    private func send(_ line: [UInt8], _ connection: Int32) {
        let bytes = line + [0x0A]
        _ = bytes.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }
}
