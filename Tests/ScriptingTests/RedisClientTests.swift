import NIOCore
import Scripting
import TestKit
import Testing

/// `Redis` as scripts see it, with a real one.
@Suite(.timeLimit(.minutes(5))) struct RedisClientTests {
    /// Scripts that do connect, under a clock that stands still.
    private func load(_ script: String, files: [String: String] = [:]) async throws -> Scripts {
        var files = files
        files["main.lua"] = script
        let scripts = try await Scripts.make(try TemporaryDirectory(files)) { $0.isCheck = false }
        try await scripts.host.load().get()
        return scripts
    }

    /// What a script prints until it says that it is done, while nothing befalls Redis.
    private func prints(of script: String, on redis: TestRedis) async throws -> [String] {
        let scripts = try await load(
            "local redis = Redis.connect('\(redis.url)')\nspawn(function()\n\(script)\nprint('done')\nend)")
        _ = await scripts.log.wait(for: "info done")
        #expect(scripts.errors.isEmpty)
        return scripts.said.dropLast()
    }

    @Test func `replies are the values that Redis' own scripts would have`() async throws {
        let redis = try await TestRedis.start()
        let prints = try await prints(
            of: #"""
                print(redis:command("SET", "key", "a\0b\r\n"))
                print(#redis:command("GET", "key"), redis:command("get", "key") == "a\0b\r\n")
                print(redis:command("GET", "nothing"))
                local count = redis:command("INCRBY", "number", 9007199254740993)
                print(count, math.type(count))
                redis:command("RPUSH", "list", "x", "", "z")
                print(table.concat(redis:command("LRANGE", "list", 0, -1), ","))
                print(#redis:command("LRANGE", "nothing", 0, -1))
                local values = redis:command("MGET", "nothing", "number", "nothing")
                print(#values, values[1], values[2], values[3])
                local nested = redis:command("EVAL", "return {{1, {'deep'}}, {}, false, redis.error_reply('ERR odd')}", 0)
                print(nested[1][1], nested[1][2][1], #nested[2], nested[3], nested[4].err)
                """#, on: redis)
        #expect(
            prints == [
                "OK", "5\ttrue", "nil", "9007199254740993\tinteger", "x,,z", "0", "3\tfalse\t9007199254740993\tfalse",
                "1\tdeep\t0\tfalse\tERR odd",
            ])
    }

    @Test func `numbers are written without a point where they are whole`() async throws {
        let redis = try await TestRedis.start()
        let prints = try await prints(
            of: """
                for _, number in ipairs { 3.0, -0.5, 0.1, 1e15, 1e300, math.mininteger } do
                  print(redis:command("ECHO", number))
                end
                """, on: redis)
        #expect(prints == ["3", "-0.5", "0.1", "1000000000000000", "1e+300", "-9223372036854775808"])
    }

    @Test func `an error of Redis is nil and its message`() async throws {
        let redis = try await TestRedis.start()
        let prints = try await prints(
            of: """
                redis:command("SET", "key", "text")
                print(redis:command("INCR", "key"))
                print(select("#", redis:command("NONSENSE")))
                print(redis:command("ECHO", "still there"))
                """, on: redis)
        #expect(prints == ["nil\tERR value is not an integer or out of range", "2", "still there"])
    }

    @Test func `commands of many coroutines have their own replies`() async throws {
        let redis = try await TestRedis.start()
        let prints = try await prints(
            of: """
                local right = 0
                for number = 1, 1000 do
                  spawn(function()
                    if redis:command("ECHO", "n" .. number) == "n" .. number then right = right + 1 end
                  end)
                end
                redis:command("PING")
                print(right)
                """, on: redis)
        #expect(prints == ["1000"])
    }

    @Test(arguments: [
        ("redis:command()", "Redis.command: takes 1 to 255 arguments, got 0"),
        ("redis:command(nil)", "Redis.command: argument 1 (name) must be a string, got nil"),
        ("redis:command('SET', 'key', true)", "argument 3 (argument) must be a string or a number, got boolean"),
        ("redis:command('SET', 'key', nil)", "argument 3 (argument) must be a string or a number, got nil"),
        ("redis:command('SET', {})", "argument 2 (argument) must be a string or a number, got table"),
        ("redis.command('PING')", "use redis:command()"),
        ("redis:subscribe('a')", "Redis.subscribe: takes 2 arguments, got 1"),
        ("redis:subscribe('a', 'b')", "Redis.subscribe: argument 2 (callback) must be a function, got string"),
        ("Redis.connect()", "Redis.connect: takes 1 argument, got 0"),
        ("Redis.connect('http://h')", "Redis.connect: argument 1 (url) must begin with redis:// or rediss://"),
        ("Redis.connect('redis://h/x')", "argument 1 (url) must have a number for a database"),
        ("Redis.connect('redis://secret@h')", "has a user without a password"),
        (
            "table.sort({1, 2}, function() redis:command('PING') return false end)",
            "cannot wait inside table.sort"
        ),
    ])
    func `misuse is an error with its place, without a password`(_ code: String, _ message: String) async throws {
        let report = try await Scripts.failure("local redis = Redis.connect('redis://127.0.0.1:1')\n\(code)")
        #expect(report.message.contains("main.lua:2: "))
        #expect(report.message.contains(message), "\(report.message)")
        #expect(!report.message.contains("secret"))
    }

    @Test func `where scripts are only looked at, nothing is connected and no command waits`() async throws {
        let redis = try await TestRedis.start()
        let scripts = try await Scripts.load(
            """
            local redis = Redis.connect('\(redis.url)')
            print(redis:command("PING"))
            print(redis:subscribe("a", function() end), redis:is_online())
            """)
        #expect(scripts.printed == ["nil\tRedis is not connected", "0\tfalse"])
        #expect(try await !redis.answer(to: "CLIENT", "LIST").contains("name=mooncast"))
    }

    // MARK: the connection

    @Test func `signals tell when it comes and goes, and a command waits for it`() async throws {
        let redis = try await TestRedis.start()
        let scripts = try await load(
            """
            REDIS = Redis.connect('\(redis.url)')
            REDIS.connected:connect(function() print("connected", REDIS:is_online()) end)
            REDIS:connect("disconnected", function(reason) print("lost", type(reason), REDIS:is_online()) end)
            spawn(function() print("first", REDIS:command("PING")) end)
            local timer = Timer.new { wait_time = 0.7, autostart = true }
            timer.timeout:connect(function() print("later", REDIS:command("PING")) end)
            """)
        _ = await scripts.log.wait(for: "first\tPONG")
        #expect(scripts.said.contains("connected\ttrue"))
        await redis.crash()
        _ = await scripts.log.wait(for: "lost\tstring\tfalse")
        try await redis.restart()
        try await scripts.advance(.milliseconds(700))
        _ = await scripts.log.wait(for: "later\tPONG")
        #expect(scripts.said.filter { $0.hasPrefix("lost") }.count == 1)
        #expect(scripts.said.filter { $0.hasPrefix("connected") }.count == 2)
    }

    @Test func `a command waits five seconds for a connection, and says what is wrong`() async throws {
        let scripts = try await load(
            """
            local redis = Redis.connect("redis://127.0.0.1:1")
            redis.disconnected:connect(function(reason) print("lost", reason) end)
            spawn(function() print("reply", redis:command("PING")) end)
            """)
        let reason = "no connection to 127.0.0.1:1: connection refused"
        _ = await scripts.log.wait(for: "lost\t\(reason)")
        try await scripts.advance(.milliseconds(4900))
        #expect(!scripts.said.contains { $0.hasPrefix("reply") })
        try await scripts.advance(.milliseconds(200))
        _ = await scripts.log.wait(for: "reply\tnil\t\(reason)")
        // Each further attempt that fails is no news.
        #expect(scripts.said.filter { $0.hasPrefix("lost") }.count == 1)
    }

    @Test func `a command whose connection breaks has no reply, and is not sent again`() async throws {
        let redis = try await TestRedis.start()
        let scripts = try await load(
            """
            REDIS = Redis.connect('\(redis.url)')
            spawn(function()
              REDIS:command("PING")
              print("ready")
              print("reply", REDIS:command("BLPOP", "nothing", 0))
            end)
            """)
        _ = await scripts.log.wait(for: "ready")
        try await scripts.settle()
        try await redis.answer(to: "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        _ = await scripts.log.wait(for: "reply\tnil\t")
        try await scripts.advance(.seconds(1))
        #expect(try await redis.answer(to: "INFO", "commandstats").contains("cmdstat_blpop:calls=1,"))
    }

    @Test func `a closed one answers nil, and takes back what waits`() async throws {
        let scripts = try await load(
            """
            local redis = Redis.connect("redis://127.0.0.1:1")
            spawn(function() print("waited", redis:command("PING")) end)
            redis:close()
            redis:close()
            print("closed", redis:command("PING"))
            print(redis:is_online(), redis:subscribe("a", print), redis:unsubscribe("a"))
            """)
        try await scripts.settle()
        #expect(
            scripts.said.sorted() == [
                "closed\tnil\tthe connection was closed", "false\t3\t33", "waited\tnil\tthe connection was closed",
            ])
        // It does not try any more.
        try await scripts.advance(.seconds(20), times: 3)
        #expect(scripts.log.lines.filter { $0.hasPrefix("warning") }.count <= 1)
    }

    @Test func `the file of an authority starts at the script directory`() async throws {
        let redis = try await TestRedis.start(isSecure: true)
        let scripts = try await load(
            """
            local redis = Redis.connect("\(redis.url)?ca=tls/ca.pem")
            spawn(function() print("reply", redis:command("PING")) end)
            """, files: ["tls/ca.pem": TestCertificate.certificate])
        _ = await scripts.log.wait(for: "reply\tPONG")
    }

    // MARK: messages

    @Test func `each message runs the callback in a coroutine of its own`() async throws {
        let redis = try await TestRedis.start()
        let scripts = try await load(
            #"""
            REDIS = Redis.connect('\#(redis.url)')
            REDIS:subscribe("news", function(message, channel)
              print(channel, message)
              if message == "bad" then error("on purpose") end
              sleep(1)
              print("after", message)
            end)
            REDIS:subscribe("end", function() print("end") end)
            spawn(function()
              while REDIS:command("PUBLISH", "end", "is it there?") == 0 do end
              print("subscribed")
            end)
            """#)
        _ = await scripts.log.wait(for: "subscribed")
        for message in ["1", "bad", "2"] {
            #expect(try await redis.answer(to: "PUBLISH", "news", message) == "1")
        }
        _ = await scripts.log.wait(for: "news\t2")
        try await scripts.advance(.seconds(1))
        _ = await scripts.log.wait(for: "after\t2")
        let said = scripts.said.filter { $0.contains("news") || $0.contains("after") }
        #expect(said == ["news\t1", "news\tbad", "news\t2", "after\t1", "after\t2"])
        #expect(scripts.errors.count == 1)
        #expect(scripts.errors.first?.contains("on purpose") == true)
    }

    @Test func `subscriptions are made again after a loss, but for what was given up`() async throws {
        let redis = try await TestRedis.start()
        let scripts = try await load(
            """
            REDIS = Redis.connect('\(redis.url)')
            for _, name in ipairs { "a", "b", "c" } do
              REDIS:subscribe(name, function(message) print(name, message) end)
            end
            print(REDIS:unsubscribe("b"), REDIS:unsubscribe("b"))
            -- In place of the one before.
            REDIS:subscribe("c", function(message) print("new c", message) end)
            """)
        #expect(scripts.said.first == "0\t33")
        for round in 1...3 {
            while try await redis.answer(to: "PUBSUB", "NUMSUB", "a", "b", "c") != "a\n1\nb\n0\nc\n1" {
                try await scripts.advance(.milliseconds(100))
            }
            for channel in ["a", "b", "c"] { try await redis.answer(to: "PUBLISH", channel, "\(round)") }
            _ = await scripts.log.wait(for: "new c\t\(round)")
            try await redis.answer(to: "CLIENT", "KILL", "TYPE", "pubsub")
        }
        #expect(scripts.said.dropFirst() == ["a\t1", "new c\t1", "a\t2", "new c\t2", "a\t3", "new c\t3"])
    }
}

extension Scripts {
    /// What scripts have printed, without what the host says of Redis.
    fileprivate var said: [String] { printed.filter { !$0.hasPrefix("Redis is ") } }
}
