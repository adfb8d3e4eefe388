import CSystem
import Glibc
import IPC

/// One thread, one poll(2): the terminal, its signals and the daemon. Everything else is decided by `update`.
struct Loop: ~Copyable {
    private var terminal: Terminal
    private var link: DaemonLink?
    /// Open while anything may print.
    private var outputLink: DaemonLink?
    private var pulse = Pulse()
    private var nextWatch: Int64 = 0
    private let socketPath: String
    /// What other programs are started with.
    private let environment: [String: String]
    private let starter: DaemonStarter?
    /// A daemon has been offered since there was one.
    private var hasOffered = false
    private var model: Model
    private var follower = Follower()

    private var hasQuit = false
    /// Something changed since the last picture.
    private var isStale = true
    /// It was the user: the picture is drawn at once.
    private var isUrgent = true
    /// Something that was asked for has come.
    private var hasAnswer = false
    /// Monotonic milliseconds.
    private var lastFrame: Int64 = 0
    private var nextAttempt: Int64 = 0
    private var attempts = 0
    /// Wall-clock: when a text on the screen changes by time alone.
    private var nextChange: Moment?
    private let watcher: ((Sight) -> Void)?

    /// What a test that watches the loop is told.
    enum Sight {
        /// This picture was given to the terminal, in these colours.
        case shown(Screen, Terminal)
        /// The terminal has told its background.
        case recoloured
    }

    /// How often it is looked for a daemon that is being started.
    private static let startMilliseconds: Int64 = 50

    /// At most 60 pictures a second of what was asked for, and 30 of what the daemon does by itself: nobody reads faster.
    private static let answerFrameMilliseconds: Int64 = 16
    private static let frameMilliseconds: Int64 = 33
    /// Ages change in steps of this, so that many change in one picture. Nobody sees an age that is late by seconds.
    private static let clockGrain: Int64 = 5000

    init(
        terminal: Terminal,
        link: consuming DaemonLink?,
        socketPath: String,
        environment: [String: String],
        preferences: Preferences,
        starter: DaemonStarter?,
        watcher: ((Sight) -> Void)? = nil
    ) {
        self.environment = environment
        self.watcher = watcher
        self.terminal = terminal
        self.link = consume link
        self.starter = starter
        self.socketPath = socketPath
        model = Model(
            size: terminal.size,
            now: wallClock(),
            glyphs: terminal.glyphs,
            localTime: .system,
            preferences: preferences
        )
    }

    mutating func run() {
        if !model.preferences.reportsMouse { terminal.reportMouse(false) }
        if link == nil { offerDaemon() } else { for request in follower.connected() { link?.send(request.bytes) } }
        while !hasQuit {
            drawIfDue()
            watchOutput()
            wait()
        }
    }

    /// Gives the terminal back.
    consuming func end() { terminal.end() }

    // MARK: Waiting

    private mutating func wait() {
        var descriptors = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
            pollfd(fd: terminal.signalDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        let linkDescriptor = link?.descriptor ?? -1
        let wantsToWrite = link?.wantsToWrite ?? false
        // The last picture is so new that the next one has to wait, and so have the daemon's lines: they are read together just
        // before it, instead of waking up for each. Who waits for an answer does not wait for a picture.
        let isAhead = isStale && model.pending.isEmpty && !wantsToWrite
        descriptors.append(
            pollfd(
                fd: isAhead ? -1 : linkDescriptor,
                events: Int16(POLLIN | (wantsToWrite ? POLLOUT : 0)),
                revents: 0
            )
        )
        descriptors.append(pollfd(fd: outputLink?.descriptor ?? -1, events: Int16(POLLIN), revents: 0))
        guard poll(&descriptors, 4, timeout()) >= 0 || errno == EINTR else {
            hasQuit = true
            return
        }
        if descriptors[1].revents != 0, terminal.takeSignals() {
            model.size == terminal.size ? staleNow() : feed(.resized(terminal.size), urgent: true)
        }
        if descriptors[0].revents != 0 { takeTerminalEvents() }
        if descriptors[0].revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0 { hasQuit = true }
        if descriptors[2].revents != 0 || (isAhead && !isUrgent) { takeDaemonLines() }
        if descriptors[3].revents != 0 { takeOutputLines() }
        if linkDescriptor < 0, monotonic() >= nextAttempt { reconnect() }
        if let failure = starter?.takeFailure() {
            feed(.daemonFailed(failure.message, hint: failure.hint), urgent: true)
        }
        if let nextChange, wallClock() >= nextChange { feed(.clock, urgent: false) }
    }

    /// Milliseconds until something is due without anything happening; -1 when nothing is.
    private func timeout() -> Int32 {
        var due: Int64?
        func consider(_ milliseconds: Int64) { due = min(due ?? milliseconds, milliseconds) }
        let now = monotonic()
        if isStale { consider(lastFrame + pause - now) }
        if link == nil { consider(nextAttempt - now) }
        if starter?.isBusy ?? false { consider(Self.startMilliseconds) }
        if model.watchesOutput, outputLink == nil { consider(nextWatch - now) }
        if let nextChange { consider(nextChange.milliseconds - wallClock().milliseconds) }
        guard let due else { return -1 }
        return Int32(clamping: max(0, due))
    }

    // MARK: The terminal

    private mutating func takeTerminalEvents() {
        for event in terminal.events() {
            switch event {
            case .input(let input): feed(input, urgent: true)
            case .recoloured:
                watcher?(.recoloured)
                staleNow()
            case .lost: hasQuit = true
            }
        }
    }

    private mutating func staleNow() {
        isStale = true
        isUrgent = true
    }

    /// Between two pictures.
    private var pause: Int64 { hasAnswer ? Self.answerFrameMilliseconds : Self.frameMilliseconds }

    private mutating func drawIfDue() {
        guard isStale, !hasQuit, isUrgent || monotonic() - lastFrame >= pause else { return }
        let screen = view(model)
        terminal.show(screen)
        watcher?(.shown(screen, terminal))
        lastFrame = monotonic()
        isStale = false
        isUrgent = false
        hasAnswer = false
        nextChange = screen.nextChange.map {
            let grain = Self.clockGrain
            return Moment(milliseconds: ($0.milliseconds + grain - 1) / grain * grain)
        }
    }

    // MARK: The daemon

    private mutating func takeDaemonLines() {
        link?.flush()
        var lines: [[UInt8]] = []
        let isOpen = link?.receive { lines.append($0) } ?? true
        for line in lines {
            let outcome = follower.take(line)
            for request in outcome.requests { link?.send(request.bytes) }
            for input in outcome.inputs { feed(input, urgent: false) }
        }
        if !isOpen { loseLink(follower.farewell ?? "the connection was closed") }
    }

    private mutating func loseLink(_ reason: String) {
        link = nil
        follower.disconnected()
        attempts = 0
        nextAttempt = monotonic() + 100
        feed(.connectionLost(reason: reason), urgent: false)
    }

    /// Waits longer after every failure, up to five seconds.
    private mutating func reconnect() {
        do throws(DaemonLink.Unreachable) {
            link = try DaemonLink(path: socketPath)
        } catch {
            attempts += 1
            let pause = starter?.isBusy ?? false ? Self.startMilliseconds : min(5000, 100 << Int64(min(attempts, 6)))
            nextAttempt = monotonic() + pause
            // One that is only started anew is back by then.
            if error.isAbsent, attempts >= 3 { offerDaemon() }
            if model.connection != .lost(reason: error.reason) {
                feed(.connectionLost(reason: error.reason), urgent: false)
            }
            return
        }
        hasOffered = false
        for request in follower.connected() { link?.send(request.bytes) }
    }

    private mutating func offerDaemon() {
        guard starter != nil, !hasOffered else { return }
        hasOffered = true
        feed(.daemonMissing, urgent: false)
    }

    // MARK: Output

    /// Has it told who prints while anybody may, or what was printed is read.
    private mutating func watchOutput() {
        guard model.watchesOutput else {
            outputLink = nil
            nextWatch = 0
            return
        }
        guard outputLink == nil, monotonic() >= nextWatch else { return }
        outputLink = try? DaemonLink(path: socketPath)
        outputLink?.send(OutputWatch.subscription.bytes)
        nextWatch = monotonic() + 1000
        pulse.forget()
    }

    private mutating func takeOutputLines() {
        outputLink?.flush()
        var inputs: [Input] = []
        let isOpen = outputLink?.receive { inputs += OutputWatch.inputs($0) } ?? true
        for input in pulse.inputs(inputs, read: model.watchedTicket, now: monotonic()) { feed(input, urgent: false) }
        if !isOpen { outputLink = nil }
    }

    // MARK: Deciding

    private mutating func feed(_ input: Input, urgent: Bool) {
        for command in update(&model, input, at: wallClock()) {
            switch command {
            case .send(let id, let request): link?.send(request.onTheWire(id: id).bytes)
            case .quit: hasQuit = true
            case .repaint: terminal.repaint()
            case .edit(let text):
                let edited = terminal.edit(text, environment: environment)
                feed(.resized(terminal.size), urgent: true)
                feed(edited, urgent: true)
            case .openShell(let folder, let notice):
                let report = terminal.openShell(in: folder, saying: notice, environment: environment)
                feed(.resized(terminal.size), urgent: true)
                if let report { feed(report, urgent: true) }
            case .copy(let text): feed(terminal.copy(text), urgent: true)
            case .startDaemon:
                starter?.start()
                nextAttempt = 0
            case .reportMouse(let isWanted): terminal.reportMouse(isWanted)
            case .theme(let choice): terminal.use(choice)
            case .alert(let sentence):
                if model.preferences.alert.rings { terminal.bell() }
                if model.preferences.alert.notifies { terminal.notify(sentence) }
            }
        }
        isStale = true
        if urgent { isUrgent = true }
        if case .answered = input { hasAnswer = true }
    }
}

private func wallClock() -> Moment { Moment(milliseconds: milliseconds(of: CLOCK_REALTIME)) }
private func monotonic() -> Int64 { milliseconds(of: CLOCK_MONOTONIC) }

private func milliseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
