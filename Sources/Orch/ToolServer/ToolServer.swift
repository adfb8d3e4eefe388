import CSystem
import Dispatch
import Glibc
import IPC
import Synchronization

/// The shell around `ToolProtocol`: standard input and output, and the calls under way. One thread; it ends when its client
/// closes standard input, or on a signal.
final class ToolServer {
    private var conversation: ToolProtocol
    private let identity: DaemonCall.Identity
    private let news: Mailbox
    private var calls: [Int: (call: DaemonCall, tool: Tool)] = [:]
    private var framer = LineFramer(limit: 4 << 20)
    private var isOpen = true

    /// How long calls that do not wait may take to end once the client has said all it has to say.
    private static let lastCalls = DispatchTimeInterval.milliseconds(1500)

    init(version: String, _ identity: DaemonCall.Identity) {
        conversation = ToolProtocol(version: version)
        self.identity = identity
        news = Mailbox()
    }

    /// Serves until there is nobody to serve.
    func run() {
        let signals = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [news] in news.post(.stop) }
            source.activate()
            return source
        }
        defer { for source in signals { source.cancel() } }
        var watched = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: news.descriptor, events: Int16(POLLIN), revents: 0),
        ]
        var end: DispatchTime?
        while true {
            if !isOpen {
                // What waits is given up with its client.
                for (number, entry) in calls where entry.tool.wait != nil { giveUp(number) }
                if calls.isEmpty { return }
                end = end ?? .now() + Self.lastCalls
                watched[0].fd = -1
            }
            let left = end.map {
                Int32(clamping: ($0.uptimeNanoseconds &- DispatchTime.now().uptimeNanoseconds) / 1_000_000)
            }
            if let end, end <= .now() { return giveUpAll() }
            if poll(&watched, 2, left ?? -1) < 0 { continue }
            if watched[1].revents != 0 {
                for item in news.take() {
                    switch item {
                    case .stop: return giveUpAll()
                    case .of(let number, let what): take(number, what)
                    }
                }
            }
            if isOpen, watched[0].revents != 0 { readInput() }
        }
    }

    private func readInput() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { return }
        guard count > 0 else {
            isOpen = false
            return
        }
        for outcome in framer.feed(Array(buffer[..<count])) { perform(conversation.read(outcome)) }
    }

    private func perform(_ outputs: [ToolProtocol.Output]) {
        for output in outputs {
            switch output {
            case .send(let line): write(line + [0x0A])
            case .cancel(let number): giveUp(number)
            case .call(let call):
                let tool = conversation.tools.first { $0.name == call.tool }!
                let carried = DaemonCall(tool, call.arguments, identity) { [news] in news.post(.of(call.number, $0)) }
                calls[call.number] = (carried, tool)
                carried.start()
            }
        }
    }

    private func take(_ number: Int, _ what: DaemonCall.News) {
        guard let tool = calls[number]?.tool else { return }
        switch what {
        case .waits(let seconds, let total, let value):
            let words = ToolProtocol.Outcome.waiting(tool, seconds: seconds, value)
            perform(conversation.progress(number, seconds: seconds, total: total, words))
        case .ended(let result):
            calls[number] = nil
            perform(conversation.finish(number, ToolProtocol.Outcome(tool, result)))
        }
    }

    private func giveUp(_ number: Int) { calls.removeValue(forKey: number)?.call.cancel() }

    private func giveUpAll() {
        for number in calls.keys { giveUp(number) }
    }

    /// Whoever reads slowly is waited for; whoever reads no more is gone.
    private func write(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress! + sent, bytes.count - sent) }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                var full = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                poll(&full, 1, -1)
            } else if errno != EINTR {
                isOpen = false
                return
            }
        }
    }

    /// What other threads tell the server's.
    private final class Mailbox: Sendable {
        enum Item: Sendable {
            case stop
            case of(Int, DaemonCall.News)
        }

        let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        private let items = Mutex<[Item]>([])

        deinit { close(descriptor) }

        func post(_ item: Item) {
            items.withLock { $0.append(item) }
            eventfd_write(descriptor, 1)
        }

        func take() -> [Item] {
            var count: eventfd_t = 0
            eventfd_read(descriptor, &count)
            return items.withLock { exchange(&$0, with: []) }
        }
    }
}
