import TestKit
import Testing

/// `response:set_file`.
@Suite(.timeLimit(.minutes(5))) struct FileAnswerTests {
    private static let files = ["files/a.txt": "0123456789", "files/b.html": "<p>", "public/c.txt": "public"]

    /// Runs a server whose GET and POST `/` is the code.
    private func withHandler(_ code: String, _ body: (TestServer) async throws -> Void) async throws {
        let script = """
            local function answer(request, response) \(code) end
            HTTPServer.register_route("GET", "/", answer)
            HTTPServer.register_route("POST", "/", answer)
            """
        try await withServer(Self.files.merging(["main.lua": script]) { $1 }, body)
    }

    private func header(_ name: String, of response: String) -> String? {
        let head = response.firstRange(of: "\r\n\r\n").map { response[..<$0.lowerBound] } ?? ""
        return head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ": ") }
            .map { String($0.dropFirst(name.count + 2)) }
    }

    @Test func `a file is sent with its type, length and tag`() async throws {
        try await withHandler("response:set_file('files/a.txt')") { server async throws in
            let response = try await server.response(to: "/")
            #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(response.hasSuffix("\r\n\r\n0123456789"))
            #expect(header("Content-Type", of: response) == "text/plain; charset=utf-8")
            #expect(header("Content-Length", of: response) == "10")
            #expect(header("Cache-Control", of: response) == "no-cache")
            #expect(header("ETag", of: response) != nil && header("Last-Modified", of: response) != nil)
        }
    }

    @Test func `HEAD, conditions and parts work as for static files`() async throws {
        try await withHandler("response:set_file('files/a.txt')") { server async throws in
            let head = try await server.response(to: "HEAD", "/")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && head.hasSuffix("\r\n\r\n"))
            #expect(header("Content-Length", of: head) == "10")
            let tag = try #require(header("ETag", of: head))
            let same = try await server.response(to: "/", headers: ["If-None-Match: \(tag)"])
            #expect(same.hasPrefix("HTTP/1.1 304 ") && same.hasSuffix("\r\n\r\n"))
            #expect(header("ETag", of: same) == tag && header("Content-Length", of: same) == nil)
            let part = try await server.response(to: "/", headers: ["Range: bytes=2-3"])
            #expect(part.hasPrefix("HTTP/1.1 206 ") && part.hasSuffix("\r\n\r\n23"))
            #expect(header("Content-Range", of: part) == "bytes 2-3/10")
            #expect(try await server.status(of: "/", headers: ["Range: bytes=10-"]) == "416")
            #expect(try await server.status(of: "/", headers: ["If-Match: \"x\""]) == "412")
            #expect(
                try await server.response(to: "POST", "/", headers: ["If-None-Match: *"]).hasSuffix(
                    "\r\n\r\n0123456789"))
        }
    }

    @Test func `the script's headers and type are kept`() async throws {
        let code = """
            response:add_header("X-A", "1"):set_file("files/a.txt"):add_header("X-A", "2")
            response:set_content_type("a/b"):set_header("Cache-Control", "max-age=60"):set_header("ETag", '"mine"')
            """
        try await withHandler(code) { server async throws in
            let response = try await server.response(to: "/")
            #expect(response.contains("X-A: 1\r\n") && response.contains("X-A: 2\r\n"))
            #expect(header("Content-Type", of: response) == "a/b")
            #expect(header("Cache-Control", of: response) == "max-age=60")
            #expect(header("ETag", of: response) == "\"mine\"")
            let same = try await server.response(to: "/", headers: ["If-None-Match: \"mine\""])
            #expect(same.hasPrefix("HTTP/1.1 304 ") && same.contains("X-A: 2\r\n"))
        }
    }

    @Test(arguments: ["files/nothing", "files", "files/a.txt/", "", "files/a.txt/b"])
    func `what is no file is 404, with the script's headers`(_ path: String) async throws {
        try await withHandler("response:set_header('X-A', '1'):set_file('\(path)')") { server async throws in
            let response = try await server.response(to: "/")
            #expect(response.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(response.contains("X-A: 1\r\n"))
            #expect(header("Content-Type", of: response) == "text/plain; charset=utf-8")
            #expect(response.hasSuffix("404 Not Found: nothing is at /\n"))
        }
    }

    @Test func `a relative path starts at the script directory, and any file may be sent`() async throws {
        let elsewhere = try TemporaryDirectory(["d.txt": "elsewhere"])
        for (path, text) in [
            ("public/c.txt", "public"), ("./files/../public/c.txt", "public"), (elsewhere.path + "/d.txt", "elsewhere"),
        ] {
            try await withHandler("response:set_file('\(path)')") { server async throws in
                #expect(try await server.body("/") == text)
            }
        }
    }

    @Test func `a status of the script's own goes out with the file`() async throws {
        try await withHandler("response:set_status(503):set_file('files/b.html')") { server async throws in
            let response = try await server.response(to: "/", headers: ["Range: bytes=0-0"])
            #expect(response.hasPrefix("HTTP/1.1 503 ") && response.hasSuffix("\r\n\r\n<p>"))
            #expect(header("Content-Type", of: response) == "text/html; charset=utf-8")
        }
        try await withHandler("response:set_status(204):set_file('files/b.html')") { server async throws in
            let response = try await server.response(to: "/")
            #expect(response.hasPrefix("HTTP/1.1 204 ") && response.hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: [
        ("set_file('files/a.txt'):set_body('body')", "body"),
        ("set_body('body'):set_file('files/a.txt')", "0123456789"),
        ("set_file('files/a.txt'):set_json(1)", "1"),
        ("set_file('files/b.html'):set_file('files/a.txt')", "0123456789"),
        ("set_file('nothing'):set_file('files/a.txt')", "0123456789"),
    ])
    func `the last of file and body counts`(_ calls: String, _ body: String) async throws {
        try await withHandler("response:\(calls)") { server async throws in #expect(try await server.body("/") == body)
        }
    }

    @Test func `a file leaves no body to read`() async throws {
        #expect(
            try await Snippets.run("response:set_body('x'):set_file('y') return '[' .. response.body .. ']'") == "[]")
    }

    @Test func `a file and a stream exclude each other`() async throws {
        #expect(
            try await Snippets.run("response:set_file('x'):start_sse()")
                == "error: snippet.lua:1: HTTPResponse.start_sse: the response has a file already")
        try await withHandler("response:start_sse() print(pcall(response.set_file, response, 'files/a.txt'))") {
            server async throws in
            let client = try await server.open("/")
            #expect(
                server.printed.contains(
                    "false\tmain.lua:1: HTTPResponse.set_file: the response is an event stream already"))
            try await client.close()
        }
    }

    @Test func `a response that is sent takes no file`() async throws {
        let script = """
            local kept
            HTTPServer.register_route("GET", "/", function(request, response) kept = response:set_file("main.lua") end)
            HTTPServer.register_route("GET", "/late", function(request, response)
              response.body = select(2, pcall(kept.set_file, kept, "main.lua"))
            end)
            """
        try await withServer(script) { server async throws in
            #expect(try await server.body("/") == script)
            #expect(try await server.body("/late").hasSuffix("HTTPResponse.set_file: the response is sent already"))
        }
    }

    @Test func `a handler that fails after it sends no file`() async throws {
        try await withHandler("response:set_file('files/a.txt') error('no')") { server async throws in
            #expect(try await server.status(of: "/") == "500")
        }
    }

    @Test func `a large file arrives whole, and others are served meanwhile`() async throws {
        let large = String(repeating: "0123456789", count: 300_000)
        let script = """
            HTTPServer.register_route("GET", "/", function(request, response) response:set_file("large.txt") end)
            HTTPServer.register_route("GET", "/other", function(request, response) response.body = "other" end)
            """
        try await withServer(["main.lua": script, "large.txt": large]) { server async throws in
            let slow = try await server.connect(reads: false, receiveBuffer: 4096)
            try await slow.request("GET", "/", headers: ["Connection: close"])
            #expect(try await server.body("/other") == "other")
            try await slow.startReading()
            #expect(try await slow.waitForEnd().hasSuffix("\r\n\r\n" + large))
        }
    }

    @Test func `the status that was sent is told`() async throws {
        let script = """
            HTTPServer.request_completed:connect(function(method, path, status) print(method, path, status) end)
            HTTPServer.register_route("GET", "/{name}", function(request, response)
              response:set_file(request.path_params.name)
            end)
            """
        try await withServer(script) { server async throws in
            for (path, headers) in [
                ("/nothing", []), ("/main.lua", ["If-None-Match: *"]), ("/main.lua", ["Range: bytes=0-0"]),
            ] {
                _ = try await server.response(to: path, headers: headers)
            }
            _ = await server.log.wait(for: "main.lua\t206")
            #expect(server.printed.suffix(3) == ["GET\t/nothing\t404", "GET\t/main.lua\t304", "GET\t/main.lua\t206"])
        }
    }
}
