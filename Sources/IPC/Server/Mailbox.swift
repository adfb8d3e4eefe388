import CSystem
import Glibc
import Synchronization

/// What other threads want from the event loop.
enum Letter: Sendable {
    case lines([PublishedLine])
    /// An encoded response; nil where none is wanted.
    case reply(Asker, [UInt8]?)
    case page(ConnectionID, epoch: Int, HistoryPage)
    case stop
}

/// The only way into the event loop, in order. Whoever posts never waits for a subscriber; a publisher that outruns
/// the loop itself waits until the loop has taken what is there.
final class Mailbox: Sendable {
    private struct State {
        var letters: [Letter] = []
        /// How many bytes of lines are waiting.
        var bytes = 0
        /// Whether the loop may be asleep and needs the wake-up.
        var isAsleep = false
        var isStopped = false
        /// Publishers waiting for room.
        var waiting = 0
        /// The number the next event must have.
        var nextSeq: Int
        var loopThread: pid_t = 0
    }

    private let state: Mutex<State>
    private let room = Semaphore()
    private let limit: Int
    /// Becomes readable when there is mail. Watched edge-triggered, so that it need not be read.
    let wakeup: Int32

    init(limit: Int, lastSeq: Int) throws(RPCError) {
        self.limit = limit
        state = Mutex(State(nextSeq: lastSeq + 1))
        wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard wakeup >= 0 else { throw RPCError(.internal, "cannot create an eventfd: \(systemError())") }
    }

    deinit { close(wakeup) }

    /// Posts lines. Their seqs must go on where the last ones ended.
    func publish(_ lines: [PublishedLine]) {
        let bytes = lines.reduce(0) { $0 + $1.bytes.count + 1 }
        while true {
            let (hasRoom, mustWake) = state.withLock { state in
                if state.isStopped { return (true, false) }
                if state.bytes > 0, state.bytes + bytes > limit, state.loopThread != cs_thread_id() {
                    state.waiting += 1
                    return (false, false)
                }
                for case let seq? in lines.lazy.map(\.seq) {
                    precondition(seq == state.nextSeq, "event \(seq) published, \(state.nextSeq) comes next")
                    state.nextSeq += 1
                }
                state.bytes += bytes
                return (true, Self.add(.lines(lines), &state))
            }
            if mustWake { wake() }
            if hasRoom { return }
            room.wait()
        }
    }

    func post(_ letter: Letter) {
        if state.withLock({ $0.isStopped ? false : Self.add(letter, &$0) }) { wake() }
    }

    /// Lets go of publishers and drops whatever is posted from now on.
    func stop() {
        let waiting = state.withLock { state in
            state.isStopped = true
            state.letters = []
            return exchange(&state.waiting, with: 0)
        }
        for _ in 0..<waiting { room.signal() }
    }

    /// Everything posted so far.
    func take() -> [Letter] {
        let (letters, waiting) = state.withLock { state in
            state.isAsleep = false
            state.bytes = 0
            return (exchange(&state.letters, with: []), exchange(&state.waiting, with: 0))
        }
        for _ in 0..<waiting { room.signal() }
        return letters
    }

    /// Says that the loop goes to sleep; false when there is mail to be taken first.
    func fallAsleep() -> Bool {
        state.withLock { state in
            state.loopThread = cs_thread_id()
            state.isAsleep = state.letters.isEmpty
            return state.isAsleep
        }
    }

    /// Adds a letter; true when the loop must be woken.
    private static func add(_ letter: Letter, _ state: inout State) -> Bool {
        state.letters.append(letter)
        return exchange(&state.isAsleep, with: false)
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }
}
