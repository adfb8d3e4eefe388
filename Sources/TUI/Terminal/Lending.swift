import Glibc

// What other programs do with the terminal while the dashboard waits for them.

extension Terminal {
    /// Has the user's editor change a text.
    ///
    /// It lies in a file of the user's alone, which is removed once it has been read: where that is not possible, the
    /// message names it.
    mutating func edit(_ text: String, environment: [String: String]) -> Input {
        let folder = environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        // mkstemps writes the name it has chosen in here; the ending tells editors what they are to highlight.
        var template = Array("\(folder)/orch-XXXXXX.md".utf8CString)
        let descriptor = mkstemps(&template, 3)
        guard descriptor >= 0 else { return .failed("cannot make a file in \(folder): \(reason(errno))") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let failed = write(Array(text.utf8), to: descriptor)
        close(descriptor)
        guard failed == 0 else {
            unlink(path)
            return .failed("cannot write \(path): \(reason(failed))")
        }
        let editor = Self.editor(environment)
        switch lend(to: .command(editor, [path], environment: environment)) {
        case .exited(0): return read(path, instead: text)
        case .exited(let status):
            unlink(path)
            return .failed("\(editor) ended with \(status): the text is as it was")
        case .killed(let signal): return .failed("\(editor) was ended by signal \(signal)", hint: Self.kept(path))
        case .notStarted(let number):
            unlink(path)
            return .failed("cannot start \(editor): \(reason(number))", hint: "set EDITOR to your editor")
        }
    }

    private static func editor(_ environment: [String: String]) -> String {
        ["VISUAL", "EDITOR"].compactMap { environment[$0] }.first { !$0.trimmed.isEmpty } ?? "vi"
    }

    private static func kept(_ path: String) -> String { "what you typed is in \(path)" }

    private func read(_ path: String, instead before: String) -> Input {
        var bytes: [UInt8] = []
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failed("cannot read \(path): \(reason(errno))") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failed("cannot read \(path): \(reason(errno))", hint: Self.kept(path)) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            return .failed("what the editor left is not UTF-8", hint: Self.kept(path))
        }
        unlink(path)
        // Editors end the last line; who wrote none has none.
        if text.hasSuffix("\n"), !before.hasSuffix("\n") { text.removeLast() }
        return .edited(text)
    }

    /// Opens the user's shell in a folder, until they leave it.
    mutating func openShell(in folder: String, saying notice: String, environment: [String: String]) -> Input? {
        let shell = environment["SHELL"].flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
        let words = ["-c", #"printf '%s\n' "$1"; exec "$2""#, "sh", notice, shell]
        let borrower = Borrower(program: "/bin/sh", arguments: words, environment: environment, directory: folder)
        guard case .notStarted(let number) = lend(to: borrower) else { return nil }
        return .failed("cannot open a shell in \(folder): \(reason(number))")
    }

    /// Has the terminal copy a text; what came of it.
    func copy(_ text: String) -> Input {
        switch copy(Array(text.utf8)) {
        case .sent: .reported(Message(kind: .done, text: "copied \(text)", hint: nil))
        case .tooLong: .failed("this is too long to copy")
        case .notPossible: .failed("this terminal cannot copy", hint: text)
        }
    }
}

extension Input {
    fileprivate static func failed(_ text: String, hint: String? = nil) -> Input {
        .reported(Message(kind: .failed, text: text, hint: hint))
    }
}

private func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

/// Writes all of it; an errno where that was not possible.
private func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return errno }
        rest = rest.dropFirst(count)
    }
    return 0
}
