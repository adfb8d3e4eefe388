import CSystem
import Glibc

/// Where clients come in. Owned by the loop's thread.
final class Door {
    let path: String
    fileprivate var listener: Listener
    fileprivate var watch = SocketWatch()
    /// Nobody is let in any more: the server is stopping.
    var isShut = false
    /// While descriptors are exhausted nobody is accepted until a connection closes, or this moment.
    var againAt: Int64?
    /// Keeps a descriptor in reserve, to be able to turn a client away when there are no others.
    var reserve = Door.openReserve()
    /// What has been told of a socket that is not in its place and cannot be put there.
    var trouble: String?

    init(path: String) throws(RPCError) {
        self.path = path
        listener = try Listener(path: path)
    }

    deinit { if reserve >= 0 { close(reserve) } }

    static func openReserve() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }
}

extension EventLoop {
    func openDoor() {
        watch(door.listener.descriptor, Token.listener, EPOLLIN.rawValue)
        if door.watch.descriptor >= 0 {
            watch(door.watch.descriptor, Token.place, EPOLLIN.rawValue)
            keepPlace()
        } else {
            callbacks.notice(
                "the socket's directory cannot be watched (inotify; fs.inotify.max_user_instances limits how many "
                    + "programs may): should \(door.path) be removed, nobody can connect until orch is started again"
            )
        }
    }

    /// Lets nobody in any more.
    func shutDoor() {
        door.isShut = true
        watchDoor()
        if door.watch.descriptor >= 0 { watch(door.watch.descriptor, Token.place, 0, isNew: false) }
    }

    func closeDoor() { door.listener.close() }

    /// Has the system tell of clients, or not.
    private func watchDoor() {
        let isOpen = !door.isShut && door.againAt == nil
        watch(door.listener.descriptor, Token.listener, isOpen ? EPOLLIN.rawValue : 0, isNew: false)
    }
}

// MARK: Who comes in

extension EventLoop {
    func accept() {
        let listener = door.listener.descriptor
        for _ in 0..<64 {
            if everyone.count >= limits.connections {
                guard turnAway(cs_accept(listener)) else { return }
                continue
            }
            let descriptor = cs_accept(listener)
            if descriptor >= 0 {
                welcome(descriptor)
                continue
            }
            switch errno {
            case EINTR, ECONNABORTED: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                if !turnAwayWithReserve() { return }
            default: return
            }
        }
    }

    /// Tells a client why it is closed, and closes it. False when there is none.
    private func turnAway(_ descriptor: Int32) -> Bool {
        guard descriptor >= 0 else { return false }
        let params: JSONObject = ["reason": "too many connections", "seq": JSONValue(ring.through)]
        let line = Notification("goodbye", params).bytes + [0x0A]
        send(descriptor, line, line.count, Int32(MSG_NOSIGNAL))
        Glibc.close(descriptor)
        return true
    }

    /// Turns one client away with the descriptor kept for this.
    private func turnAwayWithReserve() -> Bool {
        guard door.reserve >= 0 else {
            pauseAccepting()
            return false
        }
        Glibc.close(door.reserve)
        let wasThere = turnAway(cs_accept(door.listener.descriptor))
        door.reserve = Door.openReserve()
        guard wasThere, door.reserve >= 0 else {
            pauseAccepting()
            return false
        }
        return true
    }

    /// Clients wait in the backlog, and the loop does not spin on a listener it cannot serve.
    private func pauseAccepting() {
        door.againAt = monotonicMilliseconds() + 1000
        watchDoor()
    }

    /// There may be descriptors again.
    func tryDoorAgain() {
        door.againAt = nil
        if door.reserve < 0 { door.reserve = Door.openReserve() }
        watchDoor()
        if !door.listener.isInPlace { keepPlace() }
    }
}

// MARK: Its place

extension EventLoop {
    /// Puts the socket back where clients look for it, if it is not there. What somebody else has put there is left alone,
    /// and told of once; the socket comes back when there is room for it.
    func keepPlace() {
        guard !door.isShut else { return }
        // Whoever removes it again and again does not keep the loop from everyone else.
        for _ in 0..<4 {
            // Watched first, and looked at afterwards: what happens in between is reported, or seen.
            let isMissing = !door.listener.isInPlace
            door.watch.follow(door.path, isMissing: isMissing)
            if !isMissing, door.listener.isInPlace {
                if door.trouble != nil { callbacks.notice("the socket \(door.path) is in its place again") }
                door.trouble = nil
                return
            }
            do throws(RPCError) {
                try listenAnew()
            } catch {
                if door.trouble != error.message {
                    callbacks.notice(
                        "the socket \(door.path) was removed or replaced and nobody can connect to it: \(error.message)"
                    )
                }
                door.trouble = error.message
                if Self.hasNoDescriptors { pauseAccepting() }
                return
            }
        }
        pauseAccepting()
    }

    private func listenAnew() throws(RPCError) {
        let anew = try Listener(path: door.path)
        // Whoever connected before is a client like any other.
        accept()
        door.listener.close()
        door.listener = anew
        watch(anew.descriptor, Token.listener, 0)
        watchDoor()
        door.trouble = nil
        callbacks.notice("the socket \(door.path) was removed or replaced; it has been made anew")
    }

    private static var hasNoDescriptors: Bool {
        let probe = Door.openReserve()
        guard probe >= 0 else { return true }
        Glibc.close(probe)
        return false
    }
}
