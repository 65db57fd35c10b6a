import NIOCore
import TestKit
import Testing

/// S42-Core's `SSE`.
@Suite(.timeLimit(.minutes(5))) struct S42CoreTests {
    /// The stream of a handler that has `sse`, with `UUID` for its uuid, and what the script printed.
    private func run(_ code: String, headers: [String] = []) async throws -> (stream: String, printed: [String]) {
        var result = (stream: "", printed: [String]())
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local sse = SSE.new(request, response)
              print(sse:getUUID())
              \(code)
              sse:close()
            end)
            """, clock: ManualClock()  // no heartbeats
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events", headers: headers)
            try await client.waitForEnd()
            let printed = server.printed.filter { !$0.hasPrefix("listening") }
            let uuid = try #require(printed.first)
            #expect(uuid.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil)
            result = (client.stream.replacing(uuid, with: "UUID"), Array(printed.dropFirst()))
        }
        return result
    }

    private static let welcome = "id: 0\nevent: welcome\ndata: {\"uuid\":\"UUID\"}\n\n"

    @Test func `the first event welcomes the client with the uuid`() async throws {
        let sent = try await run("print(sse:getUUID() == sse:getUUID(), sse:getUUID() == sse.connection.uuid)")
        #expect(sent.stream == Self.welcome)
        #expect(sent.printed == ["true\ttrue"])
    }

    @Test(arguments: [
        ("{ message = 'hi' }", #"{"message":"hi"}"#), ("{ 1, 2 }", "[1,2]"), ("{}", "{}"), ("'text'", #""text""#),
        ("5", "5"), ("false", "false"), ("JSON.null", "null"), ("'a\\nb'", #""a\nb""#),
        ("{ deep = { list = JSON.array{} } }", #"{"deep":{"list":[]}}"#),
    ])
    func `a payload is sent as JSON, whatever it is`(payload: String, json: String) async throws {
        let sent = try await run("print(sse:send{ eventName = 'update', eventPayload = \(payload) })")
        #expect(sent.stream == Self.welcome + "id: 1\nevent: update\ndata: \(json)\n\n")
        #expect(sent.printed == ["true"])
    }

    @Test func `ids rise by one, and what is not sent takes none`() async throws {
        let sent = try await run(
            """
            print(sse:send { eventName = "a", eventPayload = 1 }, sse:send { eventName = "a\\nb", eventPayload = 2 })
            print(sse:send { eventName = "b", eventPayload = 3 })
            """)
        #expect(
            sent.stream == Self.welcome + "id: 1\nevent: a\ndata: 1\n\nid: 2\nevent: b\ndata: 3\n\n")
        #expect(sent.printed == ["true\tfalse", "true"])
    }

    @Test func `each stream has its own uuid and its own numbers`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              SSE.new(request, response):send { eventName = "first", eventPayload = true }
            end)
            """
        ) { server in
            var uuids: Set<String> = []
            for _ in 0..<3 {
                let client = try await server.open()
                try await client.wait(for: "id: 1\nevent: first\ndata: true\n\n")
                uuids.insert(client.events)
                try await client.close()
            }
            #expect(uuids.count == 3)
        }
    }

    @Test func `after close nothing is sent, and a second close does nothing`() async throws {
        let sent = try await run(
            """
            print(sse:close(), sse:close(), sse:send { eventName = "late", eventPayload = 1 }, sse.connection.active)
            """)
        #expect(sent.stream == Self.welcome)
        #expect(sent.printed == ["true\tfalse\tfalse\tfalse"])
    }

    @Test func `a HEAD gets the head and no event`() async throws {
        let script = """
            HTTPServer.register_route("GET", "/events", function(request, response)
              print("sent", SSE.new(request, response):send { eventName = "a", eventPayload = 1 })
            end)
            """
        try await withServer(script) { server in
            let response = try await server.response(to: "HEAD", "/events")
            #expect(response.lowercased().contains("\r\ncontent-type: text/event-stream; charset=utf-8\r\n"))
            #expect(response.hasSuffix("\r\n\r\n"))
            #expect(await server.log.wait(for: "sent") == "info sent\tfalse")
        }
    }

    @Test(arguments: [
        ("sse:send('x')", "SSE.send: argument 1 (event) must be a table, got string"),
        ("sse:send{ eventname = 'x' }", "SSE.send: unknown option 'eventname'; did you mean 'eventName'?"),
        ("sse:send{ eventPayload = 1 }", "SSE.send: argument 1 (eventName) must be a string, got nil"),
        (
            "sse:send{ eventName = 'x' }",
            "SSE.send: argument 1 (eventPayload) must be a value that JSON has, got nil"
        ),
        ("sse:send{ eventName = 'x', eventPayload = print }", "JSON.encode: a function has no form in JSON"),
        ("sse.send{ eventName = 'x' }", "use sse:send() (':' not '.')"),
        ("sse.getUUID()", "use sse:getUUID() (':' not '.')"),
        ("sse.close = 5", "SSE.close cannot be assigned"),
        ("SSE.new(response, request)", "SSE.new: argument 1 (request) must be a HTTPRequestContext, got HTTPResponse"),
        ("SSE.new(request)", "SSE.new: argument 2 (response) must be a HTTPResponse, got nil"),
        ("SSE.new(request, response)", "HTTPResponse.start_sse: the response was started already"),
    ])
    func `misuse says what is wrong, at the script's line`(code: String, message: String) async throws {
        let sent = try await run("print(select(2, pcall(function() \(code) end)))")
        #expect(sent.printed == ["main.lua:4: \(message)"])
    }
}
