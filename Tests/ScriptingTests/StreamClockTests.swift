import NIOCore
import TestKit
import Testing

/// Heartbeat, inactivity, lifetime and retry, under a clock moved by hand.
@Suite(.timeLimit(.minutes(5))) struct StreamClockTests {
    private func withStream(
        _ options: String,
        threads: Int,
        _ body: (TestServer, TestClient, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse(\(options))
              c:send("first")
              print("opened_at", c.opened_at == Time.monotonic())
            end)
            HTTPServer.register_route("GET", "/send/{what}", function(request, response)
              HTTPServer.send_sse_data(1, request.path_params.what)
            end)
            HTTPServer.register_route("GET", "/age", function(request, response)
              response.body = tostring(Time.monotonic() - HTTPServer.get_sse_connection(1).opened_at)
            end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", reason) end)
            """, clock: clock, threads: threads
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: first\n\n")
            try await body(server, client, clock)
            try await client.close()
        }
    }

    /// Sends an event and waits until it is there.
    private func send(_ what: String, _ server: TestServer, _ client: TestClient) async throws {
        _ = try await server.response(to: "/send/\(what)")
        try await client.wait(for: "data: \(what)\n\n")
    }

    @Test(arguments: [1, 2])
    func `the heartbeat comes when nothing was written for 15 seconds`(threads: Int) async throws {
        try await withStream("nil", threads: threads) { server, client, clock in
            clock.advance(by: .seconds(14))
            try await send("a", server, client)
            clock.advance(by: .seconds(14))
            try await send("b", server, client)
            clock.advance(by: .seconds(15))
            try await client.wait(for: "data: b\n\n:\n")
            clock.advance(by: .seconds(15))
            try await client.wait(for: "data: b\n\n:\n:\n")
            #expect(client.stream == "data: first\n\ndata: a\n\ndata: b\n\n:\n:\n")
        }
    }

    @Test func `ping_duration sets the heartbeat, and 0 is none`() async throws {
        try await withStream("{ ping_duration = 0.5 }", threads: 1) { server, client, clock in
            clock.advance(by: .milliseconds(500))
            try await client.wait(for: "data: first\n\n:\n")
        }
        try await withStream("{ ping_duration = 0 }", threads: 1) { server, client, clock in
            clock.advance(by: .hours(1))
            try await send("a", server, client)
            #expect(client.stream == "data: first\n\ndata: a\n\n")
        }
    }

    @Test(arguments: [1, 2])
    func `inactivity counts what scripts send, not heartbeats`(threads: Int) async throws {
        try await withStream("{ inactivity_duration = 40 }", threads: threads) { server, client, clock in
            for round in 1...3 {
                clock.advance(by: .seconds(30))
                try await send("\(round)", server, client)
            }
            clock.advance(by: .seconds(15))
            try await client.wait(for: "data: 3\n\n:\n")
            clock.advance(by: .seconds(15))
            try await client.wait(for: "data: 3\n\n:\n:\n")
            clock.advance(by: .seconds(10))
            try await client.waitForEnd()
            #expect(await server.log.wait(for: "closed") == "info closed\tinactive")
        }
    }

    @Test(arguments: [1, 2])
    func `the lifetime is within 10 percent of what was asked`(threads: Int) async throws {
        try await withStream("{ max_lifetime = 100, ping_duration = 0 }", threads: threads) { server, client, clock in
            clock.advance(by: .seconds(89))
            try await send("still", server, client)
            clock.advance(by: .seconds(22))
            try await client.waitForEnd()
            #expect(await server.log.wait(for: "closed") == "info closed\tlifetime")
        }
    }

    @Test func `streams opened together do not end together`() async throws {
        let clock = ManualClock()
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse { max_lifetime = 1000, ping_duration = 0 }
            end)
            HTTPServer.register_route("GET", "/count", function(request, response)
              response.body = tostring(#HTTPServer.get_active_sse_connections())
            end)
            """, clock: clock
        ) { server in
            for _ in 0..<40 { _ = try await server.open() }
            var counts: [Int] = []
            clock.advance(by: .seconds(899))
            for _ in 0..<21 {
                try await server.settle()
                counts.append(Int(try await server.body("/count")) ?? -1)
                clock.advance(by: .seconds(10))
            }
            #expect(counts.first == 40)
            while try await server.body("/count") != "0" {}  // told by another thread
            #expect(Set(counts).count > 4, "\(counts)")
        }
    }

    @Test func `retry is the first thing in the stream`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse { retry = 2500 }:send("x")
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.wait(for: "data: x\n\n")
            let stream = client.text.firstRange(of: "\r\n\r\n").map { String(client.text[$0.upperBound...]) }
            #expect(stream == ":\nretry: 2500\ndata: x\n\n" || stream == "retry: 2500\n:\ndata: x\n\n")
        }
    }

    @Test func `opened_at is the monotonic second`() async throws {
        try await withStream("nil", threads: 1) { server, client, clock async throws in
            #expect(server.printed.contains("opened_at\ttrue"))
            clock.advance(by: .seconds(7))
            #expect(try await server.body("/age") == "7.0")
        }
    }
}
