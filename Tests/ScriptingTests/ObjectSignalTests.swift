import NIOCore
import Scripting
import TestKit
import Testing

/// Godot's functions by name, on every object with signals.
@Suite(.timeLimit(.minutes(5))) struct ObjectSignalTests {
    /// Ways to come by an object with signals, and one of its signals.
    static let objects = [
        ("HTTPServer", "server_error"), ("SSEConnection.new()", "drained"), ("Timer.new()", "timeout"),
        ("Engine.create_timer(9)", "timeout"),
    ]

    @Test(arguments: objects)
    func `connect, is_connected, emit_signal and disconnect go by name`(object: String, signal: String) async throws {
        let prints = try await Scripts.prints(
            of: """
                local o, name = \(object), "\(signal)"
                local function f(...) print("f", ...) end
                print(o:connect(name, f), o:is_connected(name, f), o[name]:is_connected(f))
                o:emit_signal(name, 1, 2)
                o:disconnect(name, f)
                print(o:is_connected(name, f))
                o:connect(name, f, CONNECT_ONE_SHOT)
                o:emit_signal(name, 3)
                o:emit_signal(name, 4)
                """)
        #expect(prints == ["0\ttrue\ttrue", "f\t1\t2", "false", "f\t3"])
    }

    @Test(arguments: objects)
    func `has_signal and get_signal_list tell what there is`(object: String, signal: String) async throws {
        let prints = try await Scripts.prints(
            of: """
                local o = \(object)
                print(o:has_signal("\(signal)"), o:has_signal("nothing"), o:has_signal("connect"))
                local found = false
                for _, name in ipairs(o:get_signal_list()) do found = found or name == "\(signal)" end
                print(found)
                """)
        #expect(prints == ["true\tfalse\tfalse", "true"])
    }

    @Test func `each object has its signals`() async throws {
        let prints = try await Scripts.prints(
            of: """
                for _, o in ipairs { HTTPServer, SSEConnection.new(), Timer.new() } do
                  local names = o:get_signal_list()
                  table.sort(names)
                  print(table.concat(names, " "))
                end
                """)
        #expect(
            prints == [
                "request_completed server_error server_started server_stopping sse_connection_closed sse_connection_opened",
                "disconnected drained lagging", "timeout",
            ])
    }

    @Test(arguments: objects)
    func `add_user_signal adds one to this object only`(object: String, signal: String) async throws {
        let prints = try await Scripts.prints(
            of: """
                local o = \(object)
                o:add_user_signal("zz_own")
                print(o:has_signal("zz_own"), SSEConnection.new():has_signal("zz_own"))
                o:connect("zz_own", function(x) print("own", x) end)
                o:emit_signal("zz_own", 5)
                local names = o:get_signal_list()
                print(names[#names])
                print(pcall(o.add_user_signal, o, "zz_own"))
                print(pcall(o.add_user_signal, o, "\(signal)"))
                """)
        #expect(prints.prefix(3) == ["true\tfalse", "own\t5", "zz_own"])
        #expect(prints.count == 5)
        for line in prints.suffix(2) {
            #expect(line.hasPrefix("false\t") && line.contains("already has a signal"), "\(line)")
        }
    }

    @Test(arguments: ["connect", "disconnect", "is_connected"])
    func `an unknown signal raises at the script's line`(method: String) async throws {
        let report = try await Scripts.failure("\nSSEConnection.new():\(method)('nothing', print)")
        #expect(report.message == "main.lua:2: \(method): SSEConnection has no signal 'nothing'")
    }

    @Test(arguments: [1, 2])
    func `a signal hung on a connection outlives the script's hold on it`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              local c = response:start_sse()
              c:connect("disconnected", function(reason) print("by name", reason) end)
              c.disconnected:connect(function(reason) print("by field", reason) end)
              c:add_user_signal("own")
              c:connect("own", function(x) print("own", x) end)
              c, response = nil, nil
              collectgarbage()
            end)
            HTTPServer.register_route("GET", "/emit", function(request, response)
              collectgarbage()
              HTTPServer.get_sse_connection(1):emit_signal("own", 5)
            end)
            """, threads: threads
        ) { server in
            let client = try await server.open()
            _ = try await server.response(to: "/emit")
            #expect(await server.log.wait(for: "own") == "info own\t5")
            try await client.close()
            _ = await server.log.wait(for: "by field")
            #expect(server.printed.suffix(2) == ["by name\tclient", "by field\tclient"])
        }
    }

    @Test func `a user signal of a connection that only it holds is kept`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse():add_user_signal("own")
            end)
            HTTPServer.register_route("GET", "/look", function(request, response)
              collectgarbage()
              collectgarbage()
              response.body = tostring(HTTPServer.get_sse_connection(1):has_signal("own"))
            end)
            """
        ) { server in
            _ = try await server.open()
            #expect(try await server.body("/look") == "true")
        }
    }
}
