import NIOCore
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct PipeliningTests {
    private static let script = """
        HTTPServer.register_route("GET", "/sleep/{seconds}", function(request, response)
            print("sleeping " .. request.path)
            sleep(tonumber(request.path_params.seconds))
            response.body = request.path
        end)
        HTTPServer.register_route("*", "/{path...}", function(request, response)
            print("ran " .. request.path)
            response.body = request.path .. request.body
        end)
        """
    private static func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

    @Test(arguments: [1, 2]) func `pipelined requests are answered in order`(_ threads: Int) async throws {
        let files = ["main.lua": Self.script, "public/file.txt": "file"]
        try await withServer(files, threads: threads) { server in
            let client = try await server.connect()
            let post = { (path: String, body: String) in
                "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
            }
            try await client.send(
                Self.get("/a") + post("/b", "1") + Self.get("/%zz") + post("/c", "") + Self.get("/d") + post("/e", "2"))
            let responses = try await client.responses(6)
            #expect(responses.map(\.status) == [200, 200, 400, 200, 200, 200])
            #expect(responses.filter { $0.status == 200 }.map(\.text) == ["/a", "/b1", "/c", "/d", "/e2"])
            try await client.close()
        }
    }

    @Test func `files and scripts are answered in order`() async throws {
        let script =
            "HTTPServer.register_route('GET', '/script', function(request, response) response.body = 'script' end)"
        let files = ["main.lua": script, "public/file.txt": "file"]
        try await withServer(files) { server in
            let client = try await server.connect()
            try await client.send(["/file.txt", "/script", "/nothing", "/file.txt", "/script"].map(Self.get).joined())
            let responses = try await client.responses(5)
            #expect(responses.map(\.status) == [200, 200, 404, 200, 200])
            #expect(responses.filter { $0.status == 200 }.map(\.text) == ["file", "script", "file", "script"])
            try await client.close()
        }
    }

    @Test(arguments: [1, 2]) func `a request behind one that sleeps waits for it`(_ threads: Int) async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock, threads: threads) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5") + Self.get("/a") + Self.get("/sleep/3") + Self.get("/b"))
            try await server.printed("sleeping /sleep/5")
            #expect(try await server.body("GET", "/other") == "/other")
            #expect(client.bytes.isEmpty)
            #expect(server.lines(with: "ran /a").isEmpty)
            clock.advance(by: .seconds(6))
            try await server.printed("sleeping /sleep/3")
            #expect(try await client.responses(2).map(\.text) == ["/sleep/5", "/a"])
            clock.advance(by: .seconds(4))
            #expect(try await client.responses(2).map(\.text) == ["/sleep/3", "/b"])
            try await client.close()
        }
    }

    @Test func `requests that come while one sleeps are answered after it`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5"))
            try await server.printed("sleeping")
            for path in ["/a", "/b", "/c"] {
                try await client.send(Self.get(path))
                try await server.turn()
            }
            clock.advance(by: .seconds(6))
            #expect(try await client.responses(4).map(\.text) == ["/sleep/5", "/a", "/b", "/c"])
            try await client.close()
        }
    }

    /// As many as one read takes, and each so short that answering it needs nothing but the stack.
    @Test func `thousands of requests behind one that sleeps are answered in order`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5"))
            try await server.printed("sleeping")
            let count = 5_000
            let requests = (0..<count).map { number in "PUT /%zz\(number) HTTP/1.1\r\nHost:a\r\n\r\n" }.joined()
            // A half-closed connection is read to its end, whatever waits already.
            try await client.send(requests)
            try await client.finish()
            try await server.turn()
            clock.advance(by: .seconds(6))
            try await client.waitForEnd()
            let (responses, rest) = try ReceivedResponse.parse(client.bytes)
            #expect(responses.first?.text == "/sleep/5")
            #expect(rest.isEmpty)
            try await client.close()
        }
    }

    @Test func `thousands of requests in one go are answered in order`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5"))
            try await server.printed("sleeping")
            let count = 6000
            try await client.send(
                (0..<count).map { _ in "GET /%zz HTTP/1.1\r\nHost:a\r\n\r\n" }.joined() + Self.get("/last"))
            try await server.turn()
            clock.advance(by: .seconds(6))
            try await client.wait(for: "/last")
            let (responses, rest) = try ReceivedResponse.parse(client.bytes)
            #expect(responses.count == count + 2)
            #expect(responses.dropFirst().dropLast().allSatisfy { $0.status == 400 })
            #expect(rest.isEmpty)
            try await client.close()
        }
    }

    @Test func `a bad request behind one that sleeps runs nothing and ends the connection after the answer`()
        async throws
    {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5") + "GET /bad HTTP/1.1\r\n\r\n" + Self.get("/behind"))
            try await server.printed("sleeping")
            clock.advance(by: .seconds(6))
            let text = try await client.waitForEnd()
            #expect(text.contains("/sleep/5"))
            #expect(server.lines(with: "ran /").isEmpty)
            try await client.close()
        }
    }

    @Test func `a half-closed request that sleeps is still answered`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep/5"))
            try await client.finish()
            try await server.printed("sleeping")
            clock.advance(by: .seconds(6))
            let response = try await client.lastResponse()
            #expect(response.text == "/sleep/5")
            #expect(response["Connection"] == "close")
        }
    }

    @Test func `a client that resets ends the handler that sleeps`() async throws {
        let clock = ManualClock()
        let script = """
            HTTPServer.register_route("GET", "/sleep", function(request, response)
                local guard <close> = setmetatable({}, {__close = function() print("let go") end})
                print("sleeping")
                sleep(5)
                print("woke")
            end)
            """
        try await withServer(script, clock: clock) { server in
            let client = try await server.connect()
            try await client.send(Self.get("/sleep"))
            try await server.printed("sleeping")
            try await client.reset()
            try await server.printed("let go")
            clock.advance(by: .seconds(6))
            try await server.turn()
            #expect(server.lines(with: "woke").isEmpty)
        }
    }
}
