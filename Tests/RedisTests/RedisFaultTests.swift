import NIOCore
import Redis
import TestKit
import Testing

/// With servers that are no Redis, or one in a bad state.
@Suite(.timeLimit(.minutes(5))) struct RedisFaultTests {
    @Test(arguments: [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "this is not Redis' protocol: a value begins with 'H'"),
        ("\u{0}\u{1}", "this is not Redis' protocol: a value begins with the byte 0x00"),
        ("+OK\r\n+PONG\r\n$3\r\nabcd\r\n", "this is not Redis' protocol: no CR LF follows a bulk string"),
        ("+OK\r\n+PONG\r\n+OK\r\n", "this is not Redis' protocol: a reply that nobody asked for"),
    ])
    func `who speaks something else is left, and tried again`(_ answer: String, _ reason: String) async throws {
        let fake = try await FakeRedis.start { number, _ in number == 1 ? .text(answer) : FakeRedis.welcome }
        let connection = try await TestConnection.open(fake.url)
        #expect(await connection.told("lost 1") == "lost 1: \(reason)")
        await fake.read("2: ")
        #expect(connection.log.lines.contains { $0.hasPrefix("warning") && $0.contains(reason) })
        try await fake.stop()
    }

    @Test func `garbage fails what is outstanding`() async throws {
        let fake = try await FakeRedis.start { _, text in text.contains("SETNAME") ? FakeRedis.welcome : .text("?") }
        let connection = try await TestConnection.connected(fake.url)
        let reason = "this is not Redis' protocol: a value begins with '?'"
        #expect(try await connection.failure("GET", "key") == .connectionLost(reason))
        await connection.told("lost 1: \(reason)")
        await connection.told("connected 2")
        try await fake.stop()
    }

    @Test func `while Redis loads its data it is asked again and again`() async throws {
        let loading = "LOADING Redis is loading the dataset in memory"
        let fake = try await FakeRedis.start { number, _ in
            number < 3 ? .text("+OK\r\n-\(loading)\r\n") : FakeRedis.welcome
        }
        let connection = try await TestConnection.open(fake.url)
        await connection.told("connected 1")
        #expect(
            connection.told == [
                "lost 1: Redis is not ready: \(loading)", "lost 2: Redis is not ready: \(loading)", "connected 1",
            ])
        #expect(connection.log.lines.count == 2)
        try await fake.stop()
    }

    @Test func `LOADING and READONLY later on are errors of the command`() async throws {
        let fake = try await FakeRedis.start { _, text in
            text.contains("SETNAME")
                ? FakeRedis.welcome : .text(text.contains("GET") ? "-LOADING x\r\n" : "-READONLY x\r\n")
        }
        let connection = try await TestConnection.connected(fake.url)
        #expect(try await connection.failure("GET", "key") == .server(RESPError("LOADING x")))
        #expect(try await connection.failure("SET", "key", "value") == .server(RESPError("READONLY x")))
        #expect(connection.told == ["connected 1"])
        try await fake.stop()
    }

    @Test func `who accepts and says nothing is left after five seconds`() async throws {
        let fake = try await FakeRedis.start { _, _ in .silence }
        let clock = ManualClock()
        let connection = try await TestConnection.open(fake.url, clock: clock)
        await fake.read("PING")
        try await connection.advance(.milliseconds(4999))
        #expect(connection.told.isEmpty)
        try await connection.advance(.milliseconds(2))
        #expect(connection.told.first?.contains("accepts connections, but does not answer") == true)
        try await connection.advance(.milliseconds(600))
        await fake.read("2: ")
        try await fake.stop()
    }

    @Test func `who closes in the handshake is tried again`() async throws {
        let fake = try await FakeRedis.start { number, _ in number == 1 ? .close : FakeRedis.welcome }
        let connection = try await TestConnection.open(fake.url)
        await connection.told("lost 1: Redis closed the connection")
        await connection.told("connected 1")
        try await fake.stop()
    }

    @Test func `a reply that comes in crumbs is a reply, and a half one is none`() async throws {
        let fake = try await FakeRedis.start { _, text in text.contains("SETNAME") ? FakeRedis.welcome : .silence }
        let connection = try await TestConnection.connected(fake.url)
        let replies = Collected()
        try await connection.on { connection in
            for number in 1...2 {
                connection.send(RedisCommand("ECHO", "\(number)")) { replies.add("\(number) \($0)") }
            }
        }
        await fake.read("ECHO")
        for crumb in ["$", "5", "\r", "\nhe", "llo", "\r", "\n$5\r\nhel"] { try await fake.send(crumb) }
        try await fake.stop()
        await connection.told("lost 1")
        #expect(replies.all.count == 2)
        #expect(replies.all[0].contains("success") && replies.all[1].contains("failure"))
    }

    @Test func `a host that does not exist is told`() async throws {
        let connection = try await TestConnection.open("redis://no-such-host.invalid")
        #expect(await connection.told("lost 1").contains("no-such-host.invalid:6379: there is no such host"))
    }
}
