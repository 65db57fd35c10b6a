import NIOCore
import Scripting
import TestKit
import Testing

/// `Signal`: connecting, emitting, and the flags.
@Suite(.timeLimit(.minutes(5))) struct SignalTests {
    /// What a script prints that has a signal `s` and a function `say(text)` that makes a printing callback.
    private func prints(_ code: String) async throws -> [String] {
        try await Scripts.prints(
            of: """
                local s = Signal.new("s")
                local function say(text) return function(...) print(text, ...) end end
                \(code)
                """)
    }

    @Test func `callbacks run in connection order with the arguments`() async throws {
        let lines = try await prints(
            """
            s:connect(say "a") s:connect(say "b") s:connect(say "c")
            s:emit(1, nil, "x", nil)
            s:emit()
            print(select("#", s:emit()))
            """)
        #expect(
            lines == [
                "a\t1\tnil\tx\tnil", "b\t1\tnil\tx\tnil", "c\t1\tnil\tx\tnil", "a", "b", "c", "a", "b", "c", "0",
            ])
    }

    @Test func `connect tells OK, or 31 and a logged error when it is connected already`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("news")
            local function f() end
            print(s:connect(f))
            print(s:connect(f))
            print(#s:get_connections(), s:is_connected(f))
            """)
        #expect(scripts.printed == ["0", "31", "1\ttrue"])
        #expect(scripts.errors == ["main.lua:4: signal 'news': this callback is already connected"])
    }

    @Test func `disconnect takes the callback off, and one that is not connected is a logged error`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("news")
            local function f() print("no") end
            s:connect(f)
            s:disconnect(f)
            print(s:is_connected(f), s:has_connections())
            s:emit()
            s:disconnect(f)
            print("goes on")
            """)
        #expect(scripts.printed == ["false\tfalse", "goes on"])
        #expect(scripts.errors == ["main.lua:7: signal 'news': this callback is not connected"])
    }

    @Test func `names and connections can be asked for`() async throws {
        let lines = try await prints(
            """
            local f = say "f"
            print(s:get_name(), s.get_name(), s:has_connections(), #s:get_connections(), tostring(s))
            s:connect(f, CONNECT_ONE_SHOT)
            local list = s:get_connections()
            print(#list, list[1].callable == f, list[1].flags, rawequal(list[1].signal, s), s:has_connections())
            list[1] = nil
            print(#s:get_connections())
            """)
        #expect(lines == ["s\ts\tfalse\t0\t<Signal s>", "1\ttrue\t4\ttrue\ttrue", "1"])
    }

    @Test func `a one-shot runs once and is disconnected before it runs`() async throws {
        let lines = try await prints(
            """
            local function f(n)
              print("f", n, s:has_connections())
              if n == 1 then s:emit(2) end
            end
            s:connect(f, CONNECT_ONE_SHOT)
            s:emit(1)
            s:emit(3)
            print(s:once(f), s:is_connected(f))
            s:emit(4)
            print(s:is_connected(f))
            """)
        #expect(lines == ["f\t1\tfalse", "0\ttrue", "f\t4\tfalse", "false"])
    }

    @Test func `a one-shot may connect itself again while it runs`() async throws {
        let lines = try await prints(
            """
            local count = 0
            local function f()
              count = count + 1
              print(count)
              if count < 3 then s:once(f) end
            end
            s:once(f)
            for _ = 1, 5 do s:emit() end
            """)
        #expect(lines == ["1", "2", "3"])
    }

    @Test func `a deferred callback runs after the code that emits`() async throws {
        let lines = try await prints(
            """
            s:connect(say "deferred", CONNECT_DEFERRED)
            s:connect(say "direct")
            s:emit(1)
            print("emitted")
            """)
        #expect(lines == ["direct\t1", "emitted", "deferred\t1"])
    }

    @Test func `a deferred one-shot runs once`() async throws {
        let lines = try await prints(
            """
            s:connect(say "both", CONNECT_DEFERRED | CONNECT_ONE_SHOT)
            s:emit(1) s:emit(2)
            print(s:has_connections())
            """)
        #expect(lines == ["false", "both\t1"])
    }

    @Test func `a deferred callback of the server's signals runs after the others`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(_, response) response:start_sse() end)
            HTTPServer.sse_connection_opened:connect(function(id) print("deferred", id) end, CONNECT_DEFERRED)
            HTTPServer.sse_connection_opened:connect(function(id) print("direct", id) end)
            """
        ) { server in
            _ = try await server.open()
            _ = await server.log.wait(for: "deferred")
            _ = await server.log.wait(for: "direct")
            #expect(server.printed.suffix(2) == ["direct\t1", "deferred\t1"])
        }
    }

    @Test func `a reference-counted one is connected as often as it was asked, and runs once`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            local function f() print("f") end
            for _ = 1, 3 do print(s:connect(f, CONNECT_REFERENCE_COUNTED)) end
            print(#s:get_connections())
            s:emit()
            for _ = 1, 3 do
              s:disconnect(f)
              print(s:is_connected(f))
            end
            """)
        #expect(scripts.printed == ["0", "0", "0", "1", "f", "true", "true", "false"])
        #expect(scripts.errors == [])
    }

    @Test func `those who are connected or disconnected while it runs change the next emit`() async throws {
        let lines = try await prints(
            """
            local b, c = say "b", say "c"
            s:connect(function()
              print("a")
              if s:is_connected(b) then s:disconnect(b) end
              if not s:is_connected(c) then s:connect(c) end
            end)
            s:connect(b)
            s:emit()
            s:emit()
            """)
        #expect(lines == ["a", "b", "a", "c"])
    }

    @Test func `one that raises or waits does not stop the others`() async throws {
        let scripts = try await Scripts.load(
            """
            local s = Signal.new("s")
            s:connect(function() print("1") sleep(1) print("1 later") end)
            s:connect(function() error("2") end)
            s:connect(function() print("3") end)
            s:emit()
            print("emitted")
            """)
        #expect(scripts.printed == ["1", "3", "emitted"])
        #expect(scripts.errors.count == 1)
        #expect(scripts.errors.first?.hasPrefix("main.lua:3: 2") == true)
        try await scripts.advance(.seconds(1))
        #expect(scripts.printed.last == "1 later")
    }

    @Test func `an emit inside a callback runs right there`() async throws {
        let lines = try await prints(
            """
            local inner = Signal.new("inner")
            inner:connect(say "inner")
            s:connect(function(n) print("in", n) inner:emit(n) print("out", n) end)
            s:emit(1)
            """)
        #expect(lines == ["in\t1", "inner\t1", "out\t1"])
    }

    @Test func `a signal that emits itself without end is an error, not a crash`() async throws {
        let scripts = try await Scripts.load(
            """
            local s, depth = Signal.new("s"), 0
            s:connect(function() depth = depth + 1 s:emit() end)
            s:emit()
            print(depth > 10)
            """)
        #expect(scripts.printed == ["true"])
        #expect(scripts.errors.contains { $0.contains("stack overflow") }, "\(scripts.errors)")
        let next = try await Scripts.prints(of: "print('fine')")
        #expect(next == ["fine"])
    }

    @Test func `many arguments pass`() async throws {
        let lines = try await prints(
            """
            s:connect(function(...) print(select("#", ...), (select(-1, ...))) end)
            local many = {}
            for index = 1, 200 do many[index] = index end
            s:emit(table.unpack(many))
            """)
        #expect(lines == ["200\t200"])
    }

    @Test func `signals have nothing to do with each other`() async throws {
        let lines = try await prints(
            """
            local other = Signal.new("s")
            other:connect(say "other")
            s:connect(say "s")
            s:emit()
            print(rawequal(s, other), s == other)
            """)
        #expect(lines == ["s", "false\tfalse"])
    }
}
