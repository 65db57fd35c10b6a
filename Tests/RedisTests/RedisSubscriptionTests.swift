import NIOCore
import NIOPosix
import Redis
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct RedisSubscriptionTests {
    @Test func `messages come in order, from the confirmation to the end of the subscription`() async throws {
        let redis = try await TestRedis.start()
        let subscriber = try await TestConnection.connected(redis.url)
        let publisher = try await TestConnection.connected(redis.url)
        try await subscriber.subscribe(["a", "b"])
        await subscriber.told("subscribed b")
        for number in 1...100 {
            let channel = number % 3 == 0 ? "b" : "a"
            #expect(try await publisher.command("PUBLISH", channel, "\(number).") == .integer(1))
        }
        await subscriber.told(" 100.")
        #expect(
            subscriber.told
                == ["connected 1", "subscribed a", "subscribed b"]
                + (1...100).map { "message \($0 % 3 == 0 ? "b" : "a") \($0)." })
        try await subscriber.on { $0.unsubscribe([ByteBuffer(string: "a"), ByteBuffer(string: "b")]) }
        // No longer subscribed to anything, it takes commands again.
        #expect(try await subscriber.command("ECHO", "after") == .bulk("after"))
        #expect(try await publisher.command("PUBLISH", "a", "x") == .integer(0))
    }

    @Test func `ten thousand subscriptions are made in batches, among ordinary replies and messages`() async throws {
        let redis = try await TestRedis.start()
        let subscriber = try await TestConnection.connected(redis.url)
        let publisher = try await TestConnection.connected(redis.url)
        let channels = (1...10_000).map { "channel \($0)" }
        let done = Collected()
        try await subscriber.on { connection in
            connection.send(RedisCommand("ECHO", "first")) { done.add("\((try? $0.get()) == .bulk("first"))") }
            connection.subscribe(channels.map { ByteBuffer(string: $0) })
            connection.send(RedisCommand("PING")) {
                done.add("\((try? $0.get()) == .array([.bulk("pong"), .bulk("")]))")
            }
        }
        await subscriber.told("subscribed channel 10000")
        #expect(subscriber.told == ["connected 1"] + channels.map { "subscribed \($0)" })
        try await subscriber.settle()
        for channel in ["channel 1", "channel 5000", "channel 10000"] {
            #expect(try await publisher.command("PUBLISH", channel, "x") == .integer(1))
        }
        await subscriber.told("message channel 10000 x")
        #expect(done.all == ["true", "true"])
        #expect(try await redis.answer(to: "INFO", "commandstats").contains("cmdstat_subscribe:calls=10,"))
        try await subscriber.on { $0.unsubscribe(channels.map { ByteBuffer(string: $0) }) }
        #expect(try await subscriber.command("ECHO", "after") == .bulk("after"))
    }

    @Test func `bytes of any kind pass, in channels and in messages`() async throws {
        let redis = try await TestRedis.start()
        let subscriber = try await TestConnection.connected(redis.url)
        let publisher = try await TestConnection.connected(redis.url)
        let channel = ByteBuffer(bytes: [0, 13, 10, 255, 0x24])
        let payload = ByteBuffer(bytes: (0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        let got = Collected()
        try await subscriber.on { connection in
            connection.onMessage = { got.add("\($0 == channel) \($1 == payload)") }
            connection.subscribe([channel])
        }
        // Two bytes of it are not UTF-8.
        await subscriber.told("subscribed")
        var command = RedisCommand("PUBLISH")
        command.append(channel)
        command.append(payload)
        #expect(try await publisher.reply(to: command) == .integer(1))
        try await subscriber.subscribe(["end"])
        await subscriber.told("subscribed end")
        #expect(got.all == ["true true"])
    }

    @Test func `a subscription that is refused is told, and logged`() async throws {
        let redis = try await TestRedis.start("--user", "ann", "on", ">secret", "&allowed*", "+@all")
        let connection = try await TestConnection.connected("redis://ann:secret@127.0.0.1:\(redis.port)")
        try await connection.subscribe(["allowed 1", "forbidden"])
        await connection.told("refused 2: NOPERM")
        try await connection.subscribe(["allowed 2"])
        await connection.told("subscribed allowed 2")
        #expect(!connection.told.contains("subscribed allowed 1"))
        #expect(connection.log.lines.contains { $0.hasPrefix("warning Redis refuses a subscription error=NOPERM") })
    }

    @Test func `who reads too slowly for Redis' output buffer is cut off, and a torn message is not given`()
        async throws
    {
        let redis = try await TestRedis.start("--client-output-buffer-limit", "pubsub 1mb 1mb 1")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let subscriber = try await TestConnection.make(redis.url, group: group)
        try await subscriber.on { $0.open() }
        await subscriber.told("connected 1")
        let publisher = try await TestConnection.connected(redis.url)
        try await subscriber.subscribe(["a"])
        await subscriber.told("subscribed a")
        let (sizes, gate) = (Collected(), Gate())
        try await subscriber.on { connection in
            connection.onMessage = { _, payload in
                gate.wait()
                sizes.add("\(payload.readableBytes)")
            }
        }
        let payload = ByteBuffer(repeating: 0x61, count: 300_000)
        for _ in 0..<100 {
            var command = RedisCommand("PUBLISH", "a")
            command.append(payload)
            if try await publisher.reply(to: command) == .integer(0) { break }
        }
        gate.open()
        let reason = await subscriber.told("lost 1")
        #expect(reason.contains("closed") || reason.contains("reset"))
        await subscriber.told("connected 2")
        #expect(sizes.all.count < 100)
        #expect(sizes.all.allSatisfy { $0 == "300000" })
        try await subscriber.on { $0.close() }
        try await group.shutdownGracefully()
    }
}
