@testable import Core

/// Of two patterns and a path, a line each: a pattern reads as it is written; conflict is symmetric; and whatever both
/// cover, they conflict on.
func checkLocks(_ bytes: [UInt8]) throws {
    let parts = bytes.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
    let patterns = try parts.prefix(2).compactMap { try pattern($0) }
    guard let first = patterns.first, let second = patterns.last else { return }
    let conflict = first.conflicts(with: second)
    try require(conflict == second.conflicts(with: first), "conflict of \(first) and \(second) is one-sided")
    try require(first == second || first.conflicts(with: first), "\(first) does not conflict with itself")
    guard !conflict else { return }
    for path in paths(of: first) + paths(of: second) + parts.dropFirst(2).map(Array.init) where isTracked(path) {
        try require(
            !(first.covers(path: path) && second.covers(path: path)),
            "\(first) and \(second) both cover \(String(decoding: path, as: UTF8.self)), and are said not to conflict"
        )
    }
}

private func pattern(_ bytes: ArraySlice<UInt8>) throws -> LockPattern? {
    guard let text = String(validating: bytes, as: UTF8.self), let pattern = try? LockPattern(text) else { return nil }
    let again = try LockPattern(pattern.text)
    try require(again == pattern && again.text == pattern.text, "\(pattern) reads as \(again)")
    return pattern
}

/// Some of the paths a pattern may match: its wildcards filled in.
private func paths(of pattern: LockPattern) -> [[UInt8]] {
    ["", "a", "b/c", "x"].map { filling in
        pattern.text.replacing("**", with: filling.isEmpty ? "d" : filling).replacing("*", with: filling)
            .replacing("?", with: "a").utf8.map { $0 }
    }
}

/// git tracks no empty names, and none that are special.
private func isTracked(_ path: [UInt8]) -> Bool {
    !path.isEmpty && !path.contains(0)
        && path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { segment in
            let name = String(decoding: segment, as: UTF8.self)
            return !name.isEmpty && name != "." && name != ".." && name.lowercased() != ".git"
        }
}
