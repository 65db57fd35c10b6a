import NIOCore
import TestKit
import Testing

/// Line 15 of the promises.
@Suite(.timeLimit(.minutes(5))) struct StreamInputTests {
    private static let script = """
        HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse { ping_duration = 0 } end)
        HTTPServer.register_route("GET", "/late", function(request, response)
            print("waiting")
            sleep(5)
            response:start_sse()
        end)
        HTTPServer.register_route("GET", "/say/{word}", function(request, response)
            HTTPServer.broadcast("message", request.path_params.word)
        end)
        HTTPServer.register_route("GET", "/close", function(request, response)
            for _, id in ipairs(HTTPServer.get_active_sse_connections()) do
                for number = 1, 20 do HTTPServer.send_sse_data(id, number .. string.rep("x", 10000)) end
                HTTPServer.close_sse_connection(id)
            end
        end)
        HTTPServer.register_route("GET", "/active", function(request, response)
            response.body = table.concat(HTTPServer.get_active_sse_connections(), ",")
        end)
        HTTPServer.register_route("*", "/run", function(request, response) print("ran") end)
        HTTPServer.sse_connection_opened.connect(function(id) print("opened " .. id) end)
        HTTPServer.sse_connection_closed.connect(function(id, reason) print("closed " .. id .. " " .. reason) end)
        """
    private static let stream = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"

    /// What came behind the head.
    private func body(_ client: TestClient) -> String {
        client.text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().joined()
    }

    @Test(
        arguments: [1, 2],
        [
            "GET /run HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /run HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc",
            "POST /run HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "POST /run HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
            "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /run HTTP/1.1\r\n\r\n",
            "GET /run HTTP/2.0\r\n\r\n",
            "no HTTP at all\r\n\r\n",
            "\u{0}\u{1}\u{2}", "\r\n\r\n", "x",
        ])
    func `what comes behind a stream's request is dropped`(_ threads: Int, _ junk: String) async throws {
        try await withServer(Self.script, threads: threads) { server in
            let client = try await server.connect()
            try await client.send(Self.stream + junk)  // in one piece
            try await client.wait(for: "\r\n\r\n:\n")
            for _ in 0..<3 {
                try await client.send(junk)
                try await server.turn()
            }
            _ = try await server.body("GET", "/say/hello")
            try await client.wait(for: "hello\n\n")
            #expect(body(client) == ":\nevent: message\ndata: hello\n\n")
            #expect(try await server.body("GET", "/active") == "1")
            #expect(server.lines(with: "ran").isEmpty)
            #expect(server.lines(with: "closed").isEmpty)
            #expect(server.lines(with: "opened").count == 1)
            try await client.close()
        }
    }

    @Test func `what comes while the handler still waits is dropped too`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\nGET /run HTTP/1.1\r\nHost: a\r\n\r\n")
            try await server.printed("waiting")
            try await client.send("GET /run HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n")
            try await server.turn()
            clock.advance(by: .seconds(6))
            try await client.wait(for: "\r\n\r\n:\n")
            for _ in 0..<50 { try await client.send(String(repeating: "x", count: 50_000)) }
            _ = try await server.body("GET", "/say/hello")
            try await client.wait(for: "hello\n\n")
            #expect(body(client) == ":\nevent: message\ndata: hello\n\n")
            #expect(server.lines(with: "ran").isEmpty)
            try await client.close()
        }
    }

    @Test(arguments: [1, 2], [true, false]) func `FIN and RST end a stream, once`(_ threads: Int, _ resets: Bool)
        async throws
    {
        try await withServer(Self.script, threads: threads) { server in
            let client = try await server.connect()
            try await client.send(Self.stream)
            try await client.wait(for: "\r\n\r\n:\n")
            if resets { try await client.reset() } else { try await client.finish() }
            try await server.printed("closed 1")
            #expect(try await server.body("GET", "/active") == "")
            _ = try await server.body("GET", "/say/hello")
            #expect(server.lines(with: "closed") == ["info closed 1 client"])
            #expect(server.lines(with: "opened") == ["info opened 1"])
            while try OpenDescriptors.sockets(onLocalPort: server.port) > 1 { try await server.turn() }
            if !resets { try await client.close() }
        }
    }

    @Test func `a FIN with the request ends the stream as soon as it is open`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.send(Self.stream)
            try await client.finish()
            try await server.printed("closed 1")
            #expect(server.lines(with: "ed 1") == ["info opened 1", "info closed 1 client"])
            try await client.waitForEnd()
        }
    }

    @Test(arguments: [true, false]) func `a client that leaves before the head gets one opened and one closed`(
        _ resets: Bool
    ) async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
            try await server.printed("waiting")
            if resets { try await client.reset() } else { try await client.finish() }
            while try resets && OpenDescriptors.sockets(onLocalPort: server.port) > 1 { try await server.turn() }
            clock.advance(by: .seconds(6))
            try await server.turn()
            if !resets { try await server.printed("closed 1") }
            #expect(try await server.body("GET", "/active") == "")
            // After a reset the handler is ended where it waits; a half-closed one goes on and opens its stream.
            #expect(server.lines(with: "opened").count == (resets ? 0 : 1))
            #expect(server.lines(with: "closed").count == (resets ? 0 : 1))
        }
    }

    @Test func `a close by the script delivers what it sent before`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect(reads: false)
            try await client.send(Self.stream)
            _ = await server.log.wait(for: "opened 1")
            _ = try await server.body("GET", "/close")
            try await client.startReading()
            let text = try await client.waitForEnd()
            #expect(!client.wasReset)
            #expect(text.split(separator: "\n\n").count == 20)
            #expect(text.hasSuffix("data: 20" + String(repeating: "x", count: 10000) + "\n\n"))
            try await client.close()
            try await server.printed("closed 1")
            #expect(server.lines(with: "closed") == ["info closed 1 server"])
        }
    }
}
