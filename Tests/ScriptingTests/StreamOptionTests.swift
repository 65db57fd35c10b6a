import Delivery
import NIOCore
import TestKit
import Testing

/// `welcome`, `auto_id` and `ping_event` of `start_sse`.
@Suite(.timeLimit(.minutes(5))) struct StreamOptionTests {
    private func stream(_ options: String, _ code: String, waitFor end: String = "event: end") async throws -> String {
        var text = ""
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local connection = response:start_sse(\(options))
              \(code)
              connection:finish()
            end)
            """
        ) { server in
            let client = try await server.open()
            text = try await client.wait(for: end)
            try await client.close()
        }
        return text.components(afterHead: "\r\n\r\n:\n")
    }

    @Test func `welcome sends the uuid before anything else`() async throws {
        let text = try await stream(
            "{ welcome = true, retry = 7, channels = { 'news' }, replay = 3 }",
            "connection:send(connection.uuid)")
        let uuid = text.split(separator: "\"").dropFirst(3).first.map(String.init) ?? ""
        #expect(uuid.count == 36)
        #expect(
            text.hasPrefix("retry: 7\nevent: welcome\ndata: {\"uuid\":\"\(uuid)\"}\n\ndata: \(uuid)\n\n"), "\(text)")
    }

    @Test(arguments: [
        (
            "{ auto_id = true }",
            ["id: 0\ndata: a", "id: 1\nevent: e\ndata: b", "id: 2\ndata: c", "id: own\ndata: d", "id: 3\ndata: f"]
        ),
        (
            "{ auto_id = true, welcome = true }",
            ["id: 0\nevent: welcome", "id: 1\ndata: a", "id: 2\nevent: e", "id: 3\ndata: c"]
        ),
        (
            "{ auto_id = false }",
            ["data: a\n\nevent: e\ndata: b\n\n: none\nretry: 5\ndata: c\n\nid: own\ndata: d\n\ndata: f"]
        ),
    ])
    func `auto_id numbers what the stream is sent itself, but for what has an id`(
        options: String, blocks: [String]
    ) async throws {
        let text = try await stream(
            options,
            """
            connection:send("a")
            HTTPServer.send_sse_event(connection.connection_id, "e", "b")
            connection:comment("none") connection:retry(5)
            connection:send{ data = "c" }
            connection:send{ id = "own", data = "d" }
            connection:send_data("f")
            HTTPServer.broadcast("all", "g")
            """)
        var rest = Substring(text)
        for block in blocks {
            guard let found = rest.firstRange(of: block) else {
                Issue.record("'\(block)' is not in '\(rest)'")
                return
            }
            rest = rest[found.upperBound...]
        }
        #expect(text.contains("\n\nevent: all\ndata: g\n"), "\(text)")
    }

    @Test func `an event that is refused takes no number`() async throws {
        let text = try await stream(
            "{ auto_id = true }", "connection:send('bad\\nname', 'x') connection:send('a') connection:send('b')")
        #expect(text.contains("id: 0\ndata: a\n\nid: 1\ndata: b\n\n"), "\(text)")
    }

    @Test func `ping_event makes the heartbeat an event that does not count as one`() async throws {
        let clock = ManualClock()
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              connection = response:start_sse { ping_event = "ping", ping_duration = 10, inactivity_duration = 25 }
            end)
            HTTPServer.sse_connection_closed:connect(function(id, reason)
              print("closed", reason, connection.events_sent)
            end)
            """, clock: clock
        ) { server in
            let client = try await server.open()
            for count in 1...2 {
                clock.advance(by: .seconds(10))
                try await client.wait(for: String(repeating: "event: ping\ndata:\n\n", count: count))
            }
            clock.advance(by: .seconds(5))
            _ = await server.log.wait(for: "closed\tinactive\t0")
        }
    }

    @Test(arguments: [
        ("ping_event = 7", "option 'ping_event' must be an event's name without CR, LF or NUL, got number 7"),
        (#"ping_event = """#, "option 'ping_event' must be an event's name without CR, LF or NUL"),
        (#"ping_event = "a\nb""#, "option 'ping_event' must be an event's name without CR, LF or NUL"),
        ("welcome = 1", "option 'welcome' must be a boolean, got number 1"),
        ("auto_id = 'yes'", "option 'auto_id' must be a boolean, got string yes"),
        ("auto_ids = true", "unknown option 'auto_ids'; did you mean 'auto_id'?"),
    ])
    func `misuse says what is wrong`(option: String, message: String) async throws {
        let result = try await Snippets.run("response:start_sse { \(option) }")
        #expect(result.contains(message), "\(result)")
    }
}

extension String {
    /// What follows the first `mark`.
    fileprivate func components(afterHead mark: String) -> String {
        firstRange(of: mark).map { String(self[$0.upperBound...]) } ?? ""
    }
}
