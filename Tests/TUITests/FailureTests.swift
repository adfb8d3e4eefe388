import Testing

@testable import IPC
@testable import TUI

/// Which lines of a verifier's output look like what it failed by.
struct FailureTests {
    private func failing(_ output: String) -> [Int] {
        var finder = FailureFinder()
        return output.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .filter { finder.isFailure(Array($0.element.utf8)[...]) }.map(\.offset)
    }

    @Test(arguments: [
        "main.c:3:5: error: expected ';' before 'return'", "error[E0382]: borrow of moved value",
        "fatal: not a git repository",
        "FAILED tests/test_a.py::test_b - assert 1 == 2", "--- FAIL: TestX (0.00s)", "not ok 3 - adds numbers",
        "✘ Test adds() recorded an issue", "  ✗ adds numbers", "  ✕ adds numbers (3 ms)",
        "thread 'main' panicked at src/main.rs:2:5:", "panic: runtime error: index out of range",
        "E       assert 1 == 2", "assert 3 == 4", "a.out: a.c:4: main: Assertion `x' failed.",
        "TypeError: x is not a function",
        "\u{1B}[31mFAILED\u{1B}[0m tests", "test result: FAILED. 3 passed; 1 failed; 0 ignored",
        "Segmentation fault (core dumped)",
        "make: *** [Makefile:3: test] Error 2 failed", "sh: 1: foo: command not found", "0 errors, 2 failed",
        "AssertionError: no",
        "ERROR in ./src/index.js", "Failures: 2", "日本語 error: だめ", "\tfailure in test_a",
    ])
    func aFailingLineIsOne(_ line: String) { #expect(failing(line) == [0], "\(line)") }

    @Test(arguments: [
        "", "all is well", "0 failed", "12 passed, 0 failed", "no errors", "errors: 0", "Failures: 0",
        "0 failures, 0 errors",
        "test parse_error ... ok", "test it_failed ... ok", "ok 3 - fails when it should", "✔ Test failure() passed",
        "  ✓ reports an error: as it should", "PASS src/error.test.js", "not ok 3 - later # TODO", "not ok 4 # SKIP",
        "compiling error.c", "--- PASS: TestFailed", "the terror of it", "a failsafe", "unfailing", "  12 errors_total",
    ])
    func anotherLineIsNone(_ line: String) { #expect(failing(line).isEmpty, "\(line)") }

    @Test func aTracebackFailsByItsLastLine() {
        let output = """
            collected 3 items
            Traceback (most recent call last):
              File "a.py", line 3, in <module>
                raise KeyError("error: no")
            KeyError: 'name'
            done
            """
        #expect(failing(output) == [4])
        #expect(failing("Traceback (most recent call last):\n  File \"a\"") == [])
    }

    /// Pages of any size, torn anywhere, find the same lines, of the end of a long output alone.
    @Test func theEndOfALongOutputIsLookedThroughPageByPage() {
        var output: [UInt8] = []
        var places: [Int] = []
        for line in 0..<60_000 {
            if line % 7000 == 50 { places.append(output.count) }
            output += Array((line % 7000 == 50 ? "error: at \(line)\n" : "line \(line) of what a test prints\n").utf8)
        }
        output += Array("FAILED".utf8)
        places.append(output.count - 6)
        let expected = places.filter { $0 > output.count - (1 << 20) }
        for largest in [Int.max, 10_000, 4097] {
            var search = FailureSearch(run: "T-1.2", stream: "stdout")
            var read = 0
            while case .readOutput(_, _, let offset, let length)? = search.nextRead {
                let end = min(offset + min(length, largest), output.count)
                read += end - offset
                search.take(.output(Array(output[offset..<end]), offset: offset, size: output.count))
            }
            #expect(search.isDone)
            #expect(search.places == expected)
            #expect(read == (1 << 20) + 1)
        }
    }
}
