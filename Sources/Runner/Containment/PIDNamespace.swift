import CSystem
import Glibc

/// A PID namespace: when its init dies the kernel kills the rest, and the init dies with us. The program is a child of
/// ours in it; what it orphans goes to the init. It sees its own processes alone, in a `/proc` of its own.
struct PIDNamespace: Containment {
    let namespaceInit: pid_t
    var home: Int32 { 0 }
    var groups: [Int32] { [] }
    /// The init does not count its children.
    var isEmpty: Bool? { nil }

    /// Of the init: its number may be another's once it is reaped.
    private let pidfd: Int32

    init() throws(Failure) {
        var pid: pid_t = 0
        guard cs_enter_pid_namespace(&pid) == 0 else { throw Failure("cannot make a PID namespace", errno: errno) }
        namespaceInit = pid
        pidfd = cs_pidfd_open(pid)
        guard pidfd >= 0 else {
            let failed = errno
            Glibc.kill(pid, SIGKILL)
            throw Failure("cannot watch the init of the run's PID namespace", errno: failed)
        }
        // For who has to end it if we cannot: before there is a program in it.
        try Files.write("init", Files.identity(of: pid).text)
    }

    func kill() { cs_pidfd_send_signal(pidfd, SIGKILL) }

    func remove() throws(Failure) {
        kill()
        defer { close(pidfd) }
        // Readable only when everything in the namespace has gone, and its init last.
        var end = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
        while true {
            let count = poll(&end, 1, 30_000)
            if count > 0 { break }
            if count < 0, errno == EINTR { continue }
            throw Failure("processes of the run's PID namespace could not be killed")
        }
        var exit = cs_exit()
        cs_reap_pidfd(pidfd, 0, &exit)
    }
}
