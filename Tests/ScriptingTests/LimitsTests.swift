import NIOCore
import Scripting
import TestKit
import Testing

/// `HTTPServer.set_limits`, `get_limits`, `set_max_request_size` and `get_max_request_size`.
@Suite(.timeLimit(.minutes(5))) struct LimitsTests {
    /// Prints every limit, by name.
    private static let printing = """
        local names, words = {}, {}
        for name in pairs(HTTPServer.get_limits()) do names[#names + 1] = name end
        table.sort(names)
        for index, name in ipairs(names) do words[index] = name .. "=" .. HTTPServer.get_limits()[name] end
        print(table.concat(words, " "))
        """

    /// What scripts see of the limits after this one.
    private func limits(
        after script: String, configure: (inout ScriptHost.Configuration) -> Void = { _ in }
    ) async throws -> [String: String] {
        let scripts = try await Scripts.make(
            TemporaryDirectory(["main.lua": script + "\n" + Self.printing]), configure: configure)
        try await scripts.host.load().get()
        let line = try #require(scripts.printed.last)
        let pairs = line.split(separator: " ").map { $0.split(separator: "=").map(String.init) }
        return Dictionary(uniqueKeysWithValues: pairs.map { ($0[0], $0[1]) })
    }

    private static let defaults = [
        "max_connections": "0", "max_connections_per_ip": "0", "max_header_bytes": "16384", "header_timeout": "10",
        "body_timeout": "60", "idle_timeout": "75", "tls_handshake_timeout": "10", "max_buffered_bytes": "1048576",
    ]

    @Test func `the defaults are those of the documents`() async throws {
        #expect(try await limits(after: "") == Self.defaults)
    }

    @Test(arguments: [
        ("max_connections", "7", "7"), ("max_connections_per_ip", "2", "2"), ("max_header_bytes", "100", "100"),
        ("header_timeout", "1", "1"), ("header_timeout", "0.25", "0.25"), ("body_timeout", "3600", "3600"),
        ("idle_timeout", "1e9", "1000000000"), ("tls_handshake_timeout", "0.5", "0.5"),
        ("max_buffered_bytes", "1 << 30", "1073741824"), ("max_connections", "5.0", "5"),
        ("max_header_bytes", "0", "0"), ("header_timeout", "0", "0"), ("body_timeout", "0", "0"),
        ("idle_timeout", "0", "0"), ("tls_handshake_timeout", "0.0", "0"), ("max_buffered_bytes", "0", "0"),
        ("header_timeout", "1e-12", "1e-09"),
    ])
    func `a limit that is set is the only one that changes`(name: String, value: String, shown: String) async throws {
        var wanted = Self.defaults
        wanted[name] = shown
        #expect(try await limits(after: "assert(HTTPServer.set_limits { \(name) = \(value) } == nil)") == wanted)
    }

    @Test func `many are set at once, in either calling style`() async throws {
        var wanted = Self.defaults
        wanted["max_connections"] = "3"
        wanted["idle_timeout"] = "5"
        #expect(
            try await limits(after: "HTTPServer:set_limits { max_connections = 3, idle_timeout = 5 }") == wanted)
        #expect(try await limits(after: "HTTPServer.set_limits(HTTPServer.get_limits())") == Self.defaults)
    }

    @Test(arguments: [
        ("HTTPServer.set_limits()", "takes 1 argument, got 0"),
        ("HTTPServer.set_limits(5)", "argument 1 (limits) must be a table, got number"),
        (
            "HTTPServer.set_limits{ max_conections = 5 }",
            "unknown option 'max_conections'; did you mean 'max_connections'?"
        ),
        (
            "HTTPServer.set_limits{ header_timout = 5 }",
            "unknown option 'header_timout'; did you mean 'header_timeout'?"
        ),
        (
            "HTTPServer.set_limits{ speed = 5 }",
            "unknown option 'speed' (known: max_connections, max_connections_per_ip,"
        ),
        ("HTTPServer.set_limits{ 5 }", "unknown option '1' (known: "),
        (
            "HTTPServer.set_limits{ max_connections = 'many' }",
            "option 'max_connections' must be an integer, 0 or more, got string many"
        ),
        (
            "HTTPServer.set_limits{ max_connections = -1 }",
            "option 'max_connections' must be an integer, 0 or more, got number -1"
        ),
        (
            "HTTPServer.set_limits{ max_buffered_bytes = 1.5 }",
            "option 'max_buffered_bytes' must be an integer, 0 or more, got number 1.5"
        ),
        (
            "HTTPServer.set_limits{ max_header_bytes = true }",
            "option 'max_header_bytes' must be an integer, 0 or more, got boolean true"
        ),
        (
            "HTTPServer.set_limits{ body_timeout = '60' }",
            "option 'body_timeout' must be a number of seconds, 0 or more, got string 60"
        ),
        (
            "HTTPServer.set_limits{ idle_timeout = {} }",
            "option 'idle_timeout' must be a number of seconds, 0 or more, got table"
        ),
        (
            "HTTPServer.set_limits{ header_timeout = -1 }",
            "option 'header_timeout' must be a number of seconds, 0 or more, got number -1"
        ),
        (
            "HTTPServer.set_limits{ header_timeout = 0/0 }",
            "option 'header_timeout' must be a number of seconds, 0 or more, got number"
        ),
        (
            "HTTPServer.set_limits{ tls_handshake_timeout = math.huge }",
            "option 'tls_handshake_timeout' must be a number of seconds, 0 or more, got number"
        ),
    ])
    func `misuse names what is wrong`(code: String, message: String) async throws {
        let failure = try await Scripts.failure("local _ =\n1; \(code)")
        #expect(failure.message.hasPrefix("main.lua:2: HTTPServer.set_limits: \(message)"), "\(failure.message)")
    }

    @Test func `a table with one fault changes nothing`() async throws {
        let script =
            "assert(not pcall(HTTPServer.set_limits, { max_connections = 3, idle_timeout = 3, body_timeout = 'x' }))"
        #expect(try await limits(after: script) == Self.defaults)
    }

    @Test func `what the command line says goes before what scripts say`() async throws {
        let seen = try await limits(after: "HTTPServer.set_limits { max_connections = 7, max_connections_per_ip = 3 }")
        {
            $0.maxConnections = 5
            $0.maxConnectionsPerAddress = 2
        }
        #expect(seen["max_connections"] == "5")
        #expect(seen["max_connections_per_ip"] == "2")
    }

    @Test(arguments: [("0", "50"), ("51", "50"), ("50", "50"), ("49", "49")])
    func `no script gets more connections than the process can have`(value: String, seen: String) async throws {
        let limits = try await limits(after: "HTTPServer.set_limits { max_connections = \(value) }") {
            $0.connectionRoom = 50
        }
        #expect(limits["max_connections"] == seen)
    }

    // MARK: the size of requests

    @Test(arguments: [
        ("8192", "8192"), ("1", "1024"), ("-5", "1024"), ("1023", "1024"), ("1024", "1024"), ("1 << 30", "1073741824"),
        ("(1 << 30) + 1", "1073741824"), ("math.maxinteger", "1073741824"), ("2048.0", "2048"),
    ])
    func `the size of requests is kept between 1 KiB and 1 GiB`(value: String, seen: String) async throws {
        let prints = try await Scripts.prints(
            of: """
                print(HTTPServer.get_max_request_size())
                HTTPServer.set_max_request_size(\(value))
                print(HTTPServer.get_max_request_size())
                """)
        #expect(prints == ["1048576", seen])
    }

    @Test func `the size of requests is a number`() async throws {
        let failure = try await Scripts.failure("HTTPServer.set_max_request_size('1 MiB')")
        #expect(
            failure.message
                == "main.lua:1: HTTPServer.set_max_request_size: argument 1 (bytes) must be an integer, got string")
    }

    private static let server = """
        HTTPServer.register_route("POST", "/size/{bytes}", function(request, response)
          HTTPServer.set_max_request_size(math.tointeger(request.path_params.bytes))
          response.body = "set"
        end)
        HTTPServer.register_route("POST", "/limits", function(request, response)
          HTTPServer.set_limits(request:parse_json_body())
        end)
        HTTPServer.register_route("POST", "/echo", function(request, response) response.body = request.body end)
        """

    /// Every loop hears of it in a turn of its own.
    private func post(_ server: TestServer, _ count: Int, until status: Int) async throws {
        let body = String(repeating: "b", count: count)
        for _ in 0..<20 {
            while !(try await server.response(to: "POST", "/echo", body: body).hasPrefix("HTTP/1.1 \(status) ")) {}
        }
    }

    @Test(arguments: [1, 3]) func `a size that is set while serving holds for all that comes`(threads: Int) async throws
    {
        try await withServer(Self.server, threads: threads) { server in
            try await post(server, 5000, until: 200)
            #expect(try await server.body("POST", "/size/4096") == "set")
            try await post(server, 5000, until: 413)
            try await post(server, 4096, until: 200)
            #expect(try await server.body("POST", "/size/8192") == "set")
            try await post(server, 5000, until: 200)
        }
    }

    // MARK: what the limits do

    @Test func `connections are counted against a limit that is set while serving`() async throws {
        try await withServer(Self.server) { server in
            let first = try await server.connect()
            let others = [try await server.connect(), try await server.connect()]
            for client in [first] + others {
                try await client.request("GET", "/nowhere")
                try await client.wait(for: "404")
            }
            _ = first.take()
            try await first.send(
                "POST /limits HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\n{\"max_connections\": 1}")
            try await first.wait(for: "\r\n\r\n")
            // Also when there are far more than there may be, who comes is told so.
            #expect(try await server.status(of: "/nowhere") == "503")
            // Those that are there stay.
            _ = others[0].take()
            try await others[0].request("GET", "/nowhere")
            try await others[0].wait(for: "404")
            _ = first.take()
            try await first.send(
                "POST /limits HTTP/1.1\r\nHost: a\r\nContent-Length: 22\r\n\r\n{\"max_connections\": 9}")
            try await first.wait(for: "\r\n\r\n")
            #expect(try await server.status(of: "/nowhere") == "404")
        }
    }

    @Test func `connections of one address are counted from when there is a limit`() async throws {
        try await withServer(Self.server) { server in
            let before = try await server.connect()
            try await before.request("GET", "/nowhere")
            try await before.wait(for: "404")
            _ = try await server.body("POST", "/limits", body: #"{"max_connections_per_ip": 1}"#)
            let counted = try await server.connect()
            try await counted.request("GET", "/nowhere")
            try await counted.wait(for: "404")
            #expect(try await server.status(of: "/nowhere") == "429")
        }
    }

    @Test func `the times that a script sets are those of its clients`() async throws {
        let clock = ManualClock()
        let script = "HTTPServer.set_limits { header_timeout = 1, body_timeout = 2, idle_timeout = 3 }\n" + Self.server
        try await withServer(script, clock: clock) { server in
            let (silent, slow, idle) = (
                try await server.connect(), try await server.connect(), try await server.connect()
            )
            try await slow.request("POST", "/echo", headers: ["Expect: 100-continue", "Content-Length: 5"])
            try await slow.wait(for: "100 Continue\r\n\r\n")
            try await idle.request("GET", "/nowhere")
            try await idle.wait(for: "404")
            clock.advance(by: .seconds(1))
            #expect(try await silent.waitForEnd() == "")
            clock.advance(by: .seconds(1))
            try await slow.wait(for: "HTTP/1.1 408 ")
            clock.advance(by: .seconds(1))
            try await idle.waitForEnd()
            #expect(!idle.text.contains("408"))
        }
    }

    @Test(arguments: [
        ("max_buffered_bytes = 100", "", "true false"), ("max_buffered_bytes = 0", "", "true true"),
        ("max_buffered_bytes = 100", "max_buffered_bytes = 10000", "true true"),
        ("max_buffered_bytes = 10000", "max_buffered_bytes = 100", "true false"), ("", "", "true true"),
    ])
    func `a stream has the buffer that is set, unless it asks for another`(
        limits: String, options: String, sent: String
    ) async throws {
        try await withServer(
            """
            HTTPServer.set_limits { \(limits) }
            HTTPServer.register_route("GET", "/events", function(request, response)
              local connection = response:start_sse { \(options) }
              print("sent " .. tostring(connection:send(("x"):rep(200))) .. " " .. tostring(connection:send("y")))
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/events")
            #expect(await server.log.wait(for: "sent") == "info sent \(sent)")
        }
    }
}
