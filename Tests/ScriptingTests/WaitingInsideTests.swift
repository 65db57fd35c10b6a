import NIOCore
import Scripting
import TestKit
import Testing

/// Where a wait passes through, and where it cannot.
@Suite(.timeLimit(.minutes(5))) struct WaitingInsideTests {
    @Test func `a wait passes through the script's own coroutines`() async throws {
        let scripts = try await Scripts.load(
            """
            spawn(function()
              local co = coroutine.create(function(a)
                sleep(1)
                local b = coroutine.yield(a + 1)
                sleep(1)
                return b * 2
              end)
              print(coroutine.resume(co, 1))
              print(coroutine.resume(co, 10))
              print(coroutine.status(co))
            end)
            spawn(function()
              for value in coroutine.wrap(function() for n = 1, 2 do sleep(1) coroutine.yield(n) end end) do
                print("wrap", value)
              end
            end)
            """)
        try await scripts.advance(.seconds(1), times: 3)
        #expect(scripts.printed == ["true\t2", "wrap\t1", "true\t20", "dead", "wrap\t2"])
    }

    @Test(arguments: [
        "pcall(wait)", "xpcall(wait, print)", "select(2, pcall(wait))", "coroutine.wrap(wait)()",
        "(function() for _ in function() wait() return nil end do end end)()",
        "local t = setmetatable({}, { __index = wait }) local _ = t.x",
        "local t = setmetatable({}, { __call = wait }) t()",
        "local t = setmetatable({}, { __add = wait }) local _ = t + t",
        "do local _ <close> = setmetatable({}, { __close = wait }) end",
    ])
    func `waits pass through`(code: String) async throws {
        let scripts = try await Scripts.load(
            """
            local function wait() sleep(1) end
            spawn(function()
              \(code)
              print("done")
            end)
            """)
        #expect(scripts.printed == [])
        try await scripts.advance(.seconds(1))
        #expect(scripts.printed == ["done"])
        #expect(scripts.errors == [])
    }

    @Test(arguments: [
        ("table.sort({ 3, 1, 2 }, function(a, b) WAIT return a < b end)", "table.sort"),
        ("string.gsub('abc', '.', function() WAIT end)", "string.gsub"),
        (";('abc'):gsub('.', function() WAIT end)", "string.gsub"),
        ("assert(load(function() WAIT end))", "load"),
        ("print(setmetatable({}, { __tostring = function() WAIT return '' end }))", "tostring"),
    ])
    func `where Lua cannot wait it says so`(code: String, function: String) async throws {
        for wait in ["sleep(1)", "await(s)", "s:wait()"] {
            let report = try await Scripts.failure(
                "local s = Signal.new('s')\n" + code.replacing("WAIT", with: wait + ";"))
            #expect(report.message.hasSuffix("cannot wait inside \(function)"), "\(report.message)")
            #expect(report.message.hasPrefix("main.lua:2: "), "\(report.message)")
        }
    }

    @Test func `after a refused wait the task can still wait`() async throws {
        let scripts = try await Scripts.load(
            """
            spawn(function()
              print((pcall(table.sort, { 2, 1 }, function(a, b) sleep(1) end)))
              sleep(1)
              print("waited")
            end)
            """)
        try await scripts.advance(.seconds(1))
        #expect(scripts.printed == ["false", "waited"])
    }

    @Test func `a coroutine that waits for the host cannot be resumed by another`() async throws {
        let scripts = try await Scripts.load(
            """
            local co = coroutine.create(function() sleep(5) return "slept" end)
            spawn(function() print("one", coroutine.resume(co)) end)
            spawn(function() print("two", pcall(coroutine.resume, co)) print("close", pcall(coroutine.close, co)) end)
            """)
        try await scripts.advance(.seconds(5))
        #expect(scripts.printed.count == 3)
        #expect(scripts.printed[0].hasPrefix("two\tfalse\t"))
        #expect(scripts.printed[1].hasPrefix("close\tfalse\t"))
        #expect(scripts.printed[2] == "one\ttrue\tslept")
    }

    @Test func `coroutine.yield outside a coroutine of the script's is an error that says what to do`() async throws {
        let report = try await Scripts.failure("coroutine.yield()")
        #expect(report.message.contains("to wait use sleep or await"), "\(report.message)")
    }

    @Test func `sleep and await work at the top level of a script`() async throws {
        let scripts = try await Scripts.make(
            try TemporaryDirectory([
                "main.lua": "print(1) sleep(1) print(2) print(await(Engine.create_timer(1).timeout)) print(3)"
            ]))
        let loaded = Task { try await scripts.host.load().get() }
        _ = await scripts.log.wait(for: "1")
        for _ in 0..<2 {
            try await scripts.settle()
            scripts.clock.advance(by: .seconds(1))
        }
        try await loaded.value
        #expect(scripts.printed == ["1", "2", "", "3"])
    }
}
