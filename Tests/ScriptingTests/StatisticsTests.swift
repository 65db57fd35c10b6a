import TestKit
import Testing

/// What `HTTPServer.get_stats()` counts.
@Suite(.timeLimit(.minutes(5))) struct StatisticsTests {
    private static let script = """
        HTTPServer.register_route("GET", "/events", function(request, response)
          response:start_sse { channels = { "c" } }
        end)
        HTTPServer.register_route("GET", "/publish", function(request, response)
          for number = 1, 3 do HTTPServer.channel("c"):publish("", number) end
          HTTPServer.channel("empty"):publish("", 1)
        end)
        HTTPServer.register_route("GET", "/fail", function() error("on purpose") end)
        HTTPServer.register_route("GET", "/close", function() HTTPServer.close_sse_connection(1) end)
        HTTPServer.register_route("GET", "/stats/{group}/{name}", function(request, response)
          local value = HTTPServer.get_stats()[request.path_params.group]
          for name in request.path_params.name:gmatch("[^.]+") do value = value[name] end
          response.body = tostring(value)
        end)
        HTTPServer.register_route("GET", "/slow", function()
          spawn(function() end)
          sleep(0)
          sleep(0)
        end)
        for _ = 1, 3 do Engine.create_timer(0.01).timeout:connect(function() end) end
        Engine.create_timer(0.01)
        HTTPServer.sse_connection_opened:connect(function() end)
        spawn(function() sleep(0) end)
        """

    /// Waits until a number is this: other loops add to it after what they did.
    private func wait(_ server: TestServer, _ path: String, _ value: Int) async throws {
        while try await server.body("/stats/\(path)") != "\(value)" {}
    }

    @Test(arguments: [1, 2]) func `streams, events, requests and scripts are counted`(threads: Int) async throws {
        try await withServer(Self.script, threads: threads) { server in
            let clients = [try await server.open(), try await server.open()]
            try await wait(server, "streams/open", 2)
            _ = try await server.body("/publish")
            for client in clients { try await client.wait(for: "data: 3\n\n") }
            try await wait(server, "events/published", 4)
            try await wait(server, "events/delivered", 6)
            try await wait(server, "events/dropped", 0)
            _ = try await server.body("/close")
            try await clients[0].waitForEnd()
            try await wait(server, "streams/closed.server", 1)
            try await wait(server, "streams/opened", 2)
            try await wait(server, "streams/open", 1)
            try await wait(server, "streams/buffered_bytes", 0)
            _ = try await server.response(to: "/fail")
            _ = try await server.response(to: "/nowhere")
            try await wait(server, "scripts/errors", 1)
            try await wait(server, "requests/status_5xx", 1)
            try await wait(server, "requests/status_4xx", 1)
            try await wait(server, "scripts/load.calls", 1)
            try await wait(server, "scripts/signal.calls", 2)
            try await wait(server, "scripts/timer.calls", 3)
            try await wait(server, "scripts/task.calls", 1)
            let before = try #require(Int(try await server.body("/stats/scripts/handler.calls")))
            _ = try await server.body("/slow")
            let after = try #require(Int(try await server.body("/stats/scripts/handler.calls")))
            #expect(after == before + 2, "one for each request, however often it waits")
            try await wait(server, "scripts/task.calls", 2)
            let handlers = try #require(Int(try await server.body("/stats/scripts/handler.calls")))
            #expect(handlers > 10)
            let seconds = try #require(Double(try await server.body("/stats/scripts/handler.seconds")))
            #expect(seconds > 0)
            let memory = try #require(Int(try await server.body("/stats/scripts/memory")))
            #expect(memory > 10_000)
        }
    }
}
