import Dispatch
import NIOCore
import NIOPosix
import TestKit
import Testing

/// Compressed answers of a real server.
@Suite(.timeLimit(.minutes(5)), .serialized) struct CompressedAnswerTests {
    private static let script = """
        HTTPServer.set_compression_enabled(true)
        local words, noise = ("words "):rep(1000), {}
        for i = 1, 1024 do noise[i] = string.char(math.random(0, 255)) end
        noise = table.concat(noise)
        HTTPServer.register_route("GET", "/words", function(request, response)
          response:set_header("Vary", "Cookie"):set_body(words)
        end)
        HTTPServer.register_route("GET", "/noise", function(request, response) response:set_body(noise) end)
        HTTPServer.register_route("GET", "/short", function(request, response) response:set_body("short") end)
        HTTPServer.register_route("GET", "/tagged", function(request, response)
          response:set_header("ETag", '"a"'):set_body(words)
        end)
        HTTPServer.register_route("GET", "/fails", function() error("oh") end)
        HTTPServer.set_error_handler(function(request, response) response:set_body(words) end)
        HTTPServer.register_route("GET", "/file", function(request, response) response:set_file("public/large.txt") end)
        HTTPServer.register_route("GET", "/file/404", function(request, response)
          response:set_status(404):set_file("public/large.txt")
        end)
        HTTPServer.register_route("GET", "/events", function(request, response)
          response:start_sse():send_data(words)
        end)
        HTTPServer.register_route("GET", "/twice", function(request, response)
          response.finished:connect(function() print("finished") end)
          response.disconnected:connect(function(reason) print("disconnected", reason) end)
          response:set_body(words)
          print("answered")
        end)
        """
    private static let files = [
        "main.lua": script, "public/large.txt": String(repeating: "words ", count: 1000),
    ]
    private static let accepts = "Accept-Encoding: gzip"

    private func response(_ server: TestServer, _ path: String, _ headers: [String], method: String = "GET")
        async throws -> ReceivedResponse
    {
        let client = try await server.connect()
        try await client.request(method, path, headers: ["Connection: close"] + headers)
        let response = try await client.lastResponse(isHead: method == "HEAD")
        try await client.close()
        return response
    }

    private func values(_ name: String, of response: ReceivedResponse) -> [String] {
        response.headers.filter { $0.name == name }.map(\.value)
    }

    private func isWordsInGzip(_ response: ReceivedResponse) -> Bool {
        response["Content-Encoding"] == "gzip" && response.body.starts(with: [0x1F, 0x8B])
            && response.body.suffix(4) == [0x70, 0x17, 0, 0]
    }

    @Test(
        arguments: [
            ("/words", ["Accept-Encoding: gzip, br"], 200, true, ["Cookie", "Accept-Encoding"]),
            ("/words", ["Accept-Encoding: br", "Accept-Encoding: *;q=0.1"], 200, true, ["Cookie", "Accept-Encoding"]),
            ("/words", [], 200, false, ["Cookie", "Accept-Encoding"]),
            ("/words", ["Accept-Encoding: gzip;q=0, *"], 200, false, ["Cookie", "Accept-Encoding"]),
            ("/words", ["Accept-Encoding: gzip;q=0.5, identity"], 200, false, ["Cookie", "Accept-Encoding"]),
            ("/noise", [accepts], 200, false, ["Accept-Encoding"]),
            ("/fails", [accepts], 500, true, ["Accept-Encoding"]),
            ("/short", [accepts], 200, false, []), ("/tagged", [accepts], 200, false, []),
            ("/nothing", [accepts], 404, false, []), ("/large.txt", [accepts], 200, false, []),
            ("/file", [accepts], 200, false, []), ("/file/404", [accepts], 404, false, []),
            ("/large.txt", [accepts, "Range: bytes=0-2999"], 206, false, []),
        ] as [(String, [String], Int, Bool, [String])])
    func `an answer comes in gzip where that helps, and HEAD says the same`(
        _ path: String, _ headers: [String], _ status: Int, _ isCoded: Bool, _ vary: [String]
    ) async throws {
        try await withServer(Self.files) { server in
            let get = try await response(server, path, headers)
            #expect(get.status == status)
            #expect(isWordsInGzip(get) == isCoded)
            #expect(get["Content-Encoding"] == (isCoded ? "gzip" : nil))
            #expect(values("Vary", of: get) == vary)
            guard status != 206 else { return }  // HEAD has no ranges
            let head = try await response(server, path, headers, method: "HEAD")
            #expect(head.statusLine == get.statusLine)
            #expect(head.fieldLines == get.fieldLines)
        }
    }

    @Test func `a stream is never compressed`() async throws {
        try await withServer(Self.files) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events", headers: [Self.accepts])
            let text = try await client.wait(for: "data: words words")
            #expect(!text.contains("Content-Encoding"))
            #expect(!text.contains("Vary"))
            try await client.close()
        }
    }

    @Test(arguments: [1, 2]) func `pipelined requests are answered in order`(_ threads: Int) async throws {
        try await withServer(Self.files, threads: threads) { server in
            let client = try await server.connect()
            let paths = ["/words", "/short", "/%zz", "/large.txt", "/words", "/noise", "/tagged", "/words"]
            try await client.send(
                paths.map { "GET \($0) HTTP/1.1\r\nHost: a\r\n\(Self.accepts)\r\n\r\n" }.joined()
                    + "GET /words HTTP/1.1\r\nHost: a\r\n\r\n")
            let responses = try await client.responses(9)
            #expect(responses.map(\.status) == [200, 200, 400, 200, 200, 200, 200, 200, 200])
            #expect(
                responses.map(isWordsInGzip) == [true, false, false, false, true, false, false, true, false])
            #expect(responses[1].text == "short")
            #expect(responses[8].body.count == 6000)
            try await client.close()
        }
    }

    // MARK: while an answer is compressed

    /// Keeps all threads for such work busy while `body` runs.
    private func withoutThreads(_ body: (_ release: () -> Void) async throws -> Void) async throws {
        let gate = DispatchSemaphore(value: 0)
        let count = NIOSingletons.blockingPoolThreadCountSuggestion
        for _ in 0..<count { NIOThreadPool.singleton.submit { _ in gate.wait() } }
        let isReleased = ManagedFlag()
        let release = { if isReleased.set() { for _ in 0..<count { gate.signal() } } }
        defer { release() }
        try await body(release)
    }

    private final class ManagedFlag {
        private var isSet = false
        func set() -> Bool {
            defer { isSet = true }
            return !isSet
        }
    }

    @Test func `a client that leaves meanwhile has left, and is not answered`() async throws {
        try await withServer(Self.files) { server in
            try await withoutThreads { release in
                let client = try await server.connect()
                try await client.request("GET", "/twice", headers: [Self.accepts])
                try await server.printed("answered")
                try await client.reset()
                try await server.printed("disconnected\tclient")
                release()
            }
            #expect(try await response(server, "/words", [Self.accepts]).status == 200)
            #expect(server.lines(with: "disconnected").count == 1)
            #expect(server.lines(with: "finished").isEmpty)
        }
    }

    @Test func `a client that sends no more meanwhile is answered, and what it sent before`() async throws {
        try await withServer(Self.files) { server in
            try await withoutThreads { release in
                let client = try await server.connect()
                try await client.request("GET", "/twice", headers: [Self.accepts])
                try await server.printed("answered")
                try await client.request("GET", "/short")
                try await client.finish()
                try await server.turn()
                #expect(client.bytes.isEmpty)
                release()
                try await client.waitForEnd()
                let responses = try await client.responses(2)
                #expect(responses.map(isWordsInGzip) == [true, false])
                #expect(responses[1].text == "short")
            }
            try await server.printed("finished")
            #expect(server.lines(with: "disconnected").isEmpty)
        }
    }

    @Test func `a server that stops meanwhile gives the answer first`() async throws {
        let server = try await TestServer.start(Self.files)
        try await withoutThreads { release in
            let client = try await server.connect()
            try await client.request("GET", "/twice", headers: [Self.accepts])
            try await server.printed("answered")
            let idle = try await server.connect()
            try await idle.request("GET", "/short")
            _ = try await idle.response()
            async let stopped: Void = server.stop()
            try await idle.waitForEnd()
            #expect(client.bytes.isEmpty)
            release()
            let response = try await client.lastResponse()
            #expect(isWordsInGzip(response))
            #expect(response["Connection"] == "close")
            try await client.close()
            try await idle.close()
            try await stopped
        }
    }
}
