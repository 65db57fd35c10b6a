import NIOCore
import Testing

@testable import Redis

@Suite struct RedisHandshakeTests {
    private func handshake(_ url: String, name: String = "mooncast", requiresPrimary: Bool = false) throws
        -> RedisHandshake
    {
        var configuration = RedisConnection.Configuration(url: try RedisURL(url), name: name)
        configuration.requiresPrimary = requiresPrimary
        return RedisHandshake(configuration)
    }

    private func text(_ handshake: RedisHandshake) -> [String] {
        handshake.commands.map { command in
            var buffer = ByteBuffer()
            command.write(to: &buffer)
            let lines = String(buffer: buffer).split(separator: "\r\n", omittingEmptySubsequences: false)
            return lines.indices.filter { $0 > 0 && $0 % 2 == 0 }.map { String(lines[$0]) }.joined(separator: " ")
        }
    }

    @Test func `it says what the URL asks for, and nothing else`() throws {
        #expect(text(try handshake("redis://h", name: "")) == ["PING"])
        #expect(text(try handshake("redis://h")) == ["CLIENT SETNAME mooncast", "PING"])
        #expect(text(try handshake("redis://:pw@h", name: "")) == ["AUTH pw", "PING"])
        #expect(
            text(try handshake("redis://ann:pw@h/3", requiresPrimary: true))
                == ["AUTH ann pw", "SELECT 3", "CLIENT SETNAME mooncast", "ROLE", "PING"])
    }

    private static let ok = RESPValue.simple("OK")
    private static let pong = RESPValue.simple("PONG")

    @Test func `it is done with the last reply`() throws {
        var handshake = try handshake("redis://:pw@h/3", requiresPrimary: true)
        for reply in [Self.ok, Self.ok, Self.ok, .array([.bulk("master"), .integer(0), .array([])])] {
            #expect(handshake.receive(reply) == .incomplete)
        }
        #expect(handshake.receive(Self.pong) == .done)
    }

    @Test func `what a user may not do, and can be done without, is passed over`() throws {
        var handshake = try handshake("redis://:pw@h", requiresPrimary: true)
        let forbidden = RESPValue.error(RESPError("NOPERM this user has no permissions"))
        #expect(handshake.receive(Self.ok) == .incomplete)
        #expect(handshake.receive(forbidden) == .incomplete)
        #expect(handshake.receive(forbidden) == .incomplete)
        #expect(handshake.receive(forbidden) == .done)
    }

    @Test(arguments: [
        (["WRONGPASS invalid"], "Redis refuses the password: WRONGPASS invalid"),
        (
            ["ERR unknown command 'AUTH', with args beginning with: 'secret' "],
            "Redis refuses the password: ERR unknown command 'AUTH'"
        ),
        (["ERR what is secret"], "Redis refuses the password: ERR what is ***"),
        (["ERR max number of clients reached"], "Redis takes no connection: ERR max number of clients reached"),
        (
            ["DENIED Redis is running in protected mode"],
            "Redis takes no connection: DENIED Redis is running in protected mode"
        ),
        (["", "ERR DB index is out of range"], "Redis refuses database 3: ERR DB index is out of range"),
        (["", "", "", "", "MASTERDOWN Link"], "Redis is not ready: MASTERDOWN Link"),
    ])
    func `a refusal says what is refused, without the password`(_ replies: [String], _ reason: String) throws {
        var handshake = try handshake("redis://:secret@h/3", requiresPrimary: true)
        var outcome = RedisHandshake.Outcome.incomplete
        for reply in replies {
            #expect(outcome == .incomplete)
            outcome = handshake.receive(reply.isEmpty ? Self.ok : .error(RESPError(reply)))
        }
        #expect(outcome == .refused(reason))
    }

    @Test func `a Redis that loads its data is told from one that refuses`() throws {
        var handshake = try handshake("redis://h", name: "")
        #expect(
            handshake.receive(.error(RESPError("LOADING Redis is loading")))
                == .loading("Redis is not ready: LOADING Redis is loading"))
    }

    @Test func `a Redis that wants a password says so, whatever is asked first`() throws {
        var handshake = try handshake("redis://h/3")
        let error = RESPValue.error(RESPError("NOAUTH Authentication required."))
        #expect(handshake.receive(error) == .incomplete)
        #expect(handshake.receive(error) == .incomplete)
        #expect(handshake.receive(error) == .refused("Redis wants a password: NOAUTH Authentication required."))
    }

    @Test(arguments: [("slave", "replica"), ("sentinel", "sentinel")])
    func `a replica is refused where a primary is needed`(_ role: String, _ name: String) throws {
        var handshake = try handshake("redis://h", name: "", requiresPrimary: true)
        #expect(
            handshake.receive(.array([.bulk(role)])) == .refused("this Redis is a \(name), and a primary is needed"))
    }
}
