import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct FileServingTests {
    private static let large = String((0..<600_000).map { "line \($0 % 10_000)\n" }.joined().prefix(5_000_000))
    private static let files = [
        "main.lua": """
        HTTPServer.register_route("GET", "/routed.txt", function(request, response) response.body = "route" end)
        HTTPServer.register_route("POST", "/posted.txt", function(request, response) response.body = "posted" end)
        """,
        "secret.lua": "-- a script", "public/index.html": "<h1>home</h1>", "public/a.txt": "text",
        "public/b.css": "a{}",
        "public/c.js": "1", "public/d.json": "{}", "public/e": "?", "public/empty.txt": "",
        "public/sub/index.html": "sub",
        "public/routed.txt": "file", "public/posted.txt": "file", "public/large.txt": large,
    ]

    private func response(
        _ server: TestServer, _ path: String, method: String = "GET", headers: [String] = []
    ) async throws -> ReceivedResponse {
        let client = try await server.connect()
        try await client.request(method, path, headers: ["Connection: close"] + headers)
        let response = try await client.lastResponse(isHead: method == "HEAD")
        try await client.close()
        return response
    }

    @Test func `files have their type and length, for HEAD as well`() async throws {
        try await withServer(Self.files) { server in
            for (path, type, body) in [
                ("/", "text/html; charset=utf-8", "<h1>home</h1>"), ("/a.txt", "text/plain; charset=utf-8", "text"),
                ("/a.txt?v=1", "text/plain; charset=utf-8", "text"), ("/b.css", "text/css; charset=utf-8", "a{}"),
                ("/c.js", "text/javascript; charset=utf-8", "1"), ("/d.json", "application/json", "{}"),
                ("/e", "application/octet-stream", "?"), ("/empty.txt", "text/plain; charset=utf-8", ""),
                ("/sub/", "text/html; charset=utf-8", "sub"),
            ] {
                let get = try await response(server, path)
                #expect(get.status == 200)
                #expect(get["Content-Type"] == type)
                #expect(get.text == body)
                let head = try await response(server, path, method: "HEAD")
                #expect(head.statusLine == get.statusLine)
                #expect(head.fieldLines == get.fieldLines)
            }
        }
    }

    @Test func `a large file arrives whole, also by a connection that stays`() async throws {
        try await withServer(Self.files) { server in
            let client = try await server.connect()
            for _ in 0..<2 {
                try await client.request("GET", "/large.txt")
                try await client.wait(forBytes: Self.large.utf8.count)
                let response = try await client.response()
                #expect(response["Content-Length"] == "5000000")
                #expect(response.text == Self.large)
            }
            try await client.close()
        }
    }

    @Test func `a slow reader gets a large file whole`() async throws {
        try await withServer(Self.files) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            try await client.request("GET", "/large.txt", headers: ["Connection: close"])
            try await client.finish()
            #expect(try await response(server, "/a.txt").text == "text")
            try await client.startReading()
            #expect(try await client.lastResponse().text == Self.large)
        }
    }

    @Test func `a client that leaves in the middle of a file leaves nothing open`() async throws {
        try await withServer(Self.files) { server in
            for resets in [true, false] {
                let client = try await server.connect(reads: false, receiveBuffer: 4096)
                try await client.request("GET", "/large.txt")
                #expect(try await response(server, "/a.txt").text == "text")
                if resets { try await client.reset() } else { try await client.close() }
            }
            while try OpenDescriptors.sockets(onLocalPort: server.port) > 1 { try await server.turn() }
        }
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH"])
    func `a file takes GET and HEAD only`(_ method: String) async throws {
        try await withServer(Self.files) { server in
            let response = try await response(server, "/a.txt", method: method)
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET, HEAD")
        }
    }

    @Test func `where a route takes another method, all that are allowed are named`() async throws {
        try await withServer(Self.files) { server in
            let response = try await response(server, "/posted.txt", method: "DELETE")
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET, HEAD, POST")
        }
    }

    @Test func `a part of a large file arrives whole, and several parts do`() async throws {
        try await withServer(Self.files) { server in
            let bytes = Array(Self.large.utf8)
            let part = try await response(server, "/large.txt", headers: ["Range: bytes=1000000-3999999"])
            #expect(part.status == 206)
            #expect(part["Content-Range"] == "bytes 1000000-3999999/5000000")
            #expect(part.body == Array(bytes[1_000_000..<4_000_000]))
            let parts = try await response(server, "/large.txt", headers: ["Range: bytes=0-999999,-1000000"])
            #expect(parts.status == 206)
            let boundary = try #require(parts["Content-Type"]?.split(separator: "=").last)
            #expect(parts.text.hasSuffix("\r\n--\(boundary)--\r\n"))
            for (place, range) in [("0-999999", 0..<1_000_000), ("4000000-4999999", 4_000_000..<5_000_000)] {
                let text = String(decoding: bytes[range], as: UTF8.self)
                #expect(
                    parts.text.contains("\r\nContent-Range: bytes \(place)/5000000\r\n\r\n\(text)\r\n--\(boundary)"))
            }
        }
    }

    @Test func `a connection goes on after any answer of a file`() async throws {
        try await withServer(Self.files) { server in
            let client = try await server.connect()
            try await client.request("GET", "/a.txt")
            let tag = try #require(try await client.response()["ETag"])
            for (headers, status) in [
                (["If-None-Match: \(tag)"], 304), (["If-Match: \"x\""], 412), (["Range: bytes=1-2"], 206),
                (["Range: bytes=9-"], 416), (["Range: bytes=0-0,2-2"], 206), ([], 200),
            ] {
                try await client.request("GET", "/a.txt", headers: headers)
                let response = try await client.response()
                #expect(response.status == status)
                if status == 304 { #expect(response["Content-Length"] == nil && response.text == "") }
            }
            try await client.request("GET", "/sub")
            #expect(try await client.response().status == 301)
            try await client.request("HEAD", "/large.txt")
            #expect(try await client.response(isHead: true)["Content-Length"] == "5000000")
            try await client.close()
        }
    }

    @Test func `OPTIONS and 405 at a file list its methods and those of routes`() async throws {
        try await withServer(Self.files) { server in
            let file = try await response(server, "/a.txt", method: "OPTIONS")
            #expect(file.status == 204)
            #expect(file["Allow"] == "GET, HEAD, OPTIONS")
            let both = try await response(server, "/posted.txt", method: "OPTIONS")
            #expect(both["Allow"] == "GET, HEAD, POST, OPTIONS")
            #expect(try await response(server, "/posted.txt", method: "PUT")["Allow"] == "GET, HEAD, POST")
            #expect(try await response(server, "/none.txt", method: "OPTIONS").status == 404)
        }
    }

    @Test func `routes come first, and a file fills the methods that they leave`() async throws {
        try await withServer(Self.files) { server in
            let routed = try await response(server, "/routed.txt")
            #expect(routed.text == "route")
            #expect(try await response(server, "/posted.txt", method: "POST").text == "posted")
            #expect(try await response(server, "/posted.txt").text == "file")
        }
    }

    @Test(arguments: [
        "/../main.lua", "/..%2fmain.lua", "/%2e%2e/main.lua", "/%252e%252e/main.lua", "/..%5cmain.lua", "/..\\main.lua",
        "//main.lua", "/sub/../../main.lua", "/main.lua", "/secret.lua", "/public/a.txt",
    ])
    func `what lies outside is not served`(_ path: String) async throws {
        try await withServer(Self.files) { server in
            let response = try await response(server, path)
            #expect([400, 404].contains(response.status))
            #expect(!response.text.contains("script"))
        }
    }

    @Test func `a directory is sent to its closing slash`() async throws {
        try await withServer(Self.files) { server in
            let moved = try await response(server, "/sub?x=1")
            #expect(moved.status == 301)
            #expect(moved["Location"] == "/sub/?x=1")
            #expect(moved["Content-Length"] == "0")
            #expect(try await response(server, "//sub").status == 404)
            #expect(try await response(server, "http://evil.example/sub")["Location"] == "/sub/")
        }
    }
}
