import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// Line 1 of the promises.
@Suite(.timeLimit(.minutes(5))) struct StreamHeadTests {
    private static let script = """
        HTTPServer.register_route("GET", "/stream", function(request, response) response:start_sse() end)
        HTTPServer.register_route("GET", "/retry", function(request, response) response:start_sse{retry = 250} end)
        HTTPServer.register_route("GET", "/own", function(request, response)
            response:set_header("X-Own", "one")
            response:add_header("X-Own", "two")
            response:set_header("Cache-Control", "public")
            response:set_content_type("text/plain")
            response:start_sse{headers = {["X-More"] = "three"}}
        end)
        HTTPServer.sse_connection_opened.connect(function() print("opened") end)
        """
    private static let cors = "Access-Control-Allow-Origin: *"
    private static let exposed = "Access-Control-Expose-Headers: X-Own, X-More"
    private static let fields = [
        "Cache-Control: no-cache, no-transform", "Connection: close", "Content-Type: text/event-stream; charset=utf-8",
        "X-Accel-Buffering: no",
    ]

    private func split(_ text: String) throws -> (head: ReceivedResponse, rest: String) {
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let head = try ReceivedResponse.parse(Array((parts[0] + "\r\n\r\n").utf8), isHead: true).responses[0]
        return (head, String(parts[1]))
    }

    @Test(arguments: [("/stream", ":\n"), ("/retry", ":\nretry: 250\n")])
    func `the head, byte by byte, and the first bytes behind it`(_ path: String, _ first: String) async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("GET", path)
            try await client.wait(for: first)
            let (head, rest) = try split(client.text)
            #expect(head.statusLine == "HTTP/1.1 200 OK")
            #expect(head.fieldLines == [Self.cors] + Self.fields)
            #expect(head["Date"]?.hasSuffix(" GMT") == true)
            #expect(rest == first)
            try await client.close()
        }
    }

    @Test func `a script's headers are added, and what makes it a stream stays`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/own")
            try await client.wait(for: ":\n")
            let (head, _) = try split(client.text)
            let own = ["X-More: three", "X-Own: one", "X-Own: two", Self.cors, Self.exposed]
            #expect(head.fieldLines == (Self.fields + own).sorted())
            try await client.close()
        }
    }

    @Test(arguments: [("/stream", []), ("/own", ["X-More: three", "X-Own: one", "X-Own: two", exposed])])
    func `HEAD has the same headers, no body and opens nothing`(_ path: String, _ own: [String]) async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("HEAD", path, headers: ["Connection: close"])
            let text = try await client.waitForEnd()
            let (head, rest) = try split(text)
            #expect(head.fieldLines == (Self.fields + [Self.cors] + own).sorted())
            #expect(rest.isEmpty)
            #expect(server.lines(with: "opened").isEmpty)
            try await client.close()
        }
    }

    @Test func `what would end or reframe a stream is not taken over`() {
        let names = [
            "Content-Length", "Transfer-Encoding", "connection", "DATE", "Content-Type", "cache-control",
            "X-Accel-Buffering",
        ]
        let fields = StreamHead.fields(adding: names.map { ($0, "1") } + [("X", "1"), ("not a name", "1")])
        #expect(
            fields.map { "\($0.name): \($0.value)" }.sorted()
                == (Self.fields.filter { $0 != "Connection: close" } + ["X: 1"]).sorted())
    }
}
