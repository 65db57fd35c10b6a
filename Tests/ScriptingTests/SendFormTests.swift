import TestKit
import Testing

/// Every form of sending, and the bytes that it makes.
@Suite(.timeLimit(.minutes(5))) struct SendFormTests {
    /// Opens a stream whose handler does `code` with `c`, and returns the events and what it printed.
    private func run(_ code: String, threads: Int = 1) async throws -> (events: String, printed: [String]) {
        var result = (events: "", printed: [String]())
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              local id = c.connection_id
              \(code)
              c:close()
            end)
            """, clock: ManualClock(), threads: threads  // no heartbeats
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.waitForEnd()
            result = (client.stream, server.printed.filter { !$0.hasPrefix("listening") })
        }
        return result
    }

    static let sends: [(String, String, String)] = [
        ("c:send('d')", "true", "data: d\n\n"),
        ("c:send('e', 'd')", "true", "event: e\ndata: d\n\n"),
        ("c:send('i', 'e', 'd')", "true", "id: i\nevent: e\ndata: d\n\n"),
        ("c:send{ data = 'd' }", "true", "data: d\n\n"),
        (
            "c:send{ id = 'i', type = 'e', data = 'd', retry = 5, key = 'k' }", "true",
            "id: i\nevent: e\nretry: 5\ndata: d\n\n"
        ),
        ("c:send{ type = 'e' }", "true", "event: e\ndata:\n\n"),
        ("c:send{ id = 'i' }", "true", "id: i\ndata:\n\n"),
        ("c:send{ id = '', data = 'd' }", "true", "id:\ndata: d\n\n"),
        ("c:send{ retry = 5 }", "true", "retry: 5\n"),
        ("c:send('')", "true", "data:\n\n"),
        ("c:send(5)", "true", "data: 5\n\n"), ("c:send(1.5)", "true", "data: 1.5\n\n"),
        ("c:send(true)", "true", "data: true\n\n"), ("c:send(false)", "true", "data: false\n\n"),
        ("c:send('e', { a = 1 })", "true", "event: e\ndata: {\"a\":1}\n\n"),
        ("c:send('e', { 1, 2 })", "true", "event: e\ndata: [1,2]\n\n"),
        ("c:send('i', 'e', false)", "true", "id: i\nevent: e\ndata: false\n\n"),
        ("c:send{ type = 'e', data = { 1, { x = 'y' } } }", "true", "event: e\ndata: [1,{\"x\":\"y\"}]\n\n"),
        ("c:send(JSON.null)", "true", "data: null\n\n"), ("c:send(JSON.array{})", "true", "data: []\n\n"),
        ("c:send(JSON.array{ 1, 2 })", "true", "data: [1,2]\n\n"),
        ("c:send('e', JSON.null)", "true", "event: e\ndata: null\n\n"),
        ("c:send('e', JSON.array())", "true", "event: e\ndata: []\n\n"),
        ("c:send('e', {})", "true", "event: e\ndata: {}\n\n"),
        ("c:send_event('e', 'd')", "0", "event: e\ndata: d\n\n"),
        ("c:send_event('e', 'd', 'i')", "0", "id: i\nevent: e\ndata: d\n\n"),
        ("c:send_event('e', 'd', '')", "0", "event: e\ndata: d\n\n"),
        ("c:send_event('', 'd')", "0", "data: d\n\n"),
        ("c:send_data('d')", "0", "data: d\n\n"), ("c:send_data({ a = 'b' })", "0", "data: {\"a\":\"b\"}\n\n"),
        ("HTTPServer.send_sse_event(id, 'e', 'd')", "0", "event: e\ndata: d\n\n"),
        ("HTTPServer.send_sse_event(id, 'e', 'd', 'i')", "0", "id: i\nevent: e\ndata: d\n\n"),
        ("HTTPServer.send_sse_event(id, 'e', { a = true })", "0", "event: e\ndata: {\"a\":true}\n\n"),
        ("HTTPServer.send_sse_data(id, 'd')", "0", "data: d\n\n"),
        ("HTTPServer.send_sse_data(id, 7)", "0", "data: 7\n\n"),
        ("HTTPServer.send_sse_retry(id, 1500)", "0", "retry: 1500\n"),
        ("HTTPServer.send_sse_retry(id, -5)", "0", "retry: 0\n"),
        ("HTTPServer.send_sse_comment(id, 'hi')", "0", ": hi\n"), ("HTTPServer.send_sse_comment(id)", "0", ":\n"),
        ("c:comment('hi')", "true", ": hi\n"), ("c:comment()", "true", ":\n"),
        ("c:comment('a\\nb')", "true", ": a\n: b\n"),
        ("c:retry(10)", "true", "retry: 10\n"), ("c:retry(-1)", "true", "retry: 0\n"),
        ("c:send('a\\nb\\r\\nc\\rd')", "true", "data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("c:send('a\\n')", "true", "data: a\ndata:\n\n"), ("c:send('\\n')", "true", "data:\ndata:\n\n"),
        ("c:send('\\n\\nevent: forged\\ndata: x')", "true", "data:\ndata:\ndata: event: forged\ndata: data: x\n\n"),
        ("c:send(' lead')", "true", "data:  lead\n\n"), ("c:send('é\\xFFz')", "true", "data: é\u{FFFD}z\n\n"),
        ("c:send('\\0')", "true", "data: \0\n\n"),
        ("c:comment('x\\r\\ndata: forged')", "true", ": x\n: data: forged\n"),
    ]

    @Test(arguments: sends)
    func `a send makes these bytes`(call: String, result: String, bytes: String) async throws {
        let sent = try await run("print((\(call)))")
        #expect(sent.events == bytes)
        #expect(sent.printed == [result])
    }

    @Test func `all of them one after the other, with the handler on another thread`() async throws {
        let code = Self.sends.map { "assert((\($0.0)) ~= nil)" }.joined(separator: "\n")
        let sent = try await run(code, threads: 2)
        #expect(sent.events == Self.sends.map(\.2).joined())
    }

    @Test(arguments: ["\\r", "\\n", "\\0", "a\\r\\ndata: forged", "a\\nb", "\\0b"])
    func `CR, LF and NUL in event or id are refused, and nothing is sent`(bad: String) async throws {
        let sent = try await run(
            """
            local bad = "\(bad)"
            print(c:send(bad, "d"), c:send("i", bad, "d"), c:send(bad, "e", "d"), c:send{ type = bad, data = "d" }, c:send{ id = bad })
            print(c:send_event(bad, "d"), c:send_event("e", "d", bad))
            print(HTTPServer.send_sse_event(id, bad, "d"), HTTPServer.send_sse_event(id, "e", "d", bad))
            print(c.active)
            """)
        #expect(sent.events == "")
        #expect(sent.printed == ["false\tfalse\tfalse\tfalse\tfalse", "31\t31", "31\t31", "true"])
    }

    @Test(arguments: [
        "HTTPServer.send_sse_event(99, 'e', 'd')", "HTTPServer.send_sse_data(99, 'd')",
        "HTTPServer.send_sse_retry(99, 5)",
        "HTTPServer.send_sse_comment(99, 'x')", "HTTPServer.send_sse_data(0, 'd')", "HTTPServer.send_sse_data(-1, 'd')",
        "HTTPServer.send_sse_data(math.maxinteger, 'd')", "HTTPServer.send_sse_data(1.0e15, 'd')",
    ])
    func `an id that is not open gives 33`(call: String) async throws {
        #expect(try await Scripts.prints(of: "print(\(call), ERR_DOES_NOT_EXIST)") == ["33\t33"])
    }

    @Test func `a closed stream gives 33 by its id and 3 by its object`() async throws {
        let sent = try await run(
            """
            c:send("x")
            print(c:close())
            print(HTTPServer.send_sse_data(id, "d"), HTTPServer.send_sse_retry(id, 5), HTTPServer.send_sse_comment(id))
            print(c:send_event("e", "d"), c:send_data("d"), c:send("d"), c:comment(), c:retry(1), c:close_connection())
            print(HTTPServer.get_sse_connection(id), c.active, #HTTPServer.get_active_sse_connections())
            """)
        #expect(sent.events == "data: x\n\n")
        #expect(
            sent.printed == [
                "true", "33\t33\t33", "3\t3\tfalse\tfalse\tfalse\tfalse", "nil\tfalse\t0",
            ])
    }

    @Test(arguments: [
        (
            "c:send{ a = 1 }",
            "SSEConnection.send: unknown field 'a' of the event (known: id, type, data, retry, key, tags)"
        ),
        (
            "c:send{ 1, 2 }",
            "SSEConnection.send: unknown field '1' of the event (known: id, type, data, retry, key, tags)"
        ),
        ("c:send('e', { f = print })", "SSEConnection.send: a function has no form in JSON"),
        ("c:send('e', 0/0)", "SSEConnection.send: the number"),
    ])
    func `what cannot be sent raises and sends nothing`(call: String, message: String) async throws {
        let sent = try await run("print(pcall(function() return \(call) end))")
        #expect(sent.events == "")
        #expect(sent.printed.first?.hasPrefix("false\tmain.lua:4: \(message)") == true, "\(sent.printed)")
    }
}
