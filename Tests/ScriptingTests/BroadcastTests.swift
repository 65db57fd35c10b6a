import Scripting
import TestKit
import Testing

/// One event to every open stream.
@Suite(.timeLimit(.minutes(5))) struct BroadcastTests {
    private static let script = """
        HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
        HTTPServer.register_route("POST", "/do", function(request, response)
          response.body = tostring(assert(load("return " .. request.body))())
        end)
        """

    @Test(arguments: [1, 2])
    func `everyone gets it, and the call says how many`(threads: Int) async throws {
        try await withServer(Self.script, threads: threads) { server in
            #expect(try await server.body("POST", "/do", body: "HTTPServer.broadcast('e', 'nobody')") == "0")
            var clients: [TestClient] = []
            for _ in 0..<10 { clients.append(try await server.open()) }
            #expect(try await server.body("POST", "/do", body: "HTTPServer.broadcast('e', 'all')") == "10")
            for client in clients { try await client.wait(for: "event: e\ndata: all\n\n") }
            try await clients[0].waitForGone(on: server)
            #expect(try await server.body("POST", "/do", body: "HTTPServer.broadcast('e', 'rest')") == "9")
            for client in clients.dropFirst() {
                try await client.wait(for: "event: e\ndata: rest\n\n")
                #expect(client.events == "event: e\ndata: all\n\nevent: e\ndata: rest\n\n")
            }
        }
    }

    @Test(arguments: [
        ("HTTPServer.broadcast{ data = 'd' }", "data: d\n\n"),
        (
            "HTTPServer.broadcast{ id = 'i', type = 'e', data = { 1 }, retry = 5 }",
            "id: i\nevent: e\nretry: 5\ndata: [1]\n\n"
        ),
        ("HTTPServer.broadcast('e', { a = 'b' })", "event: e\ndata: {\"a\":\"b\"}\n\n"),
        ("HTTPServer:broadcast('e', 5)", "event: e\ndata: 5\n\n"),
        ("HTTPServer.broadcast('e', JSON.null)", "event: e\ndata: null\n\n"),
        ("HTTPServer.broadcast('', 'd')", "data: d\n\n"),
    ])
    func `it takes an event, or type and data`(call: String, bytes: String) async throws {
        try await withServer(Self.script, threads: 2) { server in
            let clients = [try await server.open(), try await server.open()]
            #expect(try await server.body("POST", "/do", body: call) == "2")
            for client in clients {
                try await client.wait(for: bytes)
                #expect(client.events == bytes)
            }
        }
    }

    @Test(arguments: ["HTTPServer.broadcast('a\\nb', 'd')", "HTTPServer.broadcast{ id = 'a\\0', data = 'd' }"])
    func `a field that could forge another is refused`(call: String) async throws {
        let report = try await Scripts.failure(call)
        #expect(report.message.hasPrefix("main.lua:1: HTTPServer.broadcast: "), "\(report.message)")
        #expect(report.message.contains("CR, LF or NUL"))
    }

    @Test func `the value is encoded once, whoever listens`() async throws {
        try await withServer(
            Self.script + """

                HTTPServer.register_route("GET", "/spy", function(request, response)
                  local reads = 0
                  local data = setmetatable({ "x" }, { __index = function() reads = reads + 1 end, __pairs = print })
                  HTTPServer.broadcast("e", data)
                  response.body = tostring(reads)
                end)
                """
        ) { server in
            let clients = [try await server.open(), try await server.open(), try await server.open()]
            #expect(try await server.body("/spy") == "0")
            for client in clients { try await client.wait(for: "event: e\ndata: [\"x\"]\n\n") }
        }
    }

    @Test(arguments: [1, 2])
    func `it keeps its place among the sends to one stream`(threads: Int) async throws {
        try await withServer(
            Self.script + """

                HTTPServer.register_route("GET", "/many", function(request, response)
                  for index = 1, 200 do
                    HTTPServer.send_sse_data(1, "own " .. index)
                    HTTPServer.broadcast("", "all " .. index)
                  end
                end)
                """, threads: threads
        ) { server in
            let client = try await server.open()
            _ = try await server.response(to: "/many")
            try await client.wait(for: "data: all 200\n\n")
            #expect(client.events == (1...200).map { "data: own \($0)\n\ndata: all \($0)\n\n" }.joined())
        }
    }
}

extension TestClient {
    /// Leaves, and waits until the server has noticed.
    fileprivate func waitForGone(on server: TestServer) async throws {
        let before = try await server.body("POST", "/do", body: "#HTTPServer.get_active_sse_connections()")
        try await reset()
        while try await server.body("POST", "/do", body: "#HTTPServer.get_active_sse_connections()") == before {}
    }
}
