import TestKit
import Testing

/// What a connection object tells and does besides sending.
@Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
    private static var uuid: Regex<Substring> { /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/ }

    @Test func `it is the same object each time while the stream is open`() async throws {
        try await withServer(
            """
            local kept
            HTTPServer.register_route("GET", "/events", function(request, response)
              kept = response:start_sse()
              print("handler", rawequal(kept, HTTPServer.get_sse_connection(1)))
            end)
            HTTPServer.sse_connection_opened:connect(function(id)
              print("opened", rawequal(kept, HTTPServer.get_sse_connection(id)))
            end)
            HTTPServer.sse_connection_closed:connect(function(id)
              print("closed", HTTPServer.get_sse_connection(id), kept.connection_id, kept.path, kept.active)
            end)
            HTTPServer.register_route("GET", "/look", function(request, response)
              response.body = tostring(rawequal(kept, HTTPServer.get_sse_connection(1)))
            end)
            """
        ) { server in
            let client = try await server.open()
            #expect(try await server.body("/look") == "true")
            try await client.close()
            _ = await server.log.wait(for: "closed")
            #expect(
                server.printed.suffix(3) == [
                    "handler\ttrue", "opened\ttrue", "closed\tnil\t1\t/events\tfalse",
                ])
        }
    }

    @Test func `its properties say where it comes from`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events/{name}", function(request, response)
              local c = response:start_sse()
              print(c.connection_id, c:get_connection_id(), c.path, c:get_path(), c.active, c:is_connection_active())
              print(c.last_event_id, c:get_last_event_id(), c.request.path, c.uuid)
              print(c.uuid == c.uuid, c.id == c.uuid)
              c.id = "own"
              print(c.id, c.uuid ~= "own")
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events/a%20b?x=y", headers: ["Last-Event-ID: 42"])
            try await client.wait(for: "\r\n\r\n:\n")
            let prints = Array(server.printed.suffix(4))
            #expect(prints[0] == "1\t1\t/events/a b\t/events/a b\ttrue\ttrue")
            #expect(prints[1].hasPrefix("42\t42\t/events/a b\t"))
            #expect(prints[1].split(separator: "\t").last?.wholeMatch(of: Self.uuid) != nil)
            #expect(prints[2] == "true\ttrue")
            #expect(prints[3] == "own\ttrue")
        }
    }

    @Test(arguments: [
        (["Last-Event-ID: h"], "?lastEventId=q", "h"), ([], "?lastEventId=q", "q"), ([], "", ""),
        (["Last-Event-ID: é"], "", "é"),
    ])
    func `last_event_id is the header's, else the query's`(headers: [String], query: String, id: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              print("<" .. response:start_sse().last_event_id .. ">", request.last_event_id == "\(id)")
            end)
            """
        ) { server in
            _ = try await server.open("/events" + query, headers: headers)
            #expect(server.printed.last == "<\(id)>\ttrue")
        }
    }

    @Test func `a hostile last event id is only text`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              print("length", #response:start_sse().last_event_id)
            end)
            """
        ) { server in
            _ = try await server.open(headers: ["Last-Event-ID: " + String(repeating: "x", count: 8000)])
            #expect(server.printed.last == "length\t8000")
            let client = try await server.connect()
            let bytes =
                Array("GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: ".utf8) + [0xFF, 0xFE] + Array("\r\n\r\n".utf8)
            try await client.send(bytes: bytes)
            try await client.wait(for: "HTTP/1.1 ")
        }
    }

    @Test func `opened gets id, path and headers whose look-up ignores case`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events/{x}", function(request, response) response:start_sse() end)
            HTTPServer.sse_connection_opened:connect(function(id, path, headers)
              print("opened", id, path, headers["x-thing"], headers["X-Thing"], headers["X-None"], type(headers))
              for name in pairs(headers) do assert(name == name:lower()) end
            end)
            """
        ) { server in
            _ = try await server.open("/events/1?q=2", headers: ["X-Thing: v"])
            #expect(await server.log.wait(for: "opened") == "info opened\t1\t/events/1\tv\tv\tnil\ttable")
        }
    }

    @Test func `finish sends a last event whose id keeps the browser away`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              print("active", c.active)
              if request:has_query_param("finish") then
                print("finish", c:finish(request:get_query_param("finish")), c.active, c:finish(), c:send("x"))
              end
            end)
            HTTPServer.sse_connection_opened:connect(function() print("opened") end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events?finish=bye")
            try await client.waitForEnd()
            let lines = client.events.split(separator: "\n", omittingEmptySubsequences: false)
            let id = try #require(lines.first { $0.hasPrefix("id: ") }).dropFirst(4)
            #expect(client.events == "id: \(id)\nevent: end\ndata: bye\n\n")
            #expect(id.wholeMatch(of: /[A-Za-z0-9._-]{1,128}/) != nil)
            #expect(server.printed.contains("finish\ttrue\tfalse\tfalse\tfalse"))

            let back = try await server.response(to: "/events", headers: ["Last-Event-ID: \(id)"])
            #expect(back.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(back.hasSuffix("\r\n\r\n"))
            let byQuery = try await server.status(of: "/events?lastEventId=\(id)")
            #expect(byQuery == "204")
            #expect(server.printed.suffix(2) == ["active\tfalse", "active\tfalse"])
            #expect(server.printed.filter { $0 == "opened" }.count == 1)
            _ = try await server.open(headers: ["Last-Event-ID: \(id)x"])
        }
    }

    @Test func `the id of finish is known on a server that never gave it`() async throws {
        let script = """
            HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse():finish() end)
            """
        var id = ""
        try await withServer(script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.waitForEnd()
            id = client.events.firstMatch(of: /id: (.*)\n/).map { String($0.1) } ?? ""
            #expect(client.events == "id: \(id)\nevent: end\ndata:\n\n")
        }
        try await withServer(script) { server in
            let status = try await server.status(of: "/events", headers: ["Last-Event-ID: \(id)"])
            #expect(status == "204")
        }
    }

    @Test func `a request that a script took can be read after the handler`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              c.taken = request
            end)
            HTTPServer.register_route("GET", "/look", function(request, response)
              collectgarbage()
              local c = HTTPServer.get_sse_connection(1)
              response.body = tostring(c.request) .. " " .. c.taken.path .. " " .. c.taken:get_header("X-A")
            end)
            """
        ) { server in
            _ = try await server.open(headers: ["X-A: b"])
            #expect(try await server.body("/look") == "nil /events b")
        }
    }

    @Test func `connections made by hand have uuids of their own`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local a, b = SSEConnection.new(), SSEConnection.new()
                print(a.uuid ~= b.uuid, a.uuid == a:get_uuid(), a.id == a.uuid, a.last_event_id == "", a.request)
                print(a.events_sent, a.buffered_bytes, tostring(a):match("^<SSEConnection") ~= nil)
                """)
        #expect(prints == ["true\ttrue\ttrue\ttrue\tnil", "0\t0\ttrue"])
    }
}
