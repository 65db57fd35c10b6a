import NIOCore
import Scripting
import TestKit
import Testing

/// Channels through a real server: joins, publishing, replay, gaps, signals.
@Suite(.timeLimit(.minutes(5))) struct ChannelTests {
    private static let script = """
        SSEPublisher.default:configure("small*", { history = 3 })
        SSEPublisher.default:configure("with-snapshot", {
          snapshot = function(connection, channel)
            return { { type = "snapshot", data = channel.name .. " " .. connection.connection_id } }
          end,
        })
        HTTPServer.register_route("GET", "/join/{names}", function(request, response)
          local names = {}
          for name in request.path_params.names:gmatch("[^+]+") do names[#names + 1] = name end
          local replay = request:get_query_param("replay", "true")
          response:start_sse { channels = names, replay = math.tointeger(replay) or (replay == "all" and replay or replay == "true") }
        end)
        HTTPServer.register_route("GET", "/publish/{channel}/{data}", function(request, response)
          local id = HTTPServer.channel(request.path_params.channel):publish_and_wait("", request.path_params.data)
          response.body = id
        end)
        HTTPServer.register_route("POST", "/run", function(request, response)
          response.body = tostring(load("local request = ...; " .. request.body)(request))
        end)
        HTTPServer.sse_connection_opened:connect(function(id) print("opened", id) end)
        HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
        """

    /// A client on some channels ("a+b"), with its head gone.
    private func join(
        _ names: String, _ server: TestServer, after id: String? = nil, replay: String = "true"
    ) async throws -> TestClient {
        let client = try await server.connect()
        try await client.request(
            "GET", "/join/\(names)?replay=\(replay)", headers: id.map { ["Last-Event-ID: \($0)"] } ?? [])
        try await client.wait(for: "\r\n\r\n:\n")
        return client
    }

    /// Publishes and returns the id.
    private func publish(_ data: String, to channel: String, _ server: TestServer) async throws -> String {
        try await server.body("GET", "/publish/\(channel)/\(data)")
    }

    @Test(arguments: [1, 2]) func `a publication reaches every member once, with its id`(threads: Int) async throws {
        try await withServer(Self.script, threads: threads) { server in
            let clients = [try await join("news", server), try await join("news", server)]
            let other = try await join("other", server)
            let first = try await publish("one", to: "news", server)
            let second = try await publish("two", to: "news", server)
            for client in clients {
                try await client.wait(for: "data: two\n\n")
                #expect(client.events == "id: \(first)\ndata: one\n\nid: \(second)\ndata: two\n\n")
            }
            let third = try await publish("three", to: "other", server)
            try await other.wait(for: "data: three\n\n")
            #expect(other.events == "id: \(third)\ndata: three\n\n")
        }
    }

    @Test(arguments: [1, 2]) func `a stream in several channels gets them in the order of publication`(threads: Int)
        async throws
    {
        try await withServer(Self.script, threads: threads) { server in
            let client = try await join("a+b+c", server)
            let order = (0..<60).map { ["a", "b", "c"][$0 * $0 % 3] }
            let code = order.enumerated().map { "HTTPServer.channel('\($1)'):publish('', '\($0)')" }
            _ = try await server.body("POST", "/run", body: code.joined(separator: " "))
            try await client.wait(for: "data: 59\n\n")
            let data = client.events.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) }
            #expect(data == (0..<60).map { "\($0)"[...] })
        }
    }

    @Test func `a client that comes back gets what it missed, in order and once, and then goes on`() async throws {
        try await withServer(Self.script) { server in
            let first = try await publish("1", to: "a", server)
            for number in 2...5 { _ = try await publish("\(number)", to: number % 2 == 0 ? "a" : "b", server) }
            let client = try await join("a+b", server, after: first)
            _ = try await publish("6", to: "a", server)
            try await client.wait(for: "data: 6\n\n")
            let data = client.events.split(separator: "\n").filter { !$0.hasPrefix("id: ") }
            #expect(data == ["data: 2", "data: 3", "data: 4", "data: 5", "data: 6"])
        }
    }

    @Test func `a client without an id gets no history, or what it asks for`() async throws {
        try await withServer(Self.script) { server in
            for number in 1...5 { _ = try await publish("\(number)", to: "a", server) }
            for (replay, expected) in [
                ("true", []), ("false", []), ("2", [4, 5]), ("0", []), ("all", [1, 2, 3, 4, 5]),
            ] {
                let client = try await join("a", server, replay: replay)
                _ = try await publish("end-\(replay)", to: "mark", server)
                _ = try await server.body(
                    "POST", "/run",
                    body: """
                        for _, id in ipairs(HTTPServer.channel("a"):subscribers()) do
                          HTTPServer.send_sse_data(id, "end")
                        end
                        """)
                try await client.wait(for: "data: end\n\n")
                let data = client.events.split(separator: "\n").filter { $0.hasPrefix("data: ") }
                #expect(data == expected.map { "data: \($0)" } + ["data: end"], "replay = \(replay)")
                try await client.close()
            }
        }
    }

    @Test func `what the history cannot give is said first, and nothing that it has is left out`() async throws {
        try await withServer(Self.script) { server in
            let first = try await publish("1", to: "small", server)
            var ids = [first]
            for number in 2...6 { ids.append(try await publish("\(number)", to: "small", server)) }
            let late = try await join("small", server, after: first)
            try await late.wait(for: "data: 6\n\n")
            #expect(late.events.hasPrefix("event: stream-reset\ndata: \(ids[3])\n\nid: \(ids[3])\ndata: 4\n\n"))
            let inTime = try await join("small", server, after: ids[2])
            try await inTime.wait(for: "data: 6\n\n")
            #expect(inTime.events.hasPrefix("id: \(ids[3])\ndata: 4\n\n"))
        }
    }

    @Test(arguments: [
        "nonsense", "0-0", "other-5", "x-99999999999999999999999", "-1", "1-", "%FF",
        String(repeating: "9", count: 9000),
    ])
    func `a hostile id does no more than start from a gap`(id: String) async throws {
        try await withServer(Self.script) { server in
            let published = try await publish("1", to: "a", server)
            let client = try await join("a", server, after: id)
            try await client.wait(for: "data: 1\n\n")
            #expect(client.events == "event: stream-reset\ndata: \(published)\n\nid: \(published)\ndata: 1\n\n")
            let fresh = try await join("empty", server, after: id)
            _ = try await publish("2", to: "empty", server)
            try await fresh.wait(for: "data: 2\n\n")
            #expect(fresh.events.hasPrefix("event: stream-reset\ndata:\n\n"))  // what was there before nobody knows
        }
    }

    @Test func `an own id is shown, and a client that comes back with it goes on behind it`() async throws {
        try await withServer(Self.script) { server in
            let client = try await join("a", server)
            _ = try await server.body(
                "POST", "/run",
                body: """
                    local a = HTTPServer.channel("a")
                    a:publish { id = "mine", type = "t", data = 1 } a:publish { data = "2" }
                    """)
            try await client.wait(for: "data: 2\n\n")
            #expect(client.events.hasPrefix("id: mine\nevent: t\ndata: 1\n\nid: "))
            let back = try await join("a", server, after: "mine")
            try await back.wait(for: "data: 2\n\n")
            #expect(!back.events.contains("data: 1"))
        }
    }

    @Test func `a newcomer gets the snapshot first, one that comes back does not`() async throws {
        try await withServer(Self.script) { server in
            let id = try await publish("1", to: "with-snapshot", server)
            let client = try await join("with-snapshot", server)
            _ = try await publish("2", to: "with-snapshot", server)
            try await client.wait(for: "data: 2\n\n")
            #expect(client.events.hasPrefix("event: snapshot\ndata: with-snapshot 1\n\nid: "))
            #expect(!client.events.contains("data: 1\n"))
            let back = try await join("with-snapshot", server, after: id)
            try await back.wait(for: "data: 2\n\n")
            #expect(!back.events.contains("snapshot"))
        }
    }

    @Test func `joining, leaving and counting`() async throws {
        try await withServer(Self.script) { server in
            let client = try await join("a", server)
            let result = try await server.body(
                "POST", "/run",
                body: """
                    local c, p = HTTPServer.get_sse_connection(1), SSEPublisher.default
                    local b = HTTPServer.channel("b")
                    local out = { c:join("a"), c:join(b), table.concat(c.channels, "+"), b:count(), #b:subscribers() }
                    out[#out + 1] = c:leave("a")
                    out[#out + 1] = c:leave("a")
                    out[#out + 1] = p:remove(1, "b")
                    out[#out + 1] = p:remove(c.uuid, "b")
                    out[#out + 1] = p:register(c, "b")
                    out[#out + 1] = p:remove(c.uuid, "b")
                    out[#out + 1] = p:register(SSEConnection.new(), "b")
                    return table.concat(out, " ")
                    """)
            #expect(result == "32 0 a+b 1 1 0 33 0 33 0 0 3")
            #expect(
                try await server.body("POST", "/run", body: "return #HTTPServer.get_sse_connection(1).channels") == "0")
            try await client.close()
        }
    }

    @Test func `a member that is gone is counted no more, and the channel says so`() async throws {
        try await withServer(Self.script) { server in
            _ = try await server.body(
                "POST", "/run",
                body: """
                    local a = HTTPServer.channel("a")
                    for _, name in ipairs { "occupied", "vacated", "subscribed", "unsubscribed", "published", "gap" } do
                      a:connect(name, function(value)
                        print(name, value and (name == "published" and value.data or value.connection_id))
                      end)
                    end
                    """)
            let client = try await join("a", server)
            _ = try await publish("x", to: "a", server)
            try await client.wait(for: "data: x\n\n")
            try await client.reset()
            _ = await server.log.wait(for: "vacated")
            #expect(
                server.printed.filter { !$0.hasPrefix("opened") && !$0.hasPrefix("closed") }.suffix(5) == [
                    "occupied\tnil", "subscribed\t1", "published\tx", "unsubscribed\t1", "vacated\tnil",
                ])
            #expect(try await server.body("POST", "/run", body: "return HTTPServer.channel('a'):count()") == "0")
        }
    }

    @Test(arguments: [
        ("SSEPublisher.default:publish('', 'e', 'd')", "argument 1 (channel_name) must be 1 to 1024 bytes, got 0"),
        ("HTTPServer.channel(('x'):rep(1025))", "argument 1 (channel_name) must be 1 to 1024 bytes, got 1025"),
        ("HTTPServer.channel('a'):publish()", "Channel.publish: "),
        ("HTTPServer.channel('a').publish('x')", "use channel:publish() (':' not '.')"),
        ("HTTPServer.channel('a'):publish{ dta = 1 }", "unknown field 'dta' of the event"),
        ("SSEPublisher.default:configure('a', { histroy = 1 })", "unknown option 'histroy'"),
        ("SSEPublisher.default:configure('a', { history = -1 })", "option 'history' must be an integer, 0 or more"),
        ("SSEEvent.new{ dat = 1 }", "unknown option 'dat'; did you mean 'data'?"),
        ("SSEEvent.new{ data = 1 }.typ = 2", "SSEEvent has no member 'typ'; did you mean 'type'?"),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        let report = try await Scripts.failure(code)
        #expect(report.message.contains(message), "\(report.message)")
    }

    @Test func `odd names, empty and large data work`() async throws {
        try await withServer(Self.script) { server in
            let result = try await server.body(
                "POST", "/run",
                body: """
                    local name = "\\0\\xff\\n" .. ("x"):rep(1021)
                    local channel = HTTPServer.channel(name)
                    local out = { #channel.name, channel:publish("", ""), channel:publish("", ("y"):rep(20000)) }
                    out[#out + 1] = #channel:history()[2].data
                    out[#out + 1] = #channel:history(1)
                    out[#out + 1] = channel:publish("a\\nb", "c")
                    out[#out + 1] = channel:publish(SSEEvent.new { data = "z", type = "t" })
                    out[#out + 1] = channel:history(1)[1].type
                    return table.concat(out, " ")
                    """)
            #expect(result == "1024 0 0 20000 1 31 0 t")
        }
    }

    @Test func `what a handler publishes behind its own join reaches its stream, once and in order`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse { channels = { "a" }, replay = "all" }
              c:send("direct 1")
              HTTPServer.channel("a"):publish("", "live")
              c:send("direct 2")
            end)
            HTTPServer.channel("a"):publish("", "old")
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.wait(for: "data: direct 2\n\n")
            let data = client.events.split(separator: "\n").filter { $0.hasPrefix("data: ") }
            #expect(data == ["data: old", "data: direct 1", "data: live", "data: direct 2"])
        }
    }
}
