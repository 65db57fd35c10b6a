import TestKit
import Testing

/// When `start_sse` opens a stream, when it raises, and what the head says.
@Suite(.timeLimit(.minutes(5))) struct StartStreamTests {
    @Test func `the head follows the standard and is flushed with a first comment`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
            """
        ) { server in
            let client = try await server.open()
            let head = client.text.split(separator: "\r\n").map { $0.lowercased() }
            #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            for line in [
                "content-type: text/event-stream; charset=utf-8", "cache-control: no-cache, no-transform",
                "x-accel-buffering: no",
            ] { #expect(head.contains(line), "\(client.text)") }
            #expect(!client.text.lowercased().contains("content-length"))
            #expect(client.events == "")
        }
    }

    @Test func `the script's headers and those of the option are added`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:set_header("X-Own", "1"):add_header("Set-Cookie", "a=b")
              response:start_sse { headers = { ["X-Option"] = "2" } }
            end)
            """
        ) { server in
            let client = try await server.open()
            let head = client.text.split(separator: "\r\n").map { $0.lowercased() }
            for line in ["x-own: 1", "set-cookie: a=b", "x-option: 2"] {
                #expect(head.contains(line), "\(client.text)")
            }
            #expect(head.contains("content-type: text/event-stream; charset=utf-8"))
        }
    }

    @Test(arguments: [#"a\r\nX-Evil: 1"#, #"a\nb"#, #"a\0"#])
    func `an option that could forge a header is refused`(bad: String) async throws {
        for table in ["{ ['X-A'] = \"\(bad)\" }", "{ [\"\(bad)\"] = 'x' }"] {
            let result = try await Snippets.run("response:start_sse { headers = \(table) }")
            #expect(result.hasPrefix("error: snippet.lua:1: HTTPResponse.start_sse: "), "\(result)")
        }
    }

    @Test(arguments: [
        ("response:start_sse() response:start_sse()", "the response was started already"),
        ("response:set_body('x') response:start_sse()", "the response has a body already"),
        ("response.body = '' response:start_sse()", "the response has a body already"),
        ("response:set_json({}) response:start_sse()", "the response has a body already"),
        ("response.status_code = 201 response:start_sse()", "the response has status 201; a stream needs 200"),
        ("response:set_status(404) response:start_sse()", "the response has status 404; a stream needs 200"),
    ])
    func `it raises when the response is something else already`(code: String, message: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              \(code)
            end)
            """
        ) { server in
            _ = try await server.response(to: "/events")
            let line = await server.log.wait(for: "HTTPResponse.start_sse")
            #expect(line.hasPrefix("error main.lua:2: HTTPResponse.start_sse: \(message)"))
        }
    }

    @Test func `after it the response is the stream and takes no answer`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              print(response:is_sse_response())
              local connection = response:start_sse()
              print(response:is_sse_response())
              for _, change in ipairs {
                function() response.body = "x" end, function() response.status_code = 201 end,
                function() response:set_json(1) end, function() response:add_header("a", "b") end,
                function() response:start_sse() end,
              } do print(pcall(change)) end
              print(connection:send("still"))
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: still\n\n")
            #expect(
                server.printed.suffix(8) == [
                    "false", "true",
                    "false\tmain.lua:6: HTTPResponse.body: the response is an event stream already",
                    "false\tmain.lua:6: HTTPResponse.status_code: the response is an event stream already",
                    "false\tmain.lua:7: HTTPResponse.set_json: the response is an event stream already",
                    "false\tmain.lua:7: HTTPResponse.add_header: the response is an event stream already",
                    "false\tmain.lua:8: HTTPResponse.start_sse: the response was started already",
                    "true",
                ])
        }
    }

    @Test func `a HEAD gets the head, and the handler a connection that is not active`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              print("got", c.connection_id, c.active, c:send("x"), c:send_event("a", "b"), c:close())
            end)
            HTTPServer.sse_connection_opened:connect(function() print("opened") end)
            HTTPServer.sse_connection_closed:connect(function() print("closed") end)
            """
        ) { server in
            let response = try await server.response(to: "HEAD", "/events")
            #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(response.lowercased().contains("\r\ncontent-type: text/event-stream; charset=utf-8\r\n"))
            #expect(response.hasSuffix("\r\n\r\n"))
            try await server.settle()
            #expect(server.printed.filter { !$0.hasPrefix("listening") } == ["got\t0\tfalse\tfalse\t3\tfalse"])
        }
    }

    /// A handler that sends for ever, as one may write it for open streams.
    private static let looping = """
        HTTPServer.register_route("GET", "/events", function(request, response)
          local c = response:start_sse { allowed_origins = { "https://here.example" } }
          local _ <close> = setmetatable({}, { __close = function() print("handler ended") end })
          while true do
            c:send("x")
            sleep(1000)
          end
        end)
        """

    @Test(arguments: [
        ("HEAD", [], "200"), ("GET", ["Origin: https://there.example"], "403"),
        ("GET", ["Last-Event-ID: mooncast.end"], "204"),
    ])
    func `a handler that loops ends where it first waits when there is no stream`(
        method: String, headers: [String], status: String
    ) async throws {
        try await withServer(Self.looping) { server in
            let answer = try await server.status(method, of: "/events", headers: headers)
            #expect(answer == status)
            _ = await server.log.wait(for: "handler ended")
        }
    }

    @Test(arguments: [
        (["Origin: https://a.example"], true), (["Origin: https://b.example"], true), ([], true),
        (["Origin: https://c.example"], false), (["Origin: null"], false), (["Origin: https://a.example.evil"], false),
        (["Origin: http://a.example"], false), (["Origin: HTTPS://A.EXAMPLE"], false),
    ])
    func `an origin that is not allowed gets 403 and no stream`(headers: [String], isAllowed: Bool) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse { allowed_origins = { "https://a.example", "https://b.example" } }
              print("active", c.active, c:is_connection_active(), c:send("x"))
            end)
            HTTPServer.sse_connection_opened:connect(function() print("opened") end)
            """
        ) { server in
            if isAllowed {
                let client = try await server.open(headers: headers)
                try await client.wait(for: "data: x\n\n")
                _ = await server.log.wait(for: "opened")
                return
            }
            let response = try await server.response(to: "/events", headers: headers)
            #expect(response.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
            #expect(!response.contains("text/event-stream"))
            #expect(await server.log.wait(for: "active") == "info active\tfalse\tfalse\tfalse")
            try await server.settle()
            #expect(!server.printed.contains("opened"))
        }
    }

    @Test func `a handler that is over cannot start a stream`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              spawn(function()
                sleep(0)
                print(pcall(response.start_sse, response))
              end)
            end)
            """
        ) { server in
            _ = try await server.response(to: "/")
            let line = await server.log.wait(for: "false")
            #expect(line.hasSuffix("HTTPResponse.start_sse: the response was started already"))
        }
    }
}
