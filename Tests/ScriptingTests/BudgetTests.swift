import NIOCore
import Scripting
import TestKit
import Testing

/// Scripts that would never end: an error for them, and the server goes on.
@Suite(.timeLimit(.minutes(5))) struct BudgetTests {
    private static let limits = ScriptLimits(budget: .milliseconds(200))

    /// Each on one line.
    static let loops = [
        "while true do end", "repeat local x = {} until false",
        "while true do pcall(function() while true do end end) end",
        "coroutine.wrap(function() while true do end end)()",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local t = setmetatable({}, { __index = function() while true do end end }) local _ = t.x",
        "local t = setmetatable({}, { __lt = function() while true do end end }) local _ = t < t",
        "table.sort({ 3, 1, 2 }, function() while true do end end)",
        "table.sort({ 3, 1, 2 }, function() while true do pcall(function() while true do end end) end end)",
        "string.gsub('abc', '.', function() while true do end end)",
        "local x <close> = setmetatable({}, { __close = function() while true do end end }) while true do end",
    ]

    private static let fine =
        "HTTPServer.register_route('GET', '/fine', function(_, response) response.body = 'fine' end)"

    /// Runs a server with a script that also answers at "/fine"; the script's first line is line 2.
    private func serve(
        _ script: String, limits: ScriptLimits = BudgetTests.limits, _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(["main.lua": Self.fine + "\n" + script], limits: limits) { server in
            try await body(server)
            let answer = try await server.body("/fine")
            #expect(answer == "fine")
        }
    }

    @Test(arguments: loops)
    func `an endless loop in a handler is answered 500, and the log names its line`(loop: String) async throws {
        let script = """
            HTTPServer.register_route("GET", "/loop", function(request, response)
              \(loop)
              response.body = "not reached"
            end)
            """
        try await serve(script) { server in
            let response = try await server.response(to: "/loop")
            #expect(response.hasPrefix("HTTP/1.1 500 "), "\(response)")
            let line = await server.log.wait(for: "the time budget")
            #expect(line.hasPrefix("error main.lua:3: the time budget of 200 ms is used up"), "\(line)")
            #expect(line.contains(" in=GET /loop"), "\(line)")
        }
    }

    @Test func `an endless loop after start_sse closes the stream with the reason error`() async throws {
        let script = """
            HTTPServer.sse_connection_closed:connect(function(id, reason) print("closed", id, reason) end)
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:start_sse():send("hello")
              while true do end
            end)
            """
        try await serve(script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            try await client.waitForEnd()
            #expect(await server.log.wait(for: "closed\t") == "info closed\t1\terror")
            #expect(server.log.lines.contains { $0.hasPrefix("error main.lua:5: the time budget") })
        }
    }

    @Test func `a callback that loops runs on the time of the one who emits`() async throws {
        let script = """
            local s = Signal.new("s")
            s:connect(function() while true do end end)
            HTTPServer.register_route("GET", "/emit", function(request, response)
              s:emit()
              response.body = "not reached"
            end)
            """
        try await serve(script) { server in
            let response = try await server.response(to: "/emit")
            #expect(response.hasPrefix("HTTP/1.1 500 "), "\(response)")
            let line = await server.log.wait(for: "the time budget")
            #expect(line.hasPrefix("error main.lua:3: the time budget of 200 ms is used up"), "\(line)")
        }
    }

    @Test func `a looping callback of the server's signals harms neither the others nor the stream`() async throws {
        let script = """
            HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
            HTTPServer.sse_connection_opened:connect(function() while true do end end)
            HTTPServer.sse_connection_opened:connect(function(id) HTTPServer.send_sse_data(id, "second") end)
            spawn(function() await(HTTPServer.sse_connection_opened) print("woken") end)
            """
        try await serve(script) { server in
            let client = try await server.open()
            try await client.wait(for: "data: second\n\n")
            let line = await server.log.wait(for: "the time budget")
            #expect(line.hasPrefix("error main.lua:3: the time budget of 200 ms is used up"), "\(line)")
            #expect(line.contains("signal sse_connection_opened"), "\(line)")
            _ = await server.log.wait(for: "woken")
        }
    }

    @Test func `a timer goes on after a callback that looped`() async throws {
        let script = """
            local rounds = 0
            Timer.new { wait_time = 0.01, autostart = true }.timeout:connect(function()
              rounds = rounds + 1
              while rounds == 1 do end
              if rounds == 3 then print("third") end
            end)
            """
        try await serve(script) { server in
            let line = await server.log.wait(for: "the time budget")
            #expect(line.hasPrefix("error main.lua:5: the time budget of 200 ms is used up"), "\(line)")
            _ = await server.log.wait(for: "third")
        }
    }

    @Test func `a looping callback of a timer harms neither the others nor those who wait`() async throws {
        let script = """
            local timer = Engine.create_timer(0.01)
            timer.timeout:connect(function() while true do end end)
            timer.timeout:connect(function() print("second") end)
            spawn(function() await(timer) print("woken") end)
            Engine.create_timer(0.02).timeout:connect(function() sleep(0.02) print("later") end)
            """
        try await serve(script) { server in
            _ = await server.log.wait(for: "later")
            try await server.settle()
            #expect(server.printed.contains("second"))
            #expect(server.printed.contains("woken"))
            #expect(server.log.lines.filter { $0.contains("the time budget") }.count == 1)
        }
    }

    @Test func `a _process that loops is logged, the others run, and it is called again`() async throws {
        let files = [
            "a.lua": """
            local ticks = 0
            return { _process = function()
              ticks = ticks + 1
              while ticks == 1 do end
              if ticks == 2 then print("again") end
            end }
            """,
            "b.lua": "local done return { _process = function() if not done then print('b') end done = true end }",
            "main.lua": Self.fine,
        ]
        try await withServer(files, limits: Self.limits) { server in
            let line = await server.log.wait(for: "the time budget")
            #expect(line.hasPrefix("error a.lua:4: the time budget of 200 ms is used up"), "\(line)")
            #expect(line.contains("a.lua _process"), "\(line)")
            _ = await server.log.wait(for: "info b")
            _ = await server.log.wait(for: "info again")
            let answer = try await server.body("/fine")
            #expect(answer == "fine")
        }
    }

    @Test func `a task that is woken from a wait has a new budget`() async throws {
        let script = """
            HTTPServer.register_route("GET", "/long", function(request, response)
              for _ = 1, 4 do
                local before = Time.monotonic()
                while Time.monotonic() - before < 0.25 do end
                sleep(0.001)
              end
              response.body = "done"
            end)
            """
        try await serve(script, limits: ScriptLimits(budget: .milliseconds(750))) { server in
            let body = try await server.body("/long")
            #expect(body == "done")
        }
    }
}
