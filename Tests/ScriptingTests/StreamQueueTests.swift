import TestKit
import Testing

/// What happens when a client takes less than is sent.
@Suite(.timeLimit(.minutes(5))) struct StreamQueueTests {
    @Test(arguments: [1, 2])
    func `a full queue gives 44, and the stream ends as slow`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse { max_buffered_bytes = 100000 }
              sleep(0)
              local chunk, codes = ("x"):rep(10000), {}
              while #codes == 0 do
                local code = c:send_data(chunk)
                if code ~= OK then codes[1] = code end
                sleep(0)
              end
              codes[2] = c:send_data("after")
              codes[3] = HTTPServer.send_sse_data(c.connection_id, "after")
              print("codes", table.concat(codes, " "), c.active)
            end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
            """, threads: threads
        ) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            try await client.request("GET", "/events")
            #expect(await server.log.wait(for: "closed") == "info closed\t1\tslow")
            // The handler may be ended before it prints; what it prints is right.
            for line in server.printed where line.hasPrefix("codes") { #expect(line == "codes\t44 3 33\tfalse") }
            try await client.close()
        }
    }

    @Test func `44 is what a handler that does not wait gets as well`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse { max_buffered_bytes = 100 }
              print(c:send_data(("x"):rep(60)), c:send_data(("x"):rep(60)), c:send_data("x"), c:send("x"))
            end)
            HTTPServer.sse_connection_opened:connect(function(id) print("opened", id) end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            #expect(await server.log.wait(for: "closed") == "info closed\t1\tslow")
            #expect(server.printed.suffix(3).first == "0\t44\t3\tfalse")
            #expect(server.printed.contains("opened\t1"))
        }
    }

    @Test func `an event enters an empty queue whatever its size`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse { max_buffered_bytes = 10 }
              print(c:send_data(("x"):rep(300000)))
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.wait(forBytes: 300_000)
            #expect(client.events.hasPrefix("data: xxx"))
            #expect(server.printed.contains("0"))
        }
    }

    @Test func `a slow client does not hold up the others`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse { max_buffered_bytes = 50000 }
            end)
            HTTPServer.sse_connection_opened:connect(function(id) print("opened", id) end)
            HTTPServer.register_route("GET", "/send", function(request, response)
              local chunk = ("x"):rep(10000)
              for round = 1, 2000 do
                HTTPServer.broadcast("", chunk)
                if #HTTPServer.get_active_sse_connections() < 2 then break end
                sleep(0.001)
              end
              HTTPServer.broadcast("", "last")
            end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
            """
        ) { server in
            let slow = try await server.connect(reads: false, receiveBuffer: 4096)
            try await slow.request("GET", "/events")
            _ = await server.log.wait(for: "opened")
            let fast = try await server.open()
            _ = try await server.response(to: "/send")
            try await fast.wait(for: "data: last\n\n")
            #expect(await server.log.wait(for: "closed").hasSuffix("\tslow"))
            try await slow.close()
        }
    }

    @Test func `buffered_bytes and events_sent tell where the stream stands`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              print(c.buffered_bytes, c.events_sent)
              c:send("12345")
              print(c.buffered_bytes, c.events_sent)
              c:comment("x")
              c:retry(5)
              print(c.events_sent)
              c:send("e", "d")
              c:send_data("d")
              HTTPServer.send_sse_data(c.connection_id, "d")
              HTTPServer.broadcast("e", "d")
              print(c.events_sent)
            end)
            HTTPServer.register_route("GET", "/look", function(request, response)
              local c = HTTPServer.get_sse_connection(1)
              response.body = c.buffered_bytes .. " " .. c.events_sent
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "event: e\ndata: d\n\ndata: d\n\ndata: d\n\nevent: e\ndata: d\n\n")
            #expect(server.printed.suffix(4) == ["0\t0", "13\t1", "1", "5"])
            #expect(try await server.body("/look") == "0 5")
        }
    }
}
