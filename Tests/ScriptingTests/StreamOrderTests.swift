import TestKit
import Testing

/// Handler, head, opened, sends: the order of what happens to one stream.
@Suite(.timeLimit(.minutes(5))) struct StreamOrderTests {
    @Test(arguments: [1, 2])
    func `what is sent goes out in the order of the calls, by object or by id`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              print("handler", c.connection_id, c.active, #HTTPServer.get_active_sse_connections())
              c:send("1")
              HTTPServer.send_sse_data(c.connection_id, "2")
              c:comment("3")
              HTTPServer.send_sse_event(c.connection_id, "four", "4")
              HTTPServer.broadcast("five", "5")
              HTTPServer.send_sse_comment(c.connection_id, "6")
              c:retry(7)
              c:send("8")
              print("handler done")
            end)
            HTTPServer.sse_connection_opened:connect(function(id, path, headers)
              print("opened", id, path)
              HTTPServer.send_sse_data(id, "9")
              HTTPServer.get_sse_connection(id):send("10")
            end)
            """, threads: threads
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: 10\n\n")
            #expect(
                client.events == """
                    data: 1

                    data: 2

                    : 3
                    event: four
                    data: 4

                    event: five
                    data: 5

                    : 6
                    retry: 7
                    data: 8

                    data: 9

                    data: 10


                    """)
            #expect(
                server.printed.filter { !$0.hasPrefix("listening") } == [
                    "handler\t1\ttrue\t1", "handler done", "opened\t1\t/events",
                ])
        }
    }

    @Test(arguments: [1, 2])
    func `opened fires when the handler first waits`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              c:send("before")
              print("before")
              sleep(0)
              print("after")
              c:send("after")
            end)
            HTTPServer.sse_connection_opened:connect(function(id)
              print("opened")
              HTTPServer.send_sse_data(id, "opened")
            end)
            """, threads: threads
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: after\n\n")
            #expect(client.events == "data: before\n\ndata: opened\n\ndata: after\n\n")
            #expect(server.printed.suffix(3) == ["before", "opened", "after"])
        }
    }

    @Test func `a handler that waits before it starts the stream opens it afterwards`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              sleep(0)
              local c = response:start_sse()
              c:send("1")
              sleep(0)
              c:send("2")
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: 2\n\n")
            #expect(client.events == "data: 1\n\ndata: 2\n\n")
        }
    }

    @Test func `a coroutine of its own goes on when the handler has returned`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              spawn(function()
                for index = 1, 3 do
                  c:send(index)
                  sleep(0)
                end
              end)
              c:send("handler")
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: 3\n\n")
            #expect(client.events == "data: 1\n\ndata: handler\n\ndata: 2\n\ndata: 3\n\n")
        }
    }

    @Test(arguments: [1, 2])
    func `a handler that closes its stream has still opened it`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              print(c:send("last"), c:close(), c.active, c:send("too late"), c:close())
            end)
            HTTPServer.sse_connection_opened:connect(function(id) print("opened", id, HTTPServer.get_sse_connection(id)) end)
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
            """, threads: threads
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.waitForEnd()
            #expect(client.events == "data: last\n\n")
            _ = await server.log.wait(for: "closed")
            #expect(
                server.printed.suffix(3) == ["true\ttrue\tfalse\tfalse\tfalse", "opened\t1\tnil", "closed\t1\tserver"])
        }
    }

    @Test func `ids start at 1 and rise, and are not given again`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              print("id", response:start_sse().connection_id)
            end)
            HTTPServer.sse_connection_closed:connect(function(id) print("closed", id) end)
            """
        ) { server in
            for id in 1...3 {
                let client = try await server.open()
                #expect(await server.log.wait(for: "id\t\(id)") == "info id\t\(id)")
                try await client.close()
                _ = await server.log.wait(for: "closed\t\(id)")
            }
        }
    }

    @Test func `get_active_sse_connections is ascending and only has what is open`() async throws {
        try await withServer(
            """
            local list = function() return table.concat(HTTPServer.get_active_sse_connections(), " ") end
            HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
            HTTPServer.register_route("GET", "/list", function(request, response) response.body = list() end)
            HTTPServer.register_route("GET", "/close/{id}", function(request, response)
              HTTPServer.close_sse_connection(tonumber(request.path_params.id))
              response.body = list()
            end)
            HTTPServer.sse_connection_closed:connect(function(id) print("closed", id, "left: " .. list()) end)
            """, threads: 2
        ) { server in
            var clients: [TestClient] = []
            for _ in 1...12 { clients.append(try await server.open()) }
            #expect(try await server.body("/list") == "1 2 3 4 5 6 7 8 9 10 11 12")
            #expect(try await server.body("/close/3") == "1 2 4 5 6 7 8 9 10 11 12")
            #expect(try await server.body("/close/3") == "1 2 4 5 6 7 8 9 10 11 12")
            #expect(try await server.body("/close/99") == "1 2 4 5 6 7 8 9 10 11 12")
            try await clients[2].waitForEnd()
            try await clients[0].reset()
            _ = await server.log.wait(for: "closed\t1\t")
            #expect(try await server.body("/list") == "2 4 5 6 7 8 9 10 11 12")
        }
    }
}
