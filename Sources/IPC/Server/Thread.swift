import CSystem
import Glibc

/// A thread of our own, with every signal blocked: signals are for the thread that handles them.
struct OwnThread: Sendable {
    private let handle: pthread_t

    /// `name` has at most 15 bytes.
    init(name: String, _ body: @escaping @Sendable () -> Void) {
        var handle = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
        let failed = pthread_create(&handle, nil, { Start.run($0!) }, start)
        precondition(failed == 0, "cannot start the thread \(name): \(systemError(failed))")
        self.handle = handle
    }

    /// Waits until the body has returned. Once only.
    func join() { pthread_join(handle, nil) }

    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }

        static func run(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
            let start = Unmanaged<Start>.fromOpaque(pointer).takeRetainedValue()
            var all = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, nil)
            cs_name_thread(start.name)
            start.body()
            return nil
        }
    }
}

/// A counting semaphore, for threads of our own.
final class Semaphore: @unchecked Sendable {
    // Written only by sem_* calls, which are made for several threads.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }
    func wait() { while sem_wait(semaphore) != 0 {} }
}

/// What the system says about an errno value.
func systemError(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

/// Monotonic time in milliseconds.
func monotonicMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
