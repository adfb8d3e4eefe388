import Testing

@testable import Core

@Suite struct LockPatternTests {
    @Test(arguments: [
        ("src/a.swift", "src/a.swift"),
        ("./src/a.swift", "src/a.swift"),
        ("././src//avatar///", "src/avatar"),
        ("src/./a", "src/a"),
        ("src/**", "src/**"),
        ("**/", "**"),
        ("docs/a:b", "docs/a:b"),
        ("./db:x", "./db:x"),
        ("./!important", "./!important"),
        ("\\!important", "\\!important"),
        ("a b/ü.txt", "a b/ü.txt"),
        ("app/[id]/page.tsx", "app/[id]/page.tsx"),
        ("x[a/b]y", "x[a/b]y"),
        ("resource:postgres", "resource:postgres"),
        ("port:5432", "port:5432"),
    ])
    func isWrittenInOneSpelling(source: String, text: String) throws {
        let pattern = try LockPattern(source)
        #expect(pattern.text == text)
        #expect(try LockPattern(pattern.text) == pattern, "the spelling reads as itself")
    }

    @Test(arguments: [
        ("", LockPatternError.Reason.empty),
        (".", .wholeRepository), ("./", .wholeRepository),
        ("/etc/passwd", .absolute), ("/", .absolute), ("//x", .absolute),
        ("..", .outsideTheRepository), ("../x", .outsideTheRepository), ("a/../../b", .outsideTheRepository),
        ("a/..", .outsideTheRepository), ("./..", .outsideTheRepository), ("a/\\.\\./b", .outsideTheRepository),
        (".git", .gitDirectory), (".git/config", .gitDirectory), ("sub/.GIT/hooks", .gitDirectory),
        ("!src/**", .negation),
        (":(glob)src", .pathspecMagic), (":!src", .pathspecMagic),
        ("a\\", .trailingBackslash), ("a\\/b", .escapedSlash),
        ("a[b", .unclosedClass), ("a[]", .unclosedClass), ("a[!]", .unclosedClass), ("[a\\", .unclosedClass),
        ("[[:digit:]", .unclosedClass),
        ("[[:letter:]]", .unknownClass("letter")), ("[[::]]", .unknownClass("")),
        ("[/]", .matchesNothing(segment: "[/]")),
        ("[.]", .matchesNothing(segment: "[.]")), ("[.][.]", .matchesNothing(segment: "[.][.]")),
        (".gi[tT]", .matchesNothing(segment: ".gi[tT]")), ("\\.", .matchesNothing(segment: "\\.")),
        ("a**/b", .gluedStars(segment: "a**")),
        ("a\nb", .controlCharacter(10)), ("a\u{0}b", .controlCharacter(0)), ("a\u{1B}[31m", .controlCharacter(27)),
        ("a\u{85}", .controlCharacter(0x85)), ("\u{7F}", .controlCharacter(0x7F)),
        ("db:main", .unknownKind("db")), ("C:\\src", .unknownKind("C")), ("http://x", .unknownKind("http")),
        ("resource:", .badResourceName), ("resource:a b", .badResourceName), ("resource:-x", .badResourceName),
        ("port:0", .badPort), ("port:65536", .badPort), ("port:http", .badPort), ("port:080", .badPort),
        ("port:", .badPort), ("port:99999999999999999999", .badPort),
    ])
    func isRefusedWithItsReason(source: String, reason: LockPatternError.Reason) {
        #expect(throws: LockPatternError(source, reason)) { try LockPattern(source) }
    }

    @Test func isRefusedWhenItIsTooLong() throws {
        let longest = String(repeating: "a", count: LockPattern.maximumBytes)
        #expect(try LockPattern(longest).text == longest)
        #expect(throws: LockPatternError(longest + "a", .tooLong(bytes: LockPattern.maximumBytes + 1))) {
            try LockPattern(longest + "a")
        }
    }

    @Test func errorsSayWhatIsWrongAndWhatToWrite() {
        func message(_ text: String) -> String {
            do throws(LockPatternError) { return try LockPattern(text).text } catch { return error.description }
        }
        #expect(message("/etc") == "lock `/etc` is an absolute path; write it relative to the repository's root")
        #expect(message("a\u{1B}b") == "lock `a<U+001B>b` contains the control character U+001B; use `?` to match it")
        #expect(
            message("db:x") == "lock `db:x` is of the unknown kind `db`; write `resource:NAME` or `port:NUMBER`, "
                + "or `./db:x` where it is a path"
        )
        #expect(
            message("") == "a lock is empty; write a path of the repository such as `src/**`, "
                + "or a resource such as `resource:postgres`"
        )
    }

    @Test(arguments: [
        ("src", ["src", "src/a", "src/a/b"], ["srca", "a/src", "Src"]),
        ("src/*", ["src/a", "src/a/b"], ["src", "srcs/a"]),
        ("*.md", ["a.md", ".md", "a.md/x"], ["docs/a.md", "a.mdx", "a.MD"]),
        ("**/*.md", ["a.md", "docs/a.md", "a/b/c.md"], ["a.txt"]),
        ("**/docs", ["docs", "a/docs", "a/b/docs/c"], ["docs2"]),
        ("src/**", ["src/a", "src/a/b"], ["src", "a/src/b"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/b/c"], ["ab", "a/xb"]),
        ("**", ["a", "a/b"], []),
        ("a/***/b", ["a/b", "a/x/b"], []),
        ("**.md", ["a.md"], ["a/b.md"]),
        ("a?c", ["abc"], ["ac", "abbc"]),
        ("?", ["a"], ["é"]), ("??", ["é", "ab"], ["€"]), ("*", ["é", "€", "."], []),
        ("[a-c]x", ["ax", "bx", "cx"], ["dx", "x"]),
        ("[!a-c]x", ["dx"], ["ax"]), ("[^a]", ["b", "]"], ["a"]),
        ("[]a]", ["]", "a"], ["b"]), ("[!]a]", ["b"], ["]", "a"]),
        ("[a-]", ["a", "-"], ["b"]), ("[z-a]", ["z"], ["a", "m"]), ("[\\]]", ["]"], ["a"]),
        ("[a\\-c]", ["a", "-", "c"], ["b"]),
        ("[[:digit:]x]", ["1", "x"], ["a", "[:digit:]"]),
        ("[[:d]", ["[", ":", "d"], ["x"]),
        ("\\*", ["*"], ["a"]), ("a\\[1\\]", ["a[1]"], ["a1"]),
        ("app/[id]/page", ["app/[id]/page", "app/[id]/page/x", "app/i/page"], ["app/x/page"]),
        ("x[a/b]y", ["xay", "xby", "x[a/b]y"], ["x/y"]),
        ("resource:x", [], ["resource:x"]),
    ])
    func coversWhatItMatchesAndWhatLiesBeneath(source: String, covered: [String], others: [String]) throws {
        let pattern = try LockPattern(source)
        for path in covered { #expect(pattern.covers(path: path), "\(source) covers \(path)") }
        for path in others { #expect(!pattern.covers(path: path), "\(source) does not cover \(path)") }
    }

    @Test func coversPathsThatAreNotUTF8() throws {
        #expect(try LockPattern("a?b").covers(path: [0x61, 0xFF, 0x62]))
        #expect(try !LockPattern("a?b").covers(path: [0x61, 0xFF, 0xFE, 0x62]))
    }

    @Test func isCodedAsItsText() throws {
        #expect(try LockPattern("src//x").description == "src/x")
        #expect(try LockPattern("src//x").hashValue == LockPattern("src/x").hashValue)
    }
}
