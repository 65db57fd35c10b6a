import NIOCore
import Scripting
import TestKit
import Testing

/// Scripts that ask for more memory than there is for them: an error for them, and the server goes on.
@Suite(.timeLimit(.minutes(5))) struct MemoryBombTests {
    private static let limits = ScriptLimits(budget: .seconds(10), loadBudget: .seconds(10), memory: 16 << 20)

    /// Each on one line.
    static let bombs = [
        "local s = 'x' while true do s = s .. s end",
        "local t = {} while true do t[#t + 1] = ('x'):rep(100000) .. #t end",
        "local t = {} while true do t[#t + 1] = {} end",
        "local t = {} while true do t[#t + 1] = coroutine.create(print) end",
        "coroutine.wrap(function() local s = 'x' while true do s = s .. s end end)()",
        "table.sort({ 3, 1, 2 }, function() local s = 'x' while true do s = s .. s end end)",
    ]

    private static let fine =
        "HTTPServer.register_route('GET', '/fine', function(_, response) response.body = 'fine' end)"

    @Test(arguments: bombs)
    func `a memory bomb in a handler is answered 500, time and again, and the server goes on`(
        bomb: String
    ) async throws {
        let script = """
            \(Self.fine)
            HTTPServer.register_route("GET", "/bomb", function(request, response)
              \(bomb)
            end)
            """
        try await withServer(["main.lua": script], limits: Self.limits) { server in
            for _ in 0..<3 {
                let response = try await server.response(to: "/bomb")
                #expect(response.hasPrefix("HTTP/1.1 500 "), "\(response)")
                let answer = try await server.body("/fine")
                #expect(answer == "fine")
            }
            let errors = server.log.lines.filter { $0.hasPrefix("error ") }
            #expect(errors.count == 3)
            for line in errors {
                #expect(line.contains("not enough memory") && line.contains(" in=GET /bomb"), "\(line)")
                #expect(line.contains("main.lua:3"), "\(line)")
            }
        }
    }

    @Test(arguments: bombs)
    func `a script may catch the error of a bomb`(bomb: String) async throws {
        let script = """
            HTTPServer.register_route("GET", "/bomb", function(request, response)
              local ok, message = pcall(function() \(bomb) end)
              response.body = tostring(ok) .. " " .. tostring(message)
            end)
            """
        try await withServer(["main.lua": script], limits: Self.limits) { server in
            for _ in 0..<2 {
                let answer = try await server.body("/bomb")
                #expect(answer.hasPrefix("false ") && answer.contains("not enough memory"), "\(answer)")
            }
            #expect(server.log.lines.allSatisfy { !$0.hasPrefix("error ") })
        }
    }

    @Test func `a bomb in a timer's callback does not stop the timer`() async throws {
        let script = """
            \(Self.fine)
            local rounds = 0
            Timer.new { wait_time = 0.01, autostart = true }.timeout:connect(function()
              rounds = rounds + 1
              if rounds == 3 then print("third") end
              if rounds < 3 then local s = 'x' while true do s = s .. s end end
            end)
            """
        try await withServer(["main.lua": script], limits: Self.limits) { server in
            _ = await server.log.wait(for: "third")
            let errors = server.log.lines.filter { $0.hasPrefix("error ") }
            #expect(errors.count == 2)
            #expect(errors.allSatisfy { $0.hasPrefix("error main.lua:6: not enough memory") }, "\(errors)")
            let answer = try await server.body("/fine")
            #expect(answer == "fine")
        }
    }

    @Test func `a bomb at load is an error that names file and line`() async throws {
        let report = try await Scripts.failure(
            ["main.lua": "\nlocal s = 'x' while true do s = s .. s end"], limits: Self.limits)
        #expect(report.message.hasPrefix("main.lua:2: not enough memory"), "\(report.message)")
        #expect(report.message.contains("16 MiB"), "\(report.message)")
        #expect(report.source?.line == 2)
    }

    @Test(arguments: ["JSON.encode(t)", "response:set_json(t)", "HTTPServer.broadcast('', t)"])
    func `a table that holds itself many times over is refused before it fills time or memory`(call: String)
        async throws
    {
        let script = """
            HTTPServer.register_route('GET', '/bomb', function(request, response)
              local t = {} for i = 1, 40 do t = { t, t } end
              \(call)
            end)
            HTTPServer.register_route('GET', '/after', function(request, response) response.body = "served" end)
            """
        let server = try await TestServer.start(["main.lua": script], limits: ScriptLimits())
        #expect(try await server.response(to: "/bomb").hasPrefix("HTTP/1.1 500 "))
        #expect(await server.log.wait(for: "error ").contains("main.lua:3: "))
        #expect(try await server.body("/after") == "served")
        try await server.stop()
    }
}
