import Delivery
import HTTP
import NIOCore
import TestKit
import Testing

/// Line 8 of the promises: pages of other origins, over a real server.
@Suite(.timeLimit(.minutes(5))) struct CORSTests {
    private static let routes = """
        HTTPServer.register_route("GET", "/page", function(request, response) response.body = "page" end)
        HTTPServer.register_route("PUT", "/page", function(request, response) response.body = "put" end)
        HTTPServer.register_route("POST", "/page", function(request, response) response.body = request.body end)
        HTTPServer.register_route("GET", "/fails", function() error("oh") end)
        HTTPServer.register_route("GET", "/status/{code}", function(request, response)
            response.status_code = math.tointeger(tonumber(request.path_params.code))
        end)
        HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
        HTTPServer.register_route("*", "/any", function(request, response) response.body = request.method end)
        HTTPServer.register_route("OPTIONS", "/own", function(request, response)
            response:set_header("Access-Control-Allow-Methods", "BREW"):set_status(200)
        end)
        """
    private static let files = ["public/file.txt": "text", "public/folder/index.html": "folder"]

    private func withScript(
        _ settings: String, clock: any MonotonicClock = SystemClock(), limits: HTTPLimits = HTTPLimits(),
        _ body: (TestServer) async throws -> Void
    ) async throws {
        var files = Self.files
        files["main.lua"] = settings + "\n" + Self.routes
        try await withServer(files, clock: clock, limits: limits, body)
    }

    private func response(_ server: TestServer, _ method: String = "GET", _ path: String, _ headers: String...)
        async throws -> ReceivedResponse
    {
        let client = try await server.connect()
        try await client.request(method, path, headers: ["Connection: close"] + headers)
        let response = try await client.lastResponse(isHead: method == "HEAD")
        try await client.close()
        return response
    }

    private static let a = "Origin: https://a.example"
    private static let list = "HTTPServer.set_cors_origins{'https://a.example', 'https://b.example'}"

    @Test(arguments: [
        ("GET", "/page", 200), ("HEAD", "/page", 200), ("GET", "/nothing", 404), ("DELETE", "/page", 405),
        ("GET", "/fails", 500), ("GET", "/status/204", 204), ("GET", "/status/304", 304), ("GET", "/file.txt", 200),
        ("HEAD", "/file.txt", 200), ("POST", "/file.txt", 405), ("GET", "/folder", 301), ("GET", "/%zz", 400),
        ("OPTIONS", "*", 204), ("OPTIONS", "/page", 204), ("OPTIONS", "/file.txt", 204), ("OPTIONS", "/nothing", 404),
    ])
    func `every kind of answer says who may read it`(_ method: String, _ path: String, _ status: Int) async throws {
        try await withScript("") { server in
            let any = try await response(server, method, path)
            #expect(any.status == status)
            #expect(any["Access-Control-Allow-Origin"] == "*")
            #expect(any["Vary"] == nil)
        }
        try await withScript(Self.list + "HTTPServer.set_cors_credentials(true)") { server in
            let named = try await response(server, method, path, Self.a)
            #expect(named.status == status)
            #expect(named["Access-Control-Allow-Origin"] == "https://a.example")
            #expect(named["Access-Control-Allow-Credentials"] == "true")
            #expect(named["Vary"] == "Origin")
            for other in [
                try await response(server, method, path),
                try await response(server, method, path, "Origin: https://c.example"),
            ] {
                #expect(other.status == status)
                #expect(other["Vary"] == "Origin")
                #expect(!other.headers.contains { $0.name.lowercased().hasPrefix("access-control-") })
            }
        }
        try await withScript("HTTPServer.set_cors_enabled(false)") { server in
            let none = try await response(server, method, path, Self.a)
            #expect(none.status == status)
            #expect(!none.headers.contains { $0.name.lowercased().hasPrefix("access-control-") })
            #expect(none["Vary"] == nil)
        }
    }

    /// `@` is the origin's place. What the parser itself refuses has told no origin.
    private static let refused: [(String, Int, Bool)] = [
        ("POST /page HTTP/1.1\r\nHost: a\r\n@Content-Length: 2000000\r\n\r\n", 413, true),
        (
            "POST /page HTTP/1.1\r\nHost: a\r\n@Transfer-Encoding: chunked\r\n\r\n800\r\n"
                + String(repeating: "x", count: 2048), 413, true
        ),
        ("POST /page HTTP/1.1\r\nHost: a\r\n@Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400, false),
        ("POST /page HTTP/1.1\r\nHost: a b\r\n@\r\n", 400, true),
        ("GET /page HTTP/1.1\r\n@\r\n", 400, true),
        ("GET /page HTTP/1.1\r\nHost: a\r\n@Expect: more\r\n\r\n", 417, true),
        (
            "GET /page HTTP/1.1\r\nHost: a\r\n@X: \(String(repeating: "x", count: 700))\r\nY: \(String(repeating: "x", count: 700))\r\n\r\n",
            431, true
        ),
        ("GET /page HTTP/2.0\r\nHost: a\r\n@\r\n", 505, false),
    ]

    @Test(arguments: refused) func `a page is told why its request was refused`(
        _ request: String, _ status: Int, _ isKnown: Bool
    ) async throws {
        let limits = HTTPLimits(maxBodyBytes: 1024, maxHeaderBytes: 1024)
        try await withScript(Self.list, limits: limits) { server in
            let client = try await server.connect()
            try await client.send(request.replacing("@", with: Self.a + "\r\n"))
            let response = try await client.lastResponse()
            #expect(response.status == status)
            #expect(response["Vary"] == "Origin")
            #expect(response["Access-Control-Allow-Origin"] == (isKnown ? "https://a.example" : nil))
        }
        try await withScript("", limits: limits) { server in
            let client = try await server.connect()
            try await client.send(request.replacing("@", with: ""))
            #expect(try await client.lastResponse()["Access-Control-Allow-Origin"] == "*")
        }
    }

    @Test func `who is sent away may read it`() async throws {
        try await withScript(Self.list, clock: ManualClock(), limits: HTTPLimits(maxConnections: 1)) { server in
            let first = try await server.connect()
            try await first.request("GET", "/page")
            _ = try await first.response()
            let response = try await response(server, "GET", "/page", Self.a)
            #expect(response.status == 503)
            #expect(response["Access-Control-Allow-Origin"] == "https://a.example")
            #expect(response["Access-Control-Expose-Headers"] == "Retry-After")
            let stream = try await server.response(
                to: "GET", "/events", headers: ["Accept: text/event-stream", Self.a])
            #expect(stream.hasPrefix("HTTP/1.1 200 "))
            #expect(stream.contains("\r\nAccess-Control-Allow-Origin: https://a.example\r\n"))
            try await first.close()
        }
    }

    /// Each answer is for the origin of its own request.
    @Test func `requests of one connection do not inherit an origin`() async throws {
        try await withScript(Self.list) { server in
            let client = try await server.connect()
            let head = " HTTP/1.1\r\nHost: a\r\n"
            try await client.send(
                "GET /page\(head)\(Self.a)\r\n\r\nGET /page\(head)\r\nGET /file.txt\(head)Origin: https://b.example\r\n\r\n"
                    + "GET /page\(head)\r\n")
            var responses = try await client.responses(4)
            #expect(
                responses.map { $0["Access-Control-Allow-Origin"] } == [
                    "https://a.example", nil, "https://b.example", nil,
                ])
            // Not even one that breaks off.
            try await client.send("GET /page\(head)\(Self.a)\r\n\r\n")
            _ = try await client.response()
            try await client.send("nonsense\r\n\r\n")
            responses = [try await client.lastResponse()]
            #expect(responses[0].status == 400)
            #expect(responses[0]["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test func `two Origins are none`() async throws {
        try await withScript(Self.list) { server in
            let response = try await response(server, "GET", "/page", Self.a, Self.a)
            #expect(response["Access-Control-Allow-Origin"] == nil)
        }
    }

    // MARK: preflights

    @Test(arguments: ["/page", "/file.txt", "/nothing", "/any"])
    func `a preflight is answered for every path`(_ path: String) async throws {
        try await withScript("") { server in
            let response = try await response(
                server, "OPTIONS", path, Self.a, "Access-Control-Request-Method: PUT",
                "Access-Control-Request-Headers: authorization,last-event-id,x-own")
            #expect(response.status == 204)
            #expect(response["Access-Control-Allow-Origin"] == "*")
            #expect(response["Access-Control-Allow-Methods"]?.contains("PUT") == true)
            #expect(response["Access-Control-Allow-Headers"]?.hasSuffix(", x-own") == true)
            #expect(response["Access-Control-Max-Age"] == "7200")
            #expect(response["Allow"] == nil)
            #expect(response["Content-Length"] == nil)
        }
    }

    @Test func `a preflight that no list lets in gets no answer to its question`() async throws {
        try await withScript(Self.list) { server in
            let response = try await response(
                server, "OPTIONS", "/page", "Origin: https://c.example", "Access-Control-Request-Method: PUT")
            #expect(response.status == 204)
            #expect(!response.headers.contains { $0.name.lowercased().hasPrefix("access-control-") })
        }
    }

    @Test func `a route for OPTIONS answers preflights itself, one for every method does not`() async throws {
        try await withScript("") { server in
            let own = try await response(server, "OPTIONS", "/own", Self.a, "Access-Control-Request-Method: PUT")
            #expect(own.status == 200)
            #expect(own["Access-Control-Allow-Methods"] == "BREW")
            #expect(own["Access-Control-Allow-Origin"] == "*")
            #expect(try await response(server, "OPTIONS", "/any").text == "OPTIONS")
        }
    }

    @Test func `without CORS a preflight is an OPTIONS like any other`() async throws {
        try await withScript("HTTPServer.set_cors_enabled(false)") { server in
            let request = [Self.a, "Access-Control-Request-Method: PUT"]
            let page = try await response(server, "OPTIONS", "/page", request[0], request[1])
            #expect(page["Allow"] == "GET, HEAD, PUT, POST, OPTIONS")
            #expect(try await response(server, "OPTIONS", "/any", request[0], request[1]).text == "OPTIONS")
            #expect(try await response(server, "OPTIONS", "/nothing", request[0], request[1]).status == 404)
        }
    }

    @Test(arguments: [1, 4]) func `a change holds for what is answered afterwards, on every thread`(threads: Int)
        async throws
    {
        let script = """
            HTTPServer.register_route("GET", "/name/{host}", function(request, response)
              HTTPServer.set_cors_origin("https://" .. request.path_params.host)
            end)
            """
        try await withServer(script, threads: threads) { server in
            for host in ["a", "b", "c", "d", "e", "f"] {
                #expect(try await response(server, "GET", "/name/\(host)").status == 200)
                for _ in 0..<4 {
                    let next = try await response(server, "GET", "/nothing")
                    #expect(next["Access-Control-Allow-Origin"] == "https://\(host)")
                }
            }
        }
    }

    /// Whatever comes as a preflight, the answer is one well-formed head that no byte of it has got into unchecked.
    @Test func `random preflights get one well-formed answer each`() async throws {
        var random = SplitMix64(seed: 4)
        let alphabet = Array("https://a.example,;: \t\"\\()*x-Last-Event-ID=".utf8) + [0x80, 0xC3, 0xFF]
        func value() -> [UInt8] {
            (0..<Int.random(in: 0...30, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
        }
        try await withScript(Self.list) { server in
            let client = try await server.connect()
            for _ in 0..<300 {
                var request = Array("OPTIONS /page HTTP/1.1\r\nHost: a\r\nOrigin: ".utf8)
                request += Bool.random(using: &random) ? Array("https://a.example".utf8) : value()
                request += Array("\r\nAccess-Control-Request-Method: ".utf8) + value()
                request += Array("\r\nAccess-Control-Request-Headers: ".utf8) + value() + Array("\r\n\r\n".utf8)
                try await client.send(bytes: request)
                let response = try await client.response()
                #expect(response.status == 204)
                let origin = response["Access-Control-Allow-Origin"]
                #expect(origin == nil || origin == "https://a.example")
                let names = response["Access-Control-Allow-Headers"] ?? "none"
                #expect(
                    names.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"();:\\=/".utf8.contains($0) || $0 == 0x20 })
            }
            try await client.close()
        }
    }
}
