import CSystem
import Foundation
import Glibc
import IPC
import Sanitizers
import Testing

/// Crowds that connect and do nothing useful, and a person who asks meanwhile.
@Suite("Crowds at the socket, end to end", .ownThread)
struct CrowdTests {
    /// Not more than a person would wait, on a machine that is busy with all the other tests.
    private func askAsAPerson(_ world: World) throws {
        let began = ContinuousClock.now
        let status = try run([World.orch, "status"], environment: world.environment)
        let took = ContinuousClock.now - began
        #expect(status.code == 0, "\(status)")
        #expect(took < .seconds(10), "\(took)")
    }

    private func resident(_ world: World) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(try #require(world.daemon).pid)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return 1024 * (try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])))
    }

    private static let tick = Array(#"{"jsonrpc":"2.0","id":1,"method":"tick"}"#.utf8)

    /// Of 10,000 connections; fewer where this process may not open so many.
    @Test func whoeverConnectsAndSaysNothingIsNoBurden() throws {
        var (before, now): (UInt64, UInt64) = (0, 0)
        cs_limit_descriptors(20_000, &before, &now)
        let count = min(10_000, Int(now) * 2 / 3)
        try World.run { world in
            let small = try resident(world)
            var crowd: [RawClient] = []
            for _ in 0..<count { crowd.append(try RawClient(world.socket)) }
            _ = try crowd.last?.line()
            try askAsAPerson(world)
            // A sanitizer keeps what has been let go of.
            if !Sanitizers.isOn { #expect(try resident(world) - small < 100 << 20) }
            // They all leave at once.
            crowd = []
            try askAsAPerson(world)
            try world.ask("tick")
        }
    }

    @Test func hundredsWhoSendAByteAtATimeAreAnsweredWhenTheyHaveFinished() throws {
        try World.run { world in
            let crowd = try (0..<300).map { _ in try RawClient(world.socket) }
            for (index, byte) in Self.tick.enumerated() {
                for client in crowd { try client.send([byte]) }
                if index == 20 { try askAsAPerson(world) }
            }
            for client in crowd { try client.send([0x0A]) }
            for client in crowd { #expect(try client.answer()["id"] == 1) }
        }
    }

    @Test func hundredMegabytesOfLinesWithoutEndAreNotKept() throws {
        try World.run { world in
            let small = try resident(world)
            let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
            var crowd: [RawClient] = []
            // Each within its limit: 30 of 7 MiB.
            for _ in 0..<30 {
                let client = try RawClient(world.socket)
                for _ in 0..<7 { try? client.send(piece) }
                crowd.append(client)
            }
            try askAsAPerson(world)
            let grown = try resident(world) - small
            if !Sanitizers.isOn { #expect(grown < 150 << 20, "\(grown >> 20) MiB") }
            // Those who went too far were told, and the others are heard.
            var (told, answered) = (0, 0)
            for client in crowd {
                if (try? client.send([0x0A] + Self.tick + [0x0A])) != nil,
                    let answer = try? client.answer(), answer["id"]?.isNull == true,
                    (try? client.answer())?["id"] == 1
                {
                    answered += 1
                } else {
                    told += 1
                }
            }
            #expect(answered >= 5 && told >= 15, "\(answered) answered, \(told) not")
        }
    }
}
