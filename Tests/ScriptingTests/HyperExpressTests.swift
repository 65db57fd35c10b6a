import NIOCore
import TestKit
import Testing

/// `response.sse`, and the events of a response by HyperExpress' names.
@Suite(.timeLimit(.minutes(5))) struct HyperExpressTests {
    /// What a GET on a route with this handler gets after the stream's first comment, and what the script printed.
    private func run(_ code: String, headers: [String] = []) async throws -> (stream: String, printed: [String]) {
        var result = (stream: "", printed: [String]())
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              \(code)
            end)
            """, clock: ManualClock()  // no heartbeats
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events", headers: headers)
            try await client.waitForEnd()
            try await server.settle()
            result = (client.stream, server.printed.filter { !$0.hasPrefix("listening") })
        }
        return result
    }

    // MARK: the stream

    static let sends: [(String, String, String)] = [
        ("sse:open()", "true", ": open\n"),
        ("sse:comment('hi')", "true", ": hi\n"),
        ("sse:comment('')", "true", ":\n"),
        ("sse:comment('one\\r\\ntwo')", "true", ": one\n: two\n"),
        ("sse:send('d')", "true", "data: d\n\n"),
        ("sse:send('')", "true", "data:\n\n"),
        ("sse:send('e', 'd')", "true", "event: e\ndata: d\n\n"),
        ("sse:send('', 'd')", "true", "data: d\n\n"),
        ("sse:send('e', '')", "true", "event: e\ndata:\n\n"),
        ("sse:send('i', 'e', 'd')", "true", "id: i\nevent: e\ndata: d\n\n"),
        ("sse:send('', '', '\\nnext')", "true", "id:\ndata:\ndata: next\n\n"),
        ("sse:send('ab', 'update', 'one\\r\\ntwo')", "true", "id: ab\nevent: update\ndata: one\ndata: two\n\n"),
        ("sse:send('a\\nb\\0', 'up\\r\\ndate', 'one\\r\\ntwo')", "false", ""),
        ("sse:send('\\u{e9}')", "true", "data: é\n\n"),
        ("sse:send('e', { a = 1 })", "true", "event: e\ndata: {\"a\":1}\n\n"),
    ]

    @Test(arguments: sends)
    func `a send or comment opens the stream and makes these bytes`(call: String, result: String, bytes: String)
        async throws
    {
        let sent = try await run("local sse = response.sse; print(\(call)) print(sse:close())")
        #expect(sent.stream == bytes)
        #expect(sent.printed == [result, "true"])
    }

    @Test func `what is opened by hand goes on with what is sent, and only the first head goes out`() async throws {
        let sent = try await run(
            """
            print(response.sse:open(), response.sse:send("one"), response.sse:open(), response.sse:send("tick", "two"))
            response.sse:close()
            """)
        #expect(sent.stream == ": open\ndata: one\n\n: open\nevent: tick\ndata: two\n\n")
        #expect(sent.printed == ["true\ttrue\ttrue\ttrue"])
    }

    @Test(arguments: [
        ("GET", "table"), ("POST", "nil"), ("PUT", "nil"), ("DELETE", "nil"), ("PATCH", "nil"), ("OPTIONS", "nil"),
    ])
    func `it is there for GET alone`(method: String, kind: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("*", "/", function(request, response) response:send(type(response.sse)) end)
            """
        ) { server in
            let body = try await server.body(method, "/")
            #expect(body == kind)
        }
    }

    @Test func `a HEAD on a route for GET has none`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response) print(request.method, response.sse) end)
            """
        ) { server in
            _ = try await server.response(to: "HEAD", "/")
            #expect(await server.log.wait(for: "HEAD") == "info HEAD\tnil")
        }
    }

    @Test func `it is the same object each time, has fields of its own, and knows whether it is active`() async throws {
        let sent = try await run(
            """
            local sse = response.sse
            print(sse == response.sse, sse.active, sse.id, sse.connection, response:is_sse_response())
            sse.id, sse.user = "ann-1", { name = "ann" }
            print(sse:send("hi"), response.sse == sse, response.sse.id, response.sse.user.name)
            print(sse.active, sse.connection.connection_id, response:is_sse_response())
            print(sse:close(), sse.active, sse:close(), sse:send("late"), sse:comment("late"), sse:open())
            print(response.sse == sse, sse.id)
            """)
        #expect(sent.stream == "data: hi\n\n")
        #expect(
            sent.printed == [
                "true\ttrue\tnil\tnil\tfalse", "true\ttrue\tann-1\tann", "true\t1\ttrue",
                "true\tfalse\tfalse\tfalse\tfalse\tfalse", "true\tann-1",
            ])
    }

    @Test func `closed before it is open, it is an empty answer`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              print(response.sse:close(), response.sse.active, response.sse:send("late"), response.sse:close())
            end)
            """
        ) { server in
            let response = try await server.response(to: "/")
            #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n") && response.hasSuffix("\r\n\r\n"))
            #expect(await server.log.wait(for: "true") == "info true\tfalse\tfalse\tfalse")
        }
    }

    @Test func `one that was not opened while the handler ran is over`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              local sse = response.sse
              spawn(function()
                sleep(0)
                print("late", sse.active, sse:open(), sse:send("x"))
              end)
            end)
            """
        ) { server in
            _ = try await server.response(to: "/")
            #expect(await server.log.wait(for: "late") == "info late\tfalse\tfalse\tfalse")
        }
    }

    // MARK: events

    private static let listeners = """
        local function follow(response, kind)
          for _, event in ipairs { "close", "finish", "abort", "prepare" } do
            response[kind](response, event, function(first, second)
              print(event, first.path, second == response, response.sse and response.sse.active)
            end)
          end
        end
        """

    @Test(arguments: ["on", "once"])
    func `a stream that the server closes: prepare, finish, close`(kind: String) async throws {
        let sent = try await run(
            """
            \(Self.listeners)
            follow(response, "\(kind)")
            response:on("prepare", function() response:header("X-Own", "1") end)
            response.sse:open()
            print("opened")
            response.sse:close()
            """)
        #expect(sent.stream == ": open\n")
        #expect(
            sent.printed == [
                "prepare\t/events\ttrue\ttrue", "opened", "finish\t/events\ttrue\tfalse",
                "close\t/events\ttrue\tfalse",
            ])
    }

    @Test(arguments: [true, false])
    func `a stream whose client leaves: abort, close`(resets: Bool) async throws {
        try await withServer(
            """
            \(Self.listeners)
            HTTPServer.register_route("GET", "/events", function(request, response)
              follow(response, "once")
              response.sse:open()
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: ": open\n")
            if resets { try await client.reset() } else { try await client.close() }
            _ = await server.log.wait(for: "close")
            try await server.settle()
            #expect(
                server.printed.filter { !$0.hasPrefix("listening") } == [
                    "prepare\t/events\ttrue\ttrue", "abort\t/events\ttrue\tfalse", "close\t/events\ttrue\tfalse",
                ])
        }
    }

    @Test(arguments: [
        ("response:send('x')", "x"), ("response:json{ a = 1 }", "{\"a\":1}"), ("response:html('<p>')", "<p>"),
        ("response:set_body('y') response:send()", "y"),
    ])
    func `an ordinary answer: prepare, in which it may still change, finish, close`(code: String, body: String)
        async throws
    {
        try await withServer(
            """
            \(Self.listeners)
            HTTPServer.register_route("POST", "/", function(request, response)
              follow(response, "on")
              response:once("prepare", function() response:status(202):header("X-Late", "yes") end)
              \(code)
            end)
            """
        ) { server in
            let response = try await server.response(to: "POST", "/")
            #expect(response.hasPrefix("HTTP/1.1 202 Accepted\r\n") && response.hasSuffix("\r\n\r\n\(body)"))
            #expect(response.lowercased().contains("\r\nx-late: yes\r\n"))
            _ = await server.log.wait(for: "close")
            try await server.settle()
            #expect(
                server.printed.filter { !$0.hasPrefix("listening") } == [
                    "prepare\t/\ttrue\tnil", "finish\t/\ttrue\tnil", "close\t/\ttrue\tnil",
                ])
        }
    }

    @Test func `an ordinary answer whose client leaves before: abort, close`() async throws {
        try await withServer(
            """
            \(Self.listeners)
            HTTPServer.register_route("POST", "/", function(request, response)
              follow(response, "on")
              response:hold()
              print("held")
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("POST", "/")
            _ = await server.log.wait(for: "held")
            try await client.reset()
            _ = await server.log.wait(for: "close")
            try await server.settle()
            #expect(
                server.printed.filter { !$0.hasPrefix("listening") } == [
                    "held", "abort\t/\ttrue\tnil", "close\t/\ttrue\tnil",
                ])
        }
    }

    @Test func `one function may hear of several events, and twice of one`() async throws {
        let sent = try await run(
            """
            local count = 0
            local function counted() count = count + 1 end
            response:on("close", counted):on("close", counted):once("finish", counted)
            response:once("close", function() print(count) end)
            response.sse:open()
            response.sse:close()
            """)
        #expect(sent.printed == ["3"])
    }

    // MARK: misuse

    @Test(arguments: [
        ("response.sse.open()", "use response.sse:open() (':' not '.')"),
        ("response.sse.send('x')", "use response.sse:send() (':' not '.')"),
        ("response.sse.send = 5", "SSEventStream.send cannot be assigned"),
        ("response.sse.active = true", "SSEventStream.active cannot be assigned"),
        ("response.sse = nil", "HTTPResponse.sse cannot be assigned"),
        ("response.sse:send()", "SSEConnection.send: takes 1 to 3 arguments, got 0"),
        ("response.sse:send('a', 'b', 'c', 'd')", "SSEConnection.send: takes 1 to 3 arguments, got 4"),
        (
            "response.sse:send(print)",
            "SSEConnection.send: argument 1 (data) must be a string, or a table, number or boolean, got function"
        ),
        ("response.sse:comment(5)", "SSEConnection.comment: argument 1 (text) must be a string, got number"),
        ("response:set_body('x') response.sse:open()", "HTTPResponse.start_sse: the response has a body already"),
        ("response:start_sse() response.sse:open()", "HTTPResponse.start_sse: the response was started already"),
        ("response.sse:open() response:send('x')", "HTTPResponse.set_body: the response is an event stream already"),
        ("response.sse:open() response:send()", "HTTPResponse.send: the response is an event stream already"),
        ("response.sse:open() response:header('a', 'b')", "HTTPResponse.add_header: the response is an event stream"),
    ])
    func `misuse of a stream says what is wrong, at the script's line`(code: String, message: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              local ok, message = pcall(function()
                \(code)
              end)
              print("misuse", message)
              if response:is_sse_response() then response.sse:close() end
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/")
            let line = await server.log.wait(for: "misuse")
            #expect(line.hasPrefix("info misuse\tmain.lua:3: \(message)"), "\(line)")
            try await client.close()
        }
    }
}
