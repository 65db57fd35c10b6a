import NIOCore
import Scripting
import TestKit
import Testing

/// Swiftybase's functions: the table `Stack`.
@Suite(.timeLimit(.minutes(5))) struct SwiftybaseTests {
    /// Opens a stream whose handler does `code` with `controller`; returns the events and what it printed.
    private func run(_ code: String) async throws -> (stream: String, printed: [String]) {
        var result = (stream: "", printed: [String]())
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local controller = Stack.upgrade_to_sse(request, response, { ping_duration = 0 })
              \(code)
              Stack.close_sse(controller)
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.waitForEnd()
            result = (client.stream, server.printed.filter { !$0.hasPrefix("listening") })
        }
        return result
    }

    // MARK: one stream

    @Test(arguments: [
        ("{ data = 'd' }", "data: d\n\n"), ("{ type = 'e', data = 'd' }", "event: e\ndata: d\n\n"),
        ("{ id = 'i', type = 'e', data = { a = 1 }, retry = 5 }", "id: i\nevent: e\nretry: 5\ndata: {\"a\":1}\n\n"),
        ("Stack.new_sse_event{ type = 'e', data = 'd' }", "event: e\ndata: d\n\n"), ("'text'", "data: text\n\n"),
        ("{ retry = 5 }", "retry: 5\n"),
    ])
    func `send_sse sends an event or its fields, and says that the stream is active`(event: String, bytes: String)
        async throws
    {
        let sent = try await run("print(Stack.send_sse(controller, \(event)))")
        #expect(sent.stream == bytes)
        #expect(sent.printed == ["true"])
    }

    @Test func `an event is used again with other data`() async throws {
        let sent = try await run(
            """
            local event = Stack.new_sse_event { type = "count" }
            for index = 0, 2 do
              event.data = index
              Stack.send_sse(controller, event)
            end
            """)
        #expect(sent.stream == (0...2).map { "event: count\ndata: \($0)\n\n" }.joined())
    }

    @Test func `is_sse_active and send_sse tell that a stream is over`() async throws {
        let sent = try await run(
            """
            print(Stack.is_sse_active(controller), Stack.close_sse(controller))
            print(Stack.is_sse_active(controller), Stack.close_sse(controller), Stack.send_sse(controller, "late"))
            """)
        #expect(sent.stream == "")
        #expect(sent.printed == ["true\ttrue", "false\tfalse\tfalse"])
    }

    @Test(arguments: [("https://a.example", "200"), ("https://b.example", "403")])
    func `upgrade_to_sse lets in the allowed origins`(origin: String, status: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local controller = Stack:upgrade_to_sse(request, response, { allowed_origins = { "https://a.example" } })
              print("active", Stack:is_sse_active(controller))
              Stack:close_sse(controller)
            end)
            """
        ) { server in
            let found = try await server.status(of: "/events", headers: ["Origin: \(origin)"])
            #expect(found == status)
            #expect(await server.log.wait(for: "active") == "info active\t\(status == "200")")
        }
    }

    @Test func `ping_duration sets the heartbeat, and inactivity_duration the end`() async throws {
        let clock = ManualClock()
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              Stack.upgrade_to_sse(request, response, { ping_duration = 4, inactivity_duration = 10 })
            end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", reason) end)
            """, clock: clock
        ) { server in
            let client = try await server.open()
            clock.advance(by: .seconds(4))
            try await client.wait(for: "\r\n\r\n:\n:\n")
            clock.advance(by: .seconds(6))
            try await client.waitForEnd()
            #expect(await server.log.wait(for: "closed") == "info closed\tinactive")
        }
    }

    // MARK: channels

    /// /join/{channels} registers on each; POST /run runs what it gets.
    private static let script = """
        publisher = SSEPublisher.memory()
        Stack.set_registry_value("publisher", publisher)
        HTTPServer.register_route("GET", "/join/{channels}", function(request, response)
          local controller = Stack.upgrade_to_sse(request, response, { ping_duration = 0 })
          Stack.send_sse(controller, controller.id)
          for channel in request.path_params.channels:gmatch("[^+]+") do
            print(Stack.register_sse(controller, channel, Stack.get_registry_value("publisher")))
          end
        end)
        HTTPServer.register_route("POST", "/run", function(request, response)
          response:send(tostring(assert(load(request.body))()))
        end)
        HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
        """

    /// A client that is registered on channels ("a+b"), and its controller's id.
    private func join(_ channels: String, _ server: TestServer) async throws -> (client: TestClient, id: String) {
        let client = try await server.connect()
        try await client.request("GET", "/join/\(channels)")
        try await client.wait(for: "\n\n")
        let id = client.stream.split(separator: "\n").first?.dropFirst("data: ".count) ?? ""
        return (client, String(id))
    }

    @Test(arguments: [
        ("type = 'e', data = 'd'", "event: e\ndata: d\n\n"), ("data = { 1 }", "data: [1]\n\n"),
        ("id = 'mine', type = 'e', data = 'd', retry = 7", "id: mine\nevent: e\nretry: 7\ndata: d\n\n"),
        ("event = Stack.new_sse_event{ id = 'x', data = 'wins' }, type = 'e', data = 'd'", "id: x\ndata: wins\n\n"),
        ("event = { id = 'y', data = 'wins' }, id = 'z'", "id: y\ndata: wins\n\n"),
    ])
    func `publish_sse reaches every member, and an event goes before the fields`(fields: String, bytes: String)
        async throws
    {
        try await withServer(Self.script) { server in
            let (first, second) = (try await join("a", server), try await join("a+b", server))
            let result = try await server.body(
                "POST", "/run", body: "return Stack.publish_sse{ channel = 'a', publisher = publisher, \(fields) }")
            #expect(result == "0")
            for member in [first, second] {
                let lines = bytes.hasPrefix("id") ? bytes : "data: \(member.id)\n\nid: "
                try await member.client.wait(for: lines)
                try await member.client.wait(for: bytes)
            }
            #expect(server.printed.filter { $0 == "0" }.count == 3)
        }
    }

    @Test func `remove_sse takes a stream out of a channel, and closes it when that was its last`() async throws {
        try await withServer(Self.script) { server in
            let ((both, id), (other, _)) = (try await join("a+b", server), try await join("a", server))
            func remove(_ id: String, _ channel: String) async throws -> String {
                try await server.body("POST", "/run", body: "return Stack.remove_sse(\(id), '\(channel)', publisher)")
            }
            #expect(try await remove("'\(id)'", "c") == "33")
            #expect(try await remove("'\(id)'", "a") == "0")
            _ = try await server.body(
                "POST", "/run",
                body: """
                    for _, name in ipairs { "a", "b" } do
                      Stack.publish_sse { channel = name, data = name, publisher = publisher }
                    end
                    """)
            try await both.wait(for: "data: b\n\n")
            #expect(!both.stream.contains("data: a\n"))
            #expect(try await remove("1", "b") == "0")  // by its connection id
            try await both.waitForEnd()
            #expect(await server.log.wait(for: "closed") == "info closed\t1\tserver")
            #expect(try await remove("'\(id)'", "b") == "33")
            try await other.wait(for: "data: a\n\n")
            #expect(try await server.body("POST", "/run", body: "return publisher:channel('a'):count()") == "1")
        }
    }

    @Test func `a channel of another publisher keeps a stream open`() async throws {
        try await withServer(Self.script) { server in
            let (client, id) = try await join("a", server)
            let result = try await server.body(
                "POST", "/run",
                body: """
                    local other = SSEPublisher.memory()
                    other:register(HTTPServer.get_sse_connection(1), "x")
                    local first = publisher:remove("\(id)", "a", { close = true })
                    local active = HTTPServer.get_sse_connection(1).active
                    return table.concat({ first, tostring(active), other:remove(1, "x", { close = true }) }, " ")
                    """)
            #expect(result == "0 true 0")
            try await client.waitForEnd()
        }
    }

    @Test(arguments: ["", ", nil", ", {}", ", { close = false }"])
    func `remove alone leaves the stream open`(options: String) async throws {
        try await withServer(Self.script) { server in
            let (client, id) = try await join("a", server)
            let result = try await server.body(
                "POST", "/run",
                body: """
                    local result = publisher:remove("\(id)", "a"\(options))
                    return result .. tostring(HTTPServer.get_sse_connection(1):send("still"))
                    """)
            #expect(result == "0true")
            try await client.wait(for: "data: still\n\n")
        }
    }

    @Test func `a publisher that is stopped can be started`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local publisher = SSEPublisher.memory()
                publisher:stop()
                print(Stack.publish_sse { channel = "a", data = "x", publisher = publisher })
                print(Stack.start_sse_publisher(publisher))
                print(Stack.publish_sse { channel = "a", data = "x", publisher = publisher })
                print(Stack.publish_sse { channel = "a", type = "x\\ny", publisher = publisher })
                """)
        #expect(prints == ["3", "0", "0", "31"])
    }

    @Test func `the registry gives the very value`() async throws {
        let prints = try await Scripts.prints(
            of: """
                print(Stack.has_registry_value("p"), Stack.get_registry_value("p"))
                local value = {}
                Stack.set_registry_value("p", value)
                print(Stack.has_registry_value("p"), Stack.get_registry_value("p") == value, Registry.get("p") == value)
                """)
        #expect(prints == ["false\tnil", "true\ttrue\ttrue"])
    }

    // MARK: misuse

    @Test(arguments: [
        (
            "Stack.upgrade_to_sse(5)",
            "Stack.upgrade_to_sse: argument 1 (request) must be a HTTPRequestContext, got number"
        ),
        ("Stack.send_sse({}, 'x')", "Stack.send_sse: argument 1 (controller) must be a SSEConnection, got table"),
        ("Stack.send_sse(SSEConnection.new())", "SSEConnection.send: argument 1 (data) must be a string, or"),
        (
            "Stack.is_sse_active('x')",
            "Stack.is_sse_active: argument 1 (controller) must be a SSEConnection, got string"
        ),
        ("Stack.close_sse()", "Stack.close_sse: argument 1 (controller) must be a SSEConnection, got nil"),
        ("Stack.new_sse_event{ dat = 1 }", "SSEEvent.new: unknown option 'dat'; did you mean 'data'?"),
        (
            "Stack.register_sse(SSEConnection.new(), 'a')",
            "Stack.register_sse: argument 3 (publisher) must be a SSEPublisher, got nil"
        ),
        ("Stack.publish_sse('a')", "Stack.publish_sse: argument 1 (options) must be a table, got string"),
        (
            "Stack.publish_sse{ channel = 'a' }",
            "Stack.publish_sse: argument 1 (options.publisher) must be a SSEPublisher, got nil"
        ),
        (
            "Stack.publish_sse{ publisher = SSEPublisher.default }",
            "SSEPublisher.publish: argument 1 (channel_name) must be a string, got nil"
        ),
        (
            "Stack.publish_sse{ publisher = SSEPublisher.default, chanel = 'a' }",
            "Stack.publish_sse: unknown option 'chanel'; did you mean 'channel'?"
        ),
        (
            "Stack.remove_sse('x', 'a')", "Stack.remove_sse: argument 3 (publisher) must be a SSEPublisher, got nil"
        ),
        (
            "Stack.remove_sse({}, 'a', SSEPublisher.default)",
            "SSEPublisher.remove: argument 1 (connection_id_or_uuid) must be an integer, got table"
        ),
        (
            "SSEPublisher.default:remove(1, 'a', { clos = true })",
            "SSEPublisher.remove: unknown option 'clos'; did you mean 'close'?"
        ),
        (
            "SSEPublisher.default:remove(1, 'a', { close = 1 })",
            "SSEPublisher.remove: option 'close' must be a boolean, got number 1"
        ),
        (
            "Stack.start_sse_publisher('x')",
            "Stack.start_sse_publisher: argument 1 (publisher) must be a SSEPublisher, got string"
        ),
        ("Stack.set_registry_value(5, 1)", "Registry.set: argument 1 (key) must be a string, got number"),
        ("Stack.send_see()", "Stack has no member 'send_see'; did you mean 'send_sse'?"),
        ("Stack.close_sse = 5", "Stack.close_sse cannot be assigned"),
    ])
    func `misuse says what is wrong, at the script's line`(code: String, message: String) async throws {
        let report = try await Scripts.failure("local line = 'one'\n\(code)\n")
        #expect(report.message.hasPrefix("main.lua:2: \(message)"), "\(report.message)")
    }
}
