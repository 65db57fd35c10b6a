import NIOCore
import Scripting
import TestKit
import Testing

/// A handler that raises: the client gets 500, the log and `server_error` the reason.
@Suite(.timeLimit(.minutes(5))) struct HandlerFailureTests {
    private static let script = """
        local function deep(text) error(text) end
        local function middle(text)
          deep(text)
          return 1
        end
        HTTPServer.register_route("GET", "/raise", function() middle("secret <b>&\\"x") end)
        HTTPServer.register_route("GET", "/raise-table", function() error({ code = 1 }) end)
        HTTPServer.register_route("GET", "/raise-nil", function() error() end)
        HTTPServer.register_route("GET", "/half", function(request, response)
          response:set_status(201):set_body("half"):set_header("X-Half", "1")
          local a = nil .. "x" -- <script>
        end)
        HTTPServer.register_route("GET", "/late", function(request, response)
          sleep(0)
          error("late")
        end)
        HTTPServer.register_route("GET", "/fine", function(request, response) response.body = "fine" end)
        HTTPServer.server_error:connect(function(message) print("server_error: " .. message) end)
        """

    @Test(arguments: [
        ("/raise", "main.lua:1: secret <b>&\"x"), ("/half", "main.lua:11: attempt to concatenate a nil value"),
        ("/late", "main.lua:15: late"), ("/raise-nil", "nil"), ("/raise-table", "table: "),
    ])
    func `the client gets 500 without the reason, the log and the signal get it`(
        path: String, message: String
    ) async throws {
        try await withServer(Self.script) { server in
            let response = try await server.response(to: path)
            #expect(response.hasPrefix("HTTP/1.1 500 Internal Server Error\r\n"))
            for text in ["main.lua", "secret", "half", "X-Half", "late"] { #expect(!response.contains(text)) }
            #expect(await server.log.wait(for: "server_error: ").hasPrefix("info server_error: \(message)"))
            let line = await server.log.wait(for: "error ")
            #expect(line.hasPrefix("error \(message)"))
            #expect(line.contains("in=GET \(path)"))
            #expect(line.contains("traceback=") && line.contains("main.lua:"))
            let fine = try await server.body("/fine")
            #expect(fine == "fine")
        }
    }

    @Test func `the traceback in the log names the calls`() async throws {
        try await withServer(Self.script) { server in
            _ = try await server.response(to: "/raise")
            let line = await server.log.wait(for: "traceback=")
            for place in ["main.lua:1:", "main.lua:3:", "main.lua:6:"] { #expect(line.contains(place), "\(line)") }
            #expect(!line.contains("[mooncast]"))
        }
    }

    @Test func `the connection goes on after a 500`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/raise")
            try await client.request("GET", "/fine")
            let text = try await client.wait(for: "\r\n\r\nfine")
            #expect(text.hasPrefix("HTTP/1.1 500 "))
            #expect(text.contains("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func `a developer is shown message, source line and traceback, escaped`() async throws {
        try await withServer(["main.lua": Self.script], isDevelopment: true) { server in
            let raised = try await server.response(to: "/raise")
            #expect(raised.hasPrefix("HTTP/1.1 500 "))
            #expect(raised.lowercased().contains("\r\ncontent-type: text/html; charset=utf-8\r\n"))
            #expect(raised.contains("main.lua:1: secret &lt;b&gt;&amp;"))
            #expect(raised.contains("local function deep(text) error(text) end"))
            #expect(raised.contains("main.lua:3:"))
            #expect(!raised.contains("secret <b>"))
            let half = try await server.body("/half")
            #expect(
                half.contains("local a = nil .. &quot;x&quot; -- &lt;script&gt;")
                    || half.contains("local a = nil .. \"x\" -- &lt;script&gt;"))
            #expect(!half.contains("<script>"))
        }
    }

    @Test func `an error in the callback of server_error is logged and does not come back to it`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function() error("first") end)
            HTTPServer.server_error:connect(function(message) error("second") end)
            HTTPServer.server_error:connect(function(message) print("told: " .. message) end)
            """
        ) { server in
            _ = try await server.response(to: "/")
            #expect(await server.log.wait(for: "told: ") == "info told: main.lua:1: first")
            try await server.settle()
            #expect(server.printed.filter { $0.hasPrefix("told") }.count == 1)
            #expect(server.log.lines.contains { $0.hasPrefix("error main.lua:2: second") })
        }
    }

    @Test func `server_error tells what a timer, a callback and a spawned function raised`() async throws {
        let scripts = try await Scripts.load(
            """
            HTTPServer.server_error:connect(function(message) print("told: " .. message) end)
            Engine.create_timer(1).timeout:connect(function() error("timer") end)
            spawn(function() sleep(2) error("spawned") end)
            local signal = Signal.new("s")
            signal:connect(function() error("callback") end)
            signal:emit()
            """)
        try await scripts.advance(.seconds(1), times: 2)
        #expect(
            scripts.printed == [
                "told: main.lua:5: callback", "told: main.lua:2: timer", "told: main.lua:3: spawned",
            ])
        #expect(scripts.errors.count == 3)
        #expect(scripts.errors.allSatisfy { $0.contains("traceback=") })
    }
}
