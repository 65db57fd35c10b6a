import NIOCore
import Redis
import TestKit
import Testing

/// With a real Redis that is there all the time.
@Suite(.timeLimit(.minutes(5))) struct RedisConnectionTests {
    @Test func `it connects, tells its name, and has replies of every kind`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        #expect(try await connection.command("CLIENT", "GETNAME") == .bulk("mooncast"))
        #expect(try await connection.command("SET", "key", "value") == .simple("OK"))
        #expect(try await connection.command("GET", "key") == .bulk("value"))
        #expect(try await connection.command("GET", "nothing") == .null)
        #expect(try await connection.command("INCRBY", "number", "-7") == .integer(-7))
        #expect(try await connection.command("RPUSH", "list", "a", "", "c") == .integer(3))
        #expect(
            try await connection.command("LRANGE", "list", "0", "-1") == .array([.bulk("a"), .bulk(""), .bulk("c")]))
        #expect(
            try await connection.command("EVAL", "return {1, {'a', {}}, false}", "0")
                == .array([.integer(1), .array([.bulk("a"), .array([])]), .null]))
        let error = try await connection.failure("INCR", "key")
        #expect(error == .server(RESPError("ERR value is not an integer or out of range")))
        #expect(try await redis.answer(to: "GET", "key") == "value")
        #expect(connection.told == ["connected 1"])
    }

    @Test func `thousands of commands have their replies in order, and every one`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        let done = Collected()
        try await connection.on { connection in
            for number in 0..<10_000 {
                // Errors keep their place, too.
                let command = number % 7 == 0 ? RedisCommand("NONSENSE") : RedisCommand("ECHO", "\(number)")
                connection.send(command) { done.add((try? $0.get()).map { "\($0)" } ?? "error") }
            }
        }
        #expect(try await connection.command("PING") == .simple("PONG"))
        #expect(done.all == (0..<10_000).map { $0 % 7 == 0 ? "error" : "\(RESPValue.bulk("\($0)"))" })
    }

    @Test func `what one turn sends goes out in one write`() async throws {
        let fake = try await FakeRedis.start { number, text in
            text.contains("SETNAME") ? FakeRedis.welcome : .silence
        }
        let connection = try await TestConnection.connected(fake.url)
        try await connection.on { connection in
            for number in 1...20 { connection.send(RedisCommand("ECHO", "\(number)")) }
        }
        let line = await fake.read("ECHO")
        #expect(line.contains(" 1 ") && line.contains(" 20 "))
        try await fake.stop()
    }

    @Test func `values of ten megabytes go both ways`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        let value = ByteBuffer(bytes: (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) })
        var command = RedisCommand("SET", "key")
        command.append(value)
        #expect(try await connection.reply(to: command) == .simple("OK"))
        #expect(try await connection.command("STRLEN", "key") == .integer(10_000_000))
        #expect(try await connection.command("GET", "key") == .bulkString(value))
    }

    @Test func `it works in the database that its URL names`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url + "/3")
        try await connection.command("SET", "key", "value")
        #expect(try await redis.answer(to: "-n", "3", "GET", "key") == "value")
        #expect(try await redis.answer(to: "GET", "key") == "")
    }

    @Test func `a host may be a name or an address`() async throws {
        let redis = try await TestRedis.start()
        for host in ["localhost", "127.0.0.1"] {
            let connection = try await TestConnection.connected("redis://\(host):\(redis.port)")
            #expect(try await connection.command("PING") == .simple("PONG"))
        }
    }

    @Test func `a command on a connection that is not open yet fails in a later turn`() async throws {
        let connection = try await TestConnection.make("redis://127.0.0.1:1")
        let done = Collected()
        try await connection.on { connection in
            connection.send(RedisCommand("PING")) { done.add("\($0)") }
            done.add("sent")
        }
        try await connection.settle()
        #expect(done.all.first == "sent")
        #expect(done.all.count == 2 && done.all[1].contains("Redis is not connected"))
    }

    @Test func `closed, outstanding replies fail in a later turn, and nothing else is told`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        redis.pause()
        let done = Collected()
        try await connection.on { connection in
            for number in 1...2 { connection.send(RedisCommand("PING")) { done.add("\(number) \($0)") } }
            connection.close()
            connection.close()
            done.add("closed")
            connection.send(RedisCommand("PING")) { done.add("3 \($0)") }
            connection.subscribe([ByteBuffer(string: "a")])
            connection.drop("too late")
            connection.open()
        }
        try await connection.settle()
        #expect(done.all.count == 4)
        #expect(done.all.first == "closed")
        for (number, text) in done.all.dropFirst().enumerated() {
            #expect(text.hasPrefix("\(number + 1) ") && text.contains("closed"))
        }
        redis.resume()
        #expect(try await connection.on { $0.isConnected } == false)
        #expect(connection.told == ["connected 1"])
    }

    @Test func `what was sent before the end still reaches Redis`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        let other = try await TestConnection.connected(redis.url)
        try await other.subscribe(["last"])
        await other.told("subscribed last")
        try await connection.on { connection in
            connection.send(RedisCommand("PUBLISH", "last", "words"))
            connection.close()
        }
        await other.told("message last words")
    }

    @Test func `closed while it connects, it never calls back`() async throws {
        let fake = try await FakeRedis.start { _, _ in FakeRedis.welcome }
        let connection = try await TestConnection.make(fake.url)
        try await connection.on { connection in
            connection.open()
            connection.close()
        }
        let second = try await TestConnection.connected(fake.url)
        #expect(connection.told.isEmpty)
        #expect(second.told == ["connected 1"])
        try await fake.stop()
    }
}
