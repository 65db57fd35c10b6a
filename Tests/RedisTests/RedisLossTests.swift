import NIOCore
import Redis
import TestKit
import Testing

/// With a real Redis that dies, stands still, comes back.
@Suite(.timeLimit(.minutes(5))) struct RedisLossTests {
    @Test func `killed, it fails what is outstanding, and is back when Redis is`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        redis.pause()
        let replies = Collected()
        try await connection.on { connection in
            for number in 1...3 {
                connection.send(RedisCommand("ECHO", "\(number)")) { replies.add("\(number) \($0)") }
            }
        }
        await redis.crash()
        await connection.told("lost 1")
        // All of them, in order, and before the loss is told.
        #expect(replies.all.count == 3)
        for (number, text) in replies.all.enumerated() {
            #expect(text.hasPrefix("\(number + 1) ") && text.contains("failure"))
        }
        #expect(try await connection.on { $0.isConnected } == false)
        #expect(try await connection.failure("PING") == .connectionLost("Redis is not connected"))
        // At least one attempt meets nobody.
        #expect(
            await connection.told("lost 2").contains("no connection to 127.0.0.1:\(redis.port): connection refused"))
        try await redis.restart()
        await connection.told("connected 2")
        #expect(try await connection.command("PING") == .simple("PONG"))
    }

    @Test func `the log has a line per change of state and reason, however often it tries`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        await redis.crash()
        await connection.told("lost 1")
        for attempt in 2...5 {
            try await connection.advance(.seconds(10))
            await connection.told("lost \(attempt)")
        }
        try await redis.restart()
        try await connection.advance(.seconds(12))
        await connection.told("connected 2")
        let address = "redis=redis://127.0.0.1:\(redis.port)"
        #expect(connection.log.lines.count == 4)
        #expect(connection.log.lines.first == "info Redis is connected \(address)")
        #expect(connection.log.lines.last == "info Redis is connected \(address)")
        for line in connection.log.lines[1...2] {
            #expect(line.contains("warning Redis is not connected") && line.contains(address))
        }
        #expect(connection.log.lines[2].contains("connection refused"))
    }

    @Test func `after a minute of failures the log has another line`() async throws {
        let clock = ManualClock()
        let connection = try await TestConnection.open("redis://127.0.0.1:1", clock: clock)
        await connection.told("lost 1")
        for attempt in 2...8 {
            try await connection.advance(.seconds(12))
            await connection.told("lost \(attempt)")
        }
        let warnings = connection.log.lines.filter { $0.hasPrefix("warning") }
        #expect(warnings.count == 2)
        #expect(warnings.last?.contains("attempts=6") == true)
    }

    @Test func `a Redis that stands still is asked, then given up, and found again`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        redis.pause()
        try await connection.advance(.seconds(5))
        #expect(connection.told == ["connected 1"])
        try await connection.advance(.milliseconds(4999))
        #expect(connection.told == ["connected 1"])
        try await connection.advance(.milliseconds(2))
        #expect(connection.told == ["connected 1", "lost 1: Redis did not answer in time"])
        redis.resume()
        try await connection.advance(.seconds(1))
        await connection.told("connected 2")
    }

    @Test func `it stands still with a command outstanding: given up after the patience`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        redis.pause()
        try await connection.advance(.seconds(3))
        let replies = Collected()
        try await connection.on { $0.send(RedisCommand("PING")) { replies.add("\($0)") } }
        try await connection.advance(.milliseconds(4999))
        #expect(replies.all.isEmpty)
        try await connection.advance(.seconds(1))
        #expect(connection.told == ["connected 1", "lost 1: Redis did not answer in time"])
        #expect(replies.all.count == 1)
        redis.resume()
    }

    @Test func `a Redis that is only idle is kept`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        for number in 1...20 {
            try await connection.advance(.seconds(5))
            // Its reply comes behind the one to the question.
            #expect(try await connection.command("ECHO", "\(number)") == .bulk("\(number)"))
        }
        #expect(connection.told == ["connected 1"])
        #expect(try await redis.answer(to: "INFO", "commandstats").contains("cmdstat_ping:calls=21,"))
    }

    @Test func `so is one that is subscribed to and says nothing`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        try await connection.subscribe(["a"])
        await connection.told("subscribed a")
        for number in 1...20 {
            try await connection.advance(.seconds(5))
            // The subscription's confirmation comes behind the reply to the question.
            try await connection.subscribe(["a \(number)."])
            await connection.told("subscribed a \(number).")
        }
        try await redis.answer(to: "PUBLISH", "a", "still here")
        await connection.told("message a still here")
        #expect(!connection.told.contains { $0.hasPrefix("lost") })
    }

    @Test func `dropped, it fails what is outstanding in a later turn, and comes back at once`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        let replies = Collected()
        try await connection.on { connection in
            connection.send(RedisCommand("ECHO", "x")) { replies.add("\($0)") }
            connection.drop("it is a replica now")
            replies.add("dropped, connected: \(connection.isConnected)")
            connection.drop("twice")
        }
        await connection.told("lost 1: it is a replica now")
        #expect(replies.all.count == 2)
        #expect(replies.all.first == "dropped, connected: false")
        #expect(replies.all.last?.contains("it is a replica now") == true)
        try await connection.advance(.milliseconds(1))
        await connection.told("connected 2")
        try await connection.on { $0.drop("again") }
        try await connection.settle()
        try await connection.advance(.milliseconds(400))
        #expect(connection.told.last == "lost 2: again")
        try await connection.advance(.milliseconds(200))
        await connection.told("connected 3")
    }

    @Test func `hurried, it does not wait for its next attempt`() async throws {
        let redis = try await TestRedis.start()
        let clock = ManualClock()
        let connection = try await TestConnection.connected(redis.url, clock: clock)
        await redis.crash()
        await connection.told("lost 1")
        try await redis.restart()
        try await connection.on { $0.hurry() }
        await connection.told("connected 2")
        // It has no effect on a connection that stands.
        try await connection.on { $0.hurry() }
        #expect(try await connection.command("PING") == .simple("PONG"))
    }

    @Test func `a drop is told also where it is hurried`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        try await connection.on { connection in
            connection.drop("it is a replica now")
            connection.hurry()
        }
        await connection.told("connected 2")
        #expect(connection.told == ["connected 1", "lost 1: it is a replica now", "connected 2"])
    }

    @Test func `a callback may close the connection at any time`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        let replies = Collected()
        try await connection.on { connection in
            connection.send(RedisCommand("ECHO", "1")) {
                replies.add("1 \($0)")
                connection.close()
            }
            for number in 2...3 {
                connection.send(RedisCommand("ECHO", "\(number)")) { replies.add("\(number) \($0)") }
            }
        }
        let other = try await TestConnection.connected(redis.url)
        try await other.command("PING")
        try await connection.settle()
        #expect(replies.all.count == 3)
        #expect(replies.all[0].contains("success"))
        #expect(replies.all[1].contains("closed") && replies.all[2].contains("closed"))
        #expect(connection.told == ["connected 1"])
    }

    @Test func `a reply that fails for the loss may close the connection`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.connected(redis.url)
        redis.pause()
        let replies = Collected()
        try await connection.on { connection in
            connection.send(RedisCommand("PING")) { _ in
                connection.close()
                replies.add("closed")
            }
        }
        await redis.crash()
        try await redis.restart()
        let other = try await TestConnection.connected(redis.url)
        try await other.command("PING")
        try await connection.settle()
        #expect(replies.all == ["closed"])
        #expect(connection.told == ["connected 1"])
    }
}
