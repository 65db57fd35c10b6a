import NIOCore
import Redis
import TestKit
import Testing

/// Who may come in, and where.
@Suite(.timeLimit(.minutes(5))) struct RedisAccessTests {
    @Test func `a password is shown to Redis, and to nobody else`() async throws {
        let redis = try await TestRedis.start("--requirepass", "open/sesame")
        let connection = try await TestConnection.connected("redis://:open%2Fsesame@127.0.0.1:\(redis.port)")
        try await connection.command("SET", "key", "value")
        #expect(!connection.log.lines.contains { $0.contains("sesame") })
        #expect(connection.log.lines.contains { $0.contains(":***@") })
    }

    @Test func `a wrong password is told, and tried again later`() async throws {
        let redis = try await TestRedis.start("--requirepass", "secret")
        let clock = ManualClock()
        let connection = try await TestConnection.open("redis://:wrong-one@127.0.0.1:\(redis.port)", clock: clock)
        let reason = "Redis refuses the password: WRONGPASS invalid username-password pair or user is disabled."
        #expect(await connection.told("lost 1") == "lost 1: \(reason)")
        try await connection.advance(.milliseconds(600))
        await connection.told("lost 2")
        try await redis.answer(to: "--no-auth-warning", "-a", "secret", "CONFIG", "SET", "requirepass", "wrong-one")
        try await connection.advance(.seconds(1))
        await connection.told("connected 1")
        #expect(!connection.log.lines.contains { $0.contains("wrong-one") })
    }

    @Test func `a password that is wanted and not given is told`() async throws {
        let redis = try await TestRedis.start("--requirepass", "secret")
        let connection = try await TestConnection.open(redis.url + "/2")
        await connection.told("lost 1: Redis wants a password: NOAUTH Authentication required.")
    }

    @Test func `a password that is given and not wanted is told`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.open("redis://:secret@127.0.0.1:\(redis.port)")
        #expect(
            await connection.told("lost 1").contains("Redis refuses the password: ERR AUTH <password> called without"))
    }

    @Test func `a user with few rights is enough`() async throws {
        let redis = try await TestRedis.start(
            "--user", "ann", "on", ">secret", "~*", "&*", "-@all", "+get", "+set")
        let connection = try await TestConnection.connected("redis://ann:secret@127.0.0.1:\(redis.port)") {
            $0.requiresPrimary = true
        }
        #expect(try await connection.command("SET", "key", "value") == .simple("OK"))
        guard case .server(let error)? = try await connection.failure("DEL", "key") else {
            Issue.record("it may delete")
            return
        }
        #expect(error.code == "NOPERM")
    }

    @Test func `a database that is not there is told`() async throws {
        let redis = try await TestRedis.start()
        let connection = try await TestConnection.open(redis.url + "/99")
        await connection.told("lost 1: Redis refuses database 99: ERR DB index is out of range")
    }

    @Test func `a replica is refused where a primary is needed, until it is one`() async throws {
        let primary = try await TestRedis.start()
        let replica = try await TestRedis.start("--replicaof", "127.0.0.1", "\(primary.port)")
        let connection = try await TestConnection.open(replica.url) { $0.requiresPrimary = true }
        let reason = "this Redis is a replica, and a primary is needed"
        #expect(await connection.told("lost 1") == "lost 1: \(reason)")
        #expect(connection.log.lines.contains { $0.hasPrefix("warning") && $0.contains(reason) })
        try await replica.answer(to: "REPLICAOF", "NO", "ONE")
        await connection.told("connected 1")
    }

    @Test func `without that a replica will do, and says that it is read-only`() async throws {
        let primary = try await TestRedis.start()
        let replica = try await TestRedis.start("--replicaof", "127.0.0.1", "\(primary.port)")
        let connection = try await TestConnection.connected(replica.url)
        guard case .server(let error)? = try await connection.failure("SET", "key", "value") else {
            Issue.record("it takes writes")
            return
        }
        #expect(error.code == "READONLY")
        #expect(try await connection.on { $0.isConnected })
    }

    @Test func `MOVED is an error like any other`() async throws {
        let fake = try await FakeRedis.start { _, text in
            text.contains("SETNAME") ? FakeRedis.welcome : .text("-MOVED 1 127.0.0.1:2\r\n")
        }
        let connection = try await TestConnection.connected(fake.url)
        #expect(try await connection.failure("GET", "key") == .server(RESPError("MOVED 1 127.0.0.1:2")))
        #expect(try await connection.on { $0.isConnected })
        try await fake.stop()
    }

    // MARK: TLS

    @Test func `over TLS it trusts the authority that its URL names`() async throws {
        let redis = try await TestRedis.start(isSecure: true)
        for host in ["127.0.0.1", "localhost"] {
            let connection = try await TestConnection.connected("rediss://\(host):\(redis.port)?ca=\(redis.authority)")
            #expect(try await connection.command("PING") == .simple("PONG"))
            try await connection.subscribe(["a"])
            await connection.told("subscribed a")
            try await redis.answer(to: "PUBLISH", "a", "secretly")
            await connection.told("message a secretly")
        }
    }

    @Test func `or anyone, where it says so`() async throws {
        let redis = try await TestRedis.start(isSecure: true)
        let connection = try await TestConnection.connected("rediss://127.0.0.2:\(redis.port)?verify=none")
        #expect(try await connection.command("PING") == .simple("PONG"))
    }

    @Test func `an authority that vouches for others is told`() async throws {
        let redis = try await TestRedis.start(isSecure: true)
        let files = try TemporaryDirectory(["other.pem": TestCertificate.other, "text.pem": "text"])
        for (query, reason) in [
            ("", "its certificate is of no authority that is trusted here"),
            ("?ca=\(files.path)/other.pem", "its certificate is of no authority that is trusted here"),
            ("?ca=\(files.path)/none.pem", "none.pem': no such file or directory"),
            ("?ca=\(files.path)/text.pem", "text.pem' holds no certificate (expected a PEM file)"),
        ] {
            let connection = try await TestConnection.open(redis.url + query)
            #expect(await connection.told("lost 1").contains(reason))
        }
    }

    @Test func `a certificate for another host is told`() async throws {
        let redis = try await TestRedis.start(isSecure: true)
        let connection = try await TestConnection.open("rediss://127.0.0.2:\(redis.port)?ca=\(redis.authority)")
        #expect(await connection.told("lost 1") == "lost 1: its certificate is for another name than 127.0.0.2")
    }

    @Test func `TLS where none is spoken, and none where it is, fail and are tried again`() async throws {
        let plain = try await TestRedis.start()
        let secure = try await TestRedis.start(isSecure: true)
        let clock = ManualClock()
        let first = try await TestConnection.open("rediss://127.0.0.1:\(plain.port)?verify=none", clock: clock)
        // Redis waits for the end of a line.
        try await first.advance(.milliseconds(5001))
        #expect(await first.told("lost 1").contains("no answer in time; does it speak TLS?"))
        try await first.advance(.seconds(1))
        try await first.advance(.seconds(6))
        await first.told("lost 2")
        let second = try await TestConnection.open("redis://127.0.0.1:\(secure.port)")
        await second.told("lost 2")
    }
}
