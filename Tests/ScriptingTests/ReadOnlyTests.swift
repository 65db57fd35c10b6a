import Scripting
import TestKit
import Testing

/// What scripts may not assign, and that they are told so.
@Suite(.timeLimit(.minutes(5))) struct ReadOnlyTests {
    @Test(arguments: [
        "method", "path", "raw_path", "query_params", "path_params", "headers", "body", "client_ip", "client_port",
        "client_id", "last_event_id", "get_header", "parse_json_body", "detach",
    ])
    func `a member of the request cannot be assigned`(name: String) async throws {
        let result = try await Snippets.run("request.\(name) = 'x'")
        #expect(result == "error: snippet.lua:1: HTTPRequestContext.\(name) cannot be assigned")
    }

    @Test(arguments: ["headers", "set_status", "start_sse", "is_sse_response"])
    func `a method or read-only property of the response cannot be assigned`(name: String) async throws {
        let result = try await Snippets.run("response.\(name) = 'x'")
        #expect(result == "error: snippet.lua:1: HTTPResponse.\(name) cannot be assigned")
    }

    @Test(arguments: [
        "uuid", "active", "last_event_id", "buffered_bytes", "events_sent", "opened_at", "request", "send", "close",
        "disconnected", "drained", "lagging", "connect",
    ])
    func `a method or read-only property of a connection cannot be assigned`(name: String) async throws {
        let result = try await Snippets.run("SSEConnection.new().\(name) = 'x'")
        #expect(result == "error: snippet.lua:1: SSEConnection.\(name) cannot be assigned")
    }

    @Test(arguments: [
        ("HTTPServer.listen = print", "HTTPServer.listen cannot be assigned"),
        ("HTTPServer.server_started = nil", "HTTPServer.server_started cannot be assigned"),
        ("HTTPServer.connect = print", "HTTPServer.connect cannot be assigned"),
        ("Engine.create_timer = print", "Engine.create_timer cannot be assigned"),
        ("Signal.new('s').emit = print", "Signal.emit cannot be assigned"),
        ("Signal.new('s').other = print", "Signal.other cannot be assigned"),
        ("Timer.new().timeout = 5", "Timer.timeout cannot be assigned"),
        ("Timer.new().time_left = 5", "Timer.time_left cannot be assigned"),
        ("Timer.new().start = 5", "Timer.start cannot be assigned"),
        ("HTTPServer.my_own = 5", "HTTPServer has no member 'my_own'"),
        ("Engine.my_own = 5", "Engine has no member 'my_own'"),
    ])
    func `a member of a singleton, signal or timer cannot be assigned`(code: String, message: String) async throws {
        let report = try await Scripts.failure(code)
        #expect(report.message == "main.lua:1: \(message)")
    }

    @Test(arguments: ["getmetatable(HTTPServer)", "getmetatable(Signal.new('x'))", "getmetatable(Timer.new())"])
    func `a metatable of the host's is hidden`(call: String) async throws {
        #expect(try await Scripts.prints(of: "print(\(call))") == ["false"])
    }

    @Test func `id and path of an open stream cannot be assigned`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              for _, change in ipairs {
                function() c.connection_id = 9 end, function() c:set_connection_id(9) end,
                function() c.path = "/x" end, function() c:set_path("/x") end,
              } do
                local ok, message = pcall(change)
                print(ok, message)
              end
              print(c.connection_id, c.path)
              c.id = "mine"
              print(c.id, c:get_id(), c.uuid ~= "mine")
            end)
            """
        ) { server async throws in
            _ = try await server.open()
            #expect(
                server.printed.suffix(6) == [
                    "false\tmain.lua:4: SSEConnection.connection_id: cannot be changed on a stream",
                    "false\tmain.lua:4: SSEConnection.set_connection_id: cannot be changed on a stream",
                    "false\tmain.lua:5: SSEConnection.path: cannot be changed on a stream",
                    "false\tmain.lua:5: SSEConnection.set_path: cannot be changed on a stream",
                    "1\t/events", "mine\tmine\ttrue",
                ])
        }
    }
}
