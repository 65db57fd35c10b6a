import NIOCore
import TestKit
import Testing

/// Line 21 of the promises, for the server's side of it.
@Suite(.timeLimit(.minutes(5))) struct ShutdownTests {
    private static let script = """
        HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse() end)
        HTTPServer.register_route("GET", "/page", function(request, response) response.body = "page" end)
        HTTPServer.register_route("POST", "/page", function(request, response) response.body = request.body end)
        HTTPServer.register_route("GET", "/sleep", function(request, response)
            print("sleeping")
            sleep(5)
            response.body = "slept"
        end)
        HTTPServer.register_route("GET", "/late", function(request, response)
            print("sleeping")
            sleep(5)
            response:start_sse():send_data("late")
        end)
        HTTPServer.sse_connection_opened.connect(function(id) print("opened " .. id) end)
        HTTPServer.sse_connection_closed.connect(function(id, reason) print("closed " .. id .. " " .. reason) end)
        HTTPServer.server_stopping.connect(function() print("stopping") end)
        """

    /// A server that a test stops itself.
    private func start(_ clock: ManualClock = ManualClock(), threads: Int = 1) async throws -> TestServer {
        try await TestServer.start(Self.script, clock: clock, threads: threads)
    }

    /// Stops the server, and goes on with `body` when every connection has been told.
    private func stop(_ server: TestServer, within deadline: TimeAmount, _ body: () async throws -> Void) async throws {
        let idle = try await server.connect()
        try await idle.request("GET", "/nothing")
        try await idle.wait(for: "\r\n\r\n")
        async let stopped: Void = server.stop(within: deadline)
        try await idle.waitForEnd()
        try await idle.close()
        try await body()
        try await stopped
    }

    @Test(arguments: [1, 2]) func `a stream is told when to come back, and ends between events`(_ threads: Int)
        async throws
    {
        let server = try await start(threads: threads)
        var clients: [TestClient] = []
        for _ in 0..<10 {
            let client = try await server.connect()
            try await client.request("GET", "/stream")
            try await client.wait(for: "\r\n\r\n:\n")
            _ = client.take()
            clients.append(client)
        }
        async let stopped: Void = server.stop()
        var retries: Set<Int> = []
        for client in clients {
            let text = try await client.waitForEnd()
            #expect(text.hasPrefix("retry: ") && text.hasSuffix("\n"))
            let retry = try #require(Int(text.dropFirst("retry: ".count).dropLast()))
            #expect((1000...5000).contains(retry))
            retries.insert(retry)
            #expect(!client.wasReset)
            try await client.close()
        }
        try await stopped
        #expect(retries.count > 1)
        #expect(server.lines(with: "closed ").count == 10)
        #expect(server.lines(with: " shutdown").count == 10)
        #expect(server.lines(with: "stopping").count == 1)
    }

    @Test func `the port is closed`() async throws {
        // A server of another test may have got the same port by now; not each time.
        for _ in 0..<8 {
            let server = try await start()
            try await server.stop()
            if (try? await server.connect()) == nil, try OpenDescriptors.sockets(onLocalPort: server.port) == 0 {
                return
            }
        }
        Issue.record("the port stayed open")
    }

    @Test(arguments: [false, true]) func `a connection that waits for a request is closed at once`(_ isUsed: Bool)
        async throws
    {
        let server = try await start()
        let client = try await server.connect()
        if isUsed {
            try await client.request("GET", "/page")
            #expect(try await client.response().text == "page")
        } else {
            try await server.turn()
        }
        async let stopped: Void = server.stop()
        #expect(try await client.waitForEnd() == "")
        #expect(!client.wasReset)
        try await client.close()
        try await stopped
    }

    @Test(arguments: [false, true]) func `an answer under way is still given`(_ isHalfClosed: Bool) async throws {
        let clock = ManualClock()
        let server = try await start(clock)
        let client = try await server.connect()
        try await client.request("GET", "/sleep")
        try await server.printed("sleeping")
        if isHalfClosed { try await client.finish() }
        try await stop(server, within: .seconds(100)) {
            clock.advance(by: .seconds(6))
            let response = try await client.lastResponse()
            #expect(response.text == "slept")
            #expect(response["Connection"] == "close")
            if !isHalfClosed { try await client.close() }
        }
    }

    @Test func `a request that is half here is taken and answered`() async throws {
        let server = try await start()
        let client = try await server.connect()
        try await client.request("POST", "/page", headers: ["Content-Length: 3", "Expect: 100-continue"])
        try await client.wait(for: "100 Continue\r\n\r\n")
        _ = client.take()
        try await stop(server, within: .seconds(100)) {
            try await client.send("abcGET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try await client.lastResponse()
            #expect(response.text == "abc")
            #expect(response["Connection"] == "close")
            try await client.close()
        }
    }

    @Test func `requests behind the answer under way are not begun`() async throws {
        let clock = ManualClock()
        let server = try await start(clock)
        let client = try await server.connect()
        try await client.send("GET /sleep HTTP/1.1\r\nHost: a\r\n\r\nGET /page HTTP/1.1\r\nHost: a\r\n\r\n")
        try await server.printed("sleeping")
        try await stop(server, within: .seconds(100)) {
            clock.advance(by: .seconds(6))
            #expect(try await client.lastResponse().text == "slept")
            try await client.close()
        }
    }

    @Test func `a stream that opens while the server stops gets what was sent and ends`() async throws {
        let clock = ManualClock()
        let server = try await start(clock)
        let client = try await server.connect()
        try await client.request("GET", "/late")
        try await server.printed("sleeping")
        try await stop(server, within: .seconds(100)) {
            clock.advance(by: .seconds(6))
            let text = try await client.waitForEnd()
            #expect(text.contains("\r\n\r\n:\n"))
            #expect(!client.wasReset)
            try await client.close()
        }
        #expect(server.lines(with: "opened ").count == 1)
        #expect(server.lines(with: "closed ").count == 1)
    }

    @Test func `what has not ended by the deadline is cut`() async throws {
        let clock = ManualClock()
        let server = try await start(clock)
        let sleeping = try await server.connect()
        try await sleeping.request("GET", "/sleep")
        try await server.printed("sleeping")
        let halfHere = try await server.connect()
        try await halfHere.send("POST /page HTTP/1.1\r\n")
        let stream = try await server.connect()
        try await stream.request("GET", "/stream")
        try await stream.wait(for: "\r\n\r\n:\n")
        async let stopped: Void = server.stop(within: .seconds(3))
        // The stream's client does not close its side, and the others get no answer.
        try await stream.waitForEnd()
        #expect(sleeping.bytes.isEmpty)
        clock.advance(by: .milliseconds(3001))
        try await stopped
        try await sleeping.waitForEnd()
        try await halfHere.waitForEnd()
        #expect(sleeping.bytes.isEmpty)
        #expect(try OpenDescriptors.sockets(onLocalPort: server.port) == 0)
    }

    @Test func `a stream that cannot take its end is reset at the deadline`() async throws {
        let clock = ManualClock()
        let script = """
            HTTPServer.register_route("GET", "/stream", function(request, response)
                response:start_sse{max_buffered_bytes = 100000000}:send_data(string.rep("x", 20000000))
            end)
            HTTPServer.server_stopping.connect(function() print("stopping") end)
            HTTPServer.sse_connection_opened.connect(function(id) print("opened " .. id) end)
            HTTPServer.sse_connection_closed.connect(function(id, reason) print("closed " .. id .. " " .. reason) end)
            """
        let server = try await TestServer.start(script, clock: clock)
        let client = try await server.connect(reads: false, receiveBuffer: 4096)
        try await client.request("GET", "/stream")
        try await server.printed("opened 1")
        try await stop(server, within: .seconds(3)) {
            clock.advance(by: .milliseconds(3001))
        }
        try? await client.startReading()  // it may know already
        let text = try await client.waitForEnd()
        #expect(!text.hasSuffix("\n\n"))
        #expect(client.wasReset)
        #expect(server.lines(with: "closed ") == ["info closed 1 shutdown"])
        try await client.close()
    }
}
