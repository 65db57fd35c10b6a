import NIOCore
import TestKit
import Testing

/// Each stream is opened once and closed once, with its reason.
@Suite(.timeLimit(.minutes(5))) struct StreamClosingTests {
    private static let script = """
        HTTPServer.register_route("GET", "/{kind}", function(request, response)
          local kind = request.path_params.kind
          local c = response:start_sse {
            inactivity_duration = kind == "inactive" and 5 or 0,
            max_lifetime = kind == "lifetime" and 5 or 0,
            max_buffered_bytes = kind == "slow" and 1000 or nil,
            ping_duration = 0,
          }
          c.disconnected:connect(function(reason) print("disconnected", c.connection_id, reason, c.active) end)
          c:send("hello")
          if kind == "slow" then
            sleep(0)
            local big = ("x"):rep(1000000)
            local count = 0
            while c:send(big) do
              count = count + 1
              sleep(0)
            end
            print("full")
          end
          if kind == "server" then c:close() end
          if kind == "finish" then c:finish() end
          if kind == "error" then error("oops") end
          if kind == "late-error" then
            sleep(0)
            error("oops")
          end
        end)
        HTTPServer.sse_connection_opened:connect(function(id, path) print("opened", id, path) end)
        HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
        """

    /// Opens the stream, makes it end, and checks what was told.
    private func check(
        _ kind: String,
        _ reason: String,
        threads: Int,
        reads: Bool = true,
        end: (TestServer, TestClient, ManualClock) async throws -> Void = { _, _, _ in }
    ) async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock, threads: threads) { server in
            let client = try await server.connect(reads: reads, receiveBuffer: reads ? nil : 4096)
            try await client.request("GET", "/\(kind)")
            _ = await server.log.wait(for: "opened\t1\t/\(kind)")
            if reads { try await client.wait(for: "data: hello\n\n") }
            try await end(server, client, clock)
            _ = await server.log.wait(for: "disconnected\t1")
            _ = await server.log.wait(for: "closed\t1")
            try await server.settle()
            let told = server.printed.filter {
                $0.hasPrefix("opened") || $0.contains("closed") || $0.contains("disconn")
            }
            #expect(told == ["opened\t1\t/\(kind)", "closed\t1\t\(reason)", "disconnected\t1\t\(reason)\tfalse"])
        }
    }

    @Test(arguments: [1, 2]) func `client: by FIN`(threads: Int) async throws {
        try await check("client", "client", threads: threads) { _, client, _ in try await client.finish() }
    }

    @Test(arguments: [1, 2]) func `client: by a reset`(threads: Int) async throws {
        try await check("client", "client", threads: threads) { _, client, _ in try await client.reset() }
    }

    @Test(arguments: [1, 2]) func `server: by close`(threads: Int) async throws {
        try await check("server", "server", threads: threads) { _, client, _ in
            try await client.waitForEnd()
            #expect(client.events == "data: hello\n\n")
        }
    }

    @Test(arguments: [1, 2]) func `server: by finish`(threads: Int) async throws {
        try await check("finish", "server", threads: threads) { _, client, _ in
            try await client.waitForEnd()
            #expect(client.events.hasPrefix("data: hello\n\n"))
        }
    }

    @Test(arguments: [1, 2]) func `error: the handler raises right away`(threads: Int) async throws {
        try await check("error", "error", threads: threads) { server, client, _ in
            try await client.waitForEnd()
            #expect(client.events == "data: hello\n\n")
            #expect(await server.log.wait(for: "oops").hasPrefix("error main.lua:"))
        }
    }

    @Test(arguments: [1, 2]) func `error: the handler raises after a wait`(threads: Int) async throws {
        try await check("late-error", "error", threads: threads) { _, client, clock in
            clock.advance(by: .zero)
            try await client.waitForEnd()
        }
    }

    @Test(arguments: [1, 2]) func `inactive: nothing was sent for that long`(threads: Int) async throws {
        try await check("inactive", "inactive", threads: threads) { _, client, clock in
            clock.advance(by: .seconds(6))
            try await client.waitForEnd()
        }
    }

    @Test(arguments: [1, 2]) func `lifetime: it was open for that long`(threads: Int) async throws {
        try await check("lifetime", "lifetime", threads: threads) { _, client, clock in
            clock.advance(by: .seconds(6))
            try await client.waitForEnd()
        }
    }

    @Test(arguments: [1, 2]) func `shutdown: HTTPServer.stop`(threads: Int) async throws {
        try await withServer(
            Self.script + """

                HTTPServer.register_route("GET", "/stop/now", function() HTTPServer.stop() end)
                """, threads: threads
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/client")
            try await client.wait(for: "data: hello\n\n")
            _ = try await server.response(to: "/stop/now")
            _ = await server.log.wait(for: "closed\t1\tshutdown")
            try await client.waitForEnd()
            #expect(client.events.hasPrefix("data: hello\n\nretry: "))
        }
    }

    @Test(arguments: [1, 2]) func `slow: the client does not read`(threads: Int) async throws {
        try await withServer(Self.script, threads: threads) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            try await client.request("GET", "/slow")
            _ = await server.log.wait(for: "closed\t1\tslow")
            #expect(
                server.printed.filter { $0.hasPrefix("closed") || $0.hasPrefix("opened") } == [
                    "opened\t1\t/slow", "closed\t1\tslow",
                ])
            try await client.close()
        }
    }

    @Test(arguments: [1, 2])
    func `under churn every opened has one closed and nothing is left`(threads: Int) async throws {
        try await withServer(
            """
            local opened, closed, balance = 0, 0, {}
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse().user = "x"
            end)
            HTTPServer.register_route("GET", "/wait", function(request, response)
              local c = response:start_sse()
              while c:send("x") do sleep(0.001) end
            end)
            HTTPServer.sse_connection_opened:connect(function(id)
              opened = opened + 1
              assert(not balance[id])
              balance[id] = true
            end)
            HTTPServer.sse_connection_closed:connect(function(id)
              closed = closed + 1
              assert(balance[id])
              balance[id] = nil
              if closed == 120 then print("balanced", opened, next(balance), #HTTPServer.get_active_sse_connections()) end
            end)
            """, threads: threads
        ) { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        for round in 0..<20 {
                            let client = try await server.open(round % 2 == 0 ? "/events" : "/wait")
                            switch (worker + round) % 3 {
                            case 0: try await client.reset()
                            case 1: try await client.close()
                            default:
                                try await client.finish()
                                try await client.waitForEnd()
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await server.log.wait(for: "balanced") == "info balanced\t120\tnil\t0")
            #expect(!server.log.lines.contains { $0.hasPrefix("error") })
        }
    }
}
