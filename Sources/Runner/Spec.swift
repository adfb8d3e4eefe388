import Glibc

/// What to run, as the daemon wrote it into the run folder's file `spec`.
///
/// The file is a sequence of pairs, each a key, a NUL, a value and a NUL; order matters only among equal keys:
///
/// | key | value |
/// |---|---|
/// | `version` | `1` |
/// | `boot` | the boot id under which it was written |
/// | `run` | its id, for people |
/// | `argument` | one item of argv; as often as there are items, at least once |
/// | `environment` | one `NAME=value`; as often as there are items |
/// | `directory` | the working directory, absolute |
/// | `stdin` | a file that becomes standard input; `/dev/null` when absent |
/// | `messages` | empty; standard input is what comes into `inbox.jsonl`, see `Inbox` |
/// | `marker` | the `environment` item by which processes of this run are known |
/// | `time_limit_ms` | wall-clock limit; none when absent |
/// | `grace_ms` | from TERM to KILL |
/// | `output_cap` | bytes kept of each of stdout and stderr |
/// | `group` | a cgroup to make for the run, absolute; the first is a v2 one, and what is in it is killed at the end |
/// | `group_enable` | what its parent's `cgroup.subtree_control` must be told before the last `group` is made: `+pids` |
/// | `group_set` | `FILE=VALUE` written into the last `group` before anything is in it: `pids.max=4096` |
/// | `namespace` | `pid`: the run gets a PID namespace of its own |
/// | `oom_score` | what the run's oom_score_adj is raised to |
/// | `descriptors` | how many open files the program may have (the soft limit); as many as the runner when absent |
/// | `end` | empty; last, so that a cut file is noticed |
///
/// Values are bytes ended by a NUL, so that they are handed to the system as they stand in the file, which stays in
/// memory for as long as the runner lives.
struct Spec {
    typealias Text = UnsafeMutablePointer<CChar>

    /// Both are followed by a nil, as execve wants it.
    var arguments: [Text?] = []
    var environment: [Text?] = []
    var directory: Text?
    private var boot: Text?
    private var run: Text?
    var standardInput: Text?
    var wantsMessages = false
    var marker: Text?
    var timeLimit: Int64?
    var grace: Int64 = 5000
    var outputCap: Int64 = 1 << 30
    var groups: [GroupOrder] = []
    var wantsNamespace = false
    var oomScore: Int32 = 0
    var descriptors: Int64?

    /// A cgroup to make, and what to write where.
    struct GroupOrder {
        let directory: String
        var enable: [String] = []
        var settings: [(file: String, value: String)] = []
    }

    /// Reads `bytes`, which must outlive the value.
    init(_ bytes: UnsafeMutableBufferPointer<CChar>) throws(Failure) {
        var position = 0
        var complete = false
        func next() throws(Failure) -> Text {
            let start = position
            while position < bytes.count, bytes[position] != 0 { position += 1 }
            guard position < bytes.count, let base = bytes.baseAddress else {
                throw Failure("spec: the file is cut off")
            }
            position += 1
            return base + start
        }
        while position < bytes.count {
            let key = String(cString: try next())
            let value = try next()
            switch key {
            case "version":
                guard strcmp(value, "1") == 0 else {
                    throw Failure("spec: version \(String(cString: value)) is not one this orch-runner knows")
                }
            case "boot": boot = value
            case "run": run = value
            case "argument": arguments.append(value)
            case "environment": environment.append(value)
            case "directory": directory = value
            case "stdin": standardInput = value
            case "messages": wantsMessages = true
            case "marker": marker = value
            case "time_limit_ms": timeLimit = try number(value, key)
            case "grace_ms": grace = try number(value, key)
            case "output_cap": outputCap = try number(value, key)
            case "group": groups.append(GroupOrder(directory: String(cString: value)))
            case "group_enable", "group_set":
                guard !groups.isEmpty else { throw Failure("spec: \(key) comes before any group") }
                if key == "group_enable" {
                    groups[groups.count - 1].enable.append(String(cString: value))
                } else {
                    groups[groups.count - 1].settings.append(try assignment(value, key))
                }
            case "namespace": wantsNamespace = strcmp(value, "pid") == 0
            case "oom_score": oomScore = Int32(clamping: try number(value, key))
            case "descriptors": descriptors = try number(value, key)
            case "end": complete = true
            default: break  // of a newer daemon, or not for us
            }
        }
        guard complete else { throw Failure("spec: the file is cut off") }
        guard !arguments.isEmpty else { throw Failure("spec: there is no argument") }
        arguments.append(nil)
        environment.append(nil)
    }

    /// Leaves of the file what says which run it was: the environment, and what was told to the program, are for no
    /// disk to keep. The run has begun, and is not started a second time. A file that cannot be written stays; the daemon
    /// tries again at the end.
    func forget() {
        var text = "version\01\0"
        if let boot { text += "boot\0\(String(cString: boot))\0" }
        if let run { text += "run\0\(String(cString: run))\0" }
        // Whoever has to end the run in our place kills what is in them.
        for group in groups { text += "group\0\(group.directory)\0" }
        try? Files.write("spec", text + "end\0\0")
    }

    /// The value of a variable of the run's environment.
    func variable(_ name: String) -> String? {
        for case let item? in environment {
            let text = String(cString: item)
            if text.hasPrefix(name + "=") { return String(text.dropFirst(name.count + 1)) }
        }
        return nil
    }
}

private func number(_ text: Spec.Text, _ key: String) throws(Failure) -> Int64 {
    guard let value = Int64(String(cString: text)), value >= 0 else {
        throw Failure("spec: \(key) is not a number: \(String(cString: text))")
    }
    return value
}

private func assignment(_ text: Spec.Text, _ key: String) throws(Failure) -> (file: String, value: String) {
    let parts = String(cString: text).split(separator: "=", maxSplits: 1)
    guard parts.count == 2, !parts[0].utf8.contains(UInt8(ascii: "/")) else {
        throw Failure("spec: \(key) is not FILE=VALUE: \(String(cString: text))")
    }
    return (String(parts[0]), String(parts[1]))
}

/// Why a run could not be started, in a sentence for a person.
struct Failure: Error {
    let text: String
    init(_ text: String) { self.text = text }
    /// What was attempted, and the system's reason.
    init(_ operation: String, errno code: Int32) { text = "\(operation): \(String(cString: strerror(code)))" }
}
