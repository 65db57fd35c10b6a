import NIOCore
import Scripting
import TestKit
import Testing

/// `await`, `signal:wait`, `spawn` and `sleep`.
@Suite(.timeLimit(.minutes(5))) struct AwaitTests {
    @Test func `await gives the signal's arguments`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local s = Signal.new("s")
                spawn(function() print("await", await(s)) end)
                spawn(function() print("wait", s:wait()) end)
                s:emit(1, nil, "x", nil)
                print("emitted")
                """)
        #expect(prints == ["emitted", "await\t1\tnil\tx\tnil", "wait\t1\tnil\tx\tnil"])
    }

    @Test func `a second await waits for a second emit`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            spawn(function() for _ = 1, 3 do print(await(s)) end end)
            Timer.new { wait_time = 1, autostart = true }.timeout:connect(function() s:emit("tick") end)
            """)
        try await scripts.advance(.seconds(1), times: 5)
        #expect(scripts.printed == ["tick", "tick", "tick"])
    }

    @Test func `a timeout gives nil and "timeout", and the waiter is off the signal`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            spawn(function() print("a", await(s, 2)) print("then", await(s, 5)) end)
            spawn(function() print("b", s:wait(2)) end)
            Engine.create_timer(4).timeout:connect(function() s:emit("late") end)
            """)
        try await scripts.advance(.milliseconds(1999))
        #expect(scripts.printed == [])
        try await scripts.advance(.milliseconds(1))
        #expect(scripts.printed == ["a\tnil\ttimeout", "b\tnil\ttimeout"])
        try await scripts.advance(.seconds(2))
        #expect(scripts.printed.last == "then\tlate")
    }

    @Test func `an emit before the timeout is what is given`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            spawn(function() print(await(s, 2)) end)
            Engine.create_timer(1).timeout:connect(function() s:emit("in time") end)
            """)
        try await scripts.advance(.seconds(1), times: 3)
        #expect(scripts.printed == ["in time"])
    }

    @Test func `a timeout of 0 is over at once`() async throws {
        let scripts = try await Scripts.load("spawn(function() print(await(Signal.new('s'), 0)) end)")
        try await scripts.advance(.zero)
        #expect(scripts.printed == ["nil\ttimeout"])
    }

    @Test func `an endless timeout is none`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            spawn(function() print(await(s, math.huge)) end)
            Engine.create_timer(1000000).timeout:connect(function() s:emit("at last") end)
            """)
        try await scripts.advance(.seconds(1_000_000))
        #expect(scripts.printed == ["at last"])
    }

    @Test(arguments: ["Engine.create_timer(3)", "Timer.new{ wait_time = 3, autostart = true }"])
    func `a timer can be awaited as its signal`(timer: String) async throws {
        let scripts = try await Scripts.load(
            """
            local t = \(timer)
            spawn(function() print("timer", select("#", await(t))) end)
            spawn(function() print("signal", select("#", await(t.timeout))) end)
            """)
        try await scripts.advance(.seconds(3))
        #expect(scripts.printed == ["timer\t0", "signal\t0"])
    }

    @Test func `those who wait count as listeners of the server's signals`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
            HTTPServer.register_route("GET", "/wait", function(request, response)
              print("waiting")
              local id, path, headers = await(HTTPServer.sse_connection_opened)
              response.body = id .. " " .. path .. " " .. headers["X-A"]
            end)
            """
        ) { server in
            let waiting = try await server.connect()
            try await waiting.request("GET", "/wait")
            _ = await server.log.wait(for: "waiting")
            _ = try await server.open(headers: ["X-A: b"])
            try await waiting.wait(for: "1 /events b")
        }
    }

    @Test func `spawn runs at once until it first waits, with its arguments`() async throws {
        let scripts = try await Scripts.load(
            """
            print(select("#", spawn(function(...) print("in", ...) sleep(1) print("later", ...) end, 1, nil, "x")))
            print("after")
            """)
        #expect(scripts.printed == ["in\t1\tnil\tx", "0", "after"])
        try await scripts.advance(.seconds(1))
        #expect(scripts.printed.last == "later\t1\tnil\tx")
    }

    @Test func `an error in a spawned function is logged and harms nobody`() async throws {
        let scripts = try await Scripts.load("spawn(function() error('boom') end) print('goes on')")
        #expect(scripts.printed == ["goes on"])
        #expect(scripts.errors.first?.hasPrefix("main.lua:1: boom") == true)
    }

    @Test func `sleepers wake in the order of their times, then of their calls`() async throws {
        let scripts = try await Scripts.load(
            """
            for _, seconds in ipairs { 3, 1, 2, 1.5, 1, 0.001, 0 } do
              spawn(function() sleep(seconds) print(seconds) end)
            end
            for index = 1, 5 do spawn(function() sleep(4) print("same", index) end) end
            """)
        try await scripts.advance(.seconds(10))
        #expect(
            scripts.printed == [
                "0", "0.001", "1", "1", "1.5", "2", "3", "same\t1", "same\t2", "same\t3", "same\t4", "same\t5",
            ])
    }

    @Test func `sleep gives nothing, and never wakes too soon`() async throws {
        let scripts = try await Scripts.load(
            """
            spawn(function()
              local before = Time.monotonic()
              print(select("#", sleep(1.5)), Time.monotonic() - before)
            end)
            """)
        try await scripts.advance(.milliseconds(1499))
        #expect(scripts.printed == [])
        try await scripts.advance(.milliseconds(1))
        #expect(scripts.printed == ["0\t1.5"])
    }

    @Test func `while one waits the others run`() async throws {
        let scripts = try await Scripts.load(
            """
            for _, name in ipairs { "a", "b" } do
              spawn(function() for round = 1, 3 do print(name .. round) sleep(1) end end)
            end
            """)
        try await scripts.advance(.seconds(1), times: 3)
        #expect(scripts.printed == ["a1", "b1", "a2", "b2", "a3", "b3"])
    }

    @Test func `a signal emitted by one who waits for it reaches only the others`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local s = Signal.new("s")
                spawn(function() print("first", await(s)) end)
                spawn(function() s:emit("x") print("second", await(s, 0.5)) end)
                """)
        #expect(prints == ["first\tx"])
    }
}
