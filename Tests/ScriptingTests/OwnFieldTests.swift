import TestKit
import Testing

/// What a script hangs on an object lives until that stream or request ends.
@Suite(.timeLimit(.minutes(5))) struct OwnFieldTests {
    @Test(arguments: ["request", "response", "SSEConnection.new()"])
    func `an object takes fields of any kind, and an unset one is nil`(object: String) async throws {
        let result = try await Snippets.run(
            """
            local object, key = \(object), {}
            object.user, object[1], object[key] = "ann", "one", "keyed"
            local before = object.user
            object.user = nil
            return before, object[1], object[key], object.user, object.unset
            """)
        #expect(result == "ann one keyed nil nil")
    }

    @Test func `fields of two connections are two`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local a, b = SSEConnection.new(), SSEConnection.new()
                a.user = "ann"
                print(a.user, b.user)
                """)
        #expect(prints == ["ann\tnil"])
    }

    private static let script = """
        local kept = setmetatable({}, { __mode = "v" })
        HTTPServer.register_route("GET", "/events", function(request, response)
          local connection = response:start_sse()
          connection.user = "ann"
          connection.things = { "a", "b" }
          kept[1] = connection.things
        end)
        HTTPServer.register_route("GET", "/look/{id}", function(request, response)
          collectgarbage()
          collectgarbage()
          local connection = HTTPServer.get_sse_connection(tonumber(request.path_params.id))
          response.body = connection and connection.user .. #connection.things .. tostring(connection.unset) or "gone"
        end)
        HTTPServer.register_route("GET", "/kept", function(request, response)
          collectgarbage()
          collectgarbage()
          response.body = tostring(kept[1] ~= nil)
        end)
        HTTPServer.sse_connection_closed:connect(function(id) print("closed", id) end)
        """

    @Test(arguments: [1, 2])
    func `they outlive the script's hold on the connection`(threads: Int) async throws {
        try await withServer(Self.script, threads: threads) { server async throws in
            let client = try await server.open()
            for _ in 0..<3 { #expect(try await server.body("/look/1") == "ann2nil") }
            #expect(try await server.body("/kept") == "true")
            try await client.close()
        }
    }

    @Test func `they are let go when the stream ends`() async throws {
        try await withServer(Self.script) { server async throws in
            let client = try await server.open()
            try await client.close()
            _ = await server.log.wait(for: "closed\t1")
            #expect(try await server.body("/look/1") == "gone")
            #expect(try await server.body("/kept") == "false")
        }
    }

    @Test func `a field set before the stream ends can be read in its closed signals`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local connection = response:start_sse()
              connection.user = "ann"
              connection.disconnected:connect(function(reason) print(connection.user, "left:", reason) end)
            end)
            """
        ) { server async throws in
            let client = try await server.open()
            try await client.close()
            #expect(await server.log.wait(for: "left:") == "info ann\tleft:\tclient")
        }
    }

    @Test func `a field of the request is there in the opened signal`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              request.user = "ann"
              response:start_sse()
              request, response = nil, nil
              collectgarbage()
            end)
            HTTPServer.sse_connection_opened:connect(function(id)
              collectgarbage()
              local connection = HTTPServer.get_sse_connection(id)
              print("opened for", connection.request.user, connection.request.path)
            end)
            """
        ) { server async throws in
            _ = try await server.open()
            #expect(await server.log.wait(for: "opened for") == "info opened for\tann\t/events")
        }
    }

    @Test func `the request of a connection is the handler's own`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local connection = response:start_sse()
              print("same:", rawequal(connection.request, request), connection.request.client_id == request.client_id)
              sleep(0)
              print("later:", rawequal(connection.request, request))
            end)
            """
        ) { server async throws in
            _ = try await server.open()
            #expect(await server.log.wait(for: "same:") == "info same:\ttrue\ttrue")
            #expect(await server.log.wait(for: "later:") == "info later:\ttrue")
        }
    }
}
