import Scripting
import TestKit
import Testing

/// What scripts put around requests: `use`, `set_error_handler`, `set_not_found_handler`.
@Suite(.timeLimit(.minutes(5))) struct MiddlewareTests {
    private static let files = ["public/page.html": "page", "public/admin/page.html": "secret"]

    private func serve(_ script: String, _ body: (TestServer) async throws -> Void) async throws {
        var files = Self.files
        files["main.lua"] = script
        try await withServer(files, body)
    }

    private static let layers = """
        local trace = {}
        local function layer(name)
          return function(request, response, next)
            trace[#trace + 1] = name
            next()
            trace[#trace + 1] = "/" .. name
            if request.path == "/" then response:set_body(table.concat(trace, " ")) end
          end
        end
        HTTPServer.use(layer("a"))
        HTTPServer.use("/admin", layer("b"))
        HTTPServer.use(layer("c"))
        HTTPServer.register_route("GET", "/", function(request, response) trace[#trace + 1] = "route" end)
        """

    @Test func `each runs in the order of registration, around what follows`() async throws {
        try await serve(Self.layers) { server in
            let body = try await server.body("/")
            #expect(body == "a c route /c /a")
        }
    }

    @Test(arguments: [
        ("/admin", true), ("/admin/", true), ("/admin/users", true), ("/%61dmin/x", true), ("/administrator", false),
        ("/", false), ("/x/admin", false),
    ])
    func `with a prefix it runs for what lies below that`(path: String, runs: Bool) async throws {
        try await serve(
            """
            HTTPServer.use("/admin/", function(request, response) response:set_status(403) end)
            HTTPServer.register_route("GET", "/{rest...}", function(request, response) end)
            """
        ) { server in
            let status = try await server.status(of: path)
            #expect(status == (runs ? "403" : "200"))
        }
    }

    @Test(arguments: [("/page.html", "200"), ("/nothing", "404"), ("/route", "405"), ("/admin/page.html", "401")])
    func `it runs before files and errors too, and may answer instead`(path: String, status: String) async throws {
        try await serve(
            """
            HTTPServer.use(function(request, response, next)
              response:set_header("X-Layer", request.path)
              next()
            end)
            HTTPServer.use("/admin", function(request, response) response:set_status(401):set_body("no") end)
            HTTPServer.register_route("POST", "/route", function() end)
            """
        ) { server in
            let response = try await server.response(to: path)
            #expect(response.hasPrefix("HTTP/1.1 \(status) "))
            #expect(response.lowercased().contains("x-layer: \(path)\r\n"))
            #expect(!response.contains("secret"))
        }
    }

    @Test func `without a call of next the response goes out as it is`() async throws {
        try await serve(
            """
            HTTPServer.use(function(request, response) end)
            HTTPServer.register_route("GET", "/", function(request, response) response:set_body("route") end)
            """
        ) { server in
            let response = try await server.response(to: "/")
            #expect(response.hasPrefix("HTTP/1.1 200 ") && response.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `it may wait, and the route may open a stream`() async throws {
        try await serve(
            """
            HTTPServer.use(function(request, response, next)
              request.user = "ann"
              sleep(0)
              next()
            end)
            HTTPServer.register_route("GET", "/events", function(request, response)
              local user = request.user
              response:start_sse():send(user)
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.wait(for: "data: ann\n\n")
            try await client.close()
        }
    }

    @Test(arguments: [
        ("next() next()", "next was called already"), ("next(request)", "next takes no arguments"),
        ("next() error('own')", "own"),
    ])
    func `what it does wrong is an error at its line`(code: String, message: String) async throws {
        try await serve(
            "HTTPServer.use(function(request, response, next) \(code) end)"
                + " HTTPServer.register_route('GET', '/', function() end)"
        ) { server in
            let status = try await server.status(of: "/")
            #expect(status == "500")
            let line = await server.log.wait(for: message)
            #expect(line.hasPrefix("error main.lua:1: "), "\(line)")
        }
    }

    // MARK: errors

    private static let failing = """
        HTTPServer.set_error_handler(function(request, response, message)
          if request.path == "/worse" then error("worse") end
          response:set_body(response.status_code .. " " .. message)
        end)
        HTTPServer.register_route("GET", "/bad", function(request, response)
          response:set_status(201):set_header("X-Half", "1")
          error("broken")
        end)
        HTTPServer.register_route("GET", "/worse", function() error("broken") end)
        HTTPServer.register_route("GET", "/late", function() sleep(0) error("late") end)
        """

    @Test(arguments: [("/bad", "main.lua:7: broken"), ("/late", "main.lua:10: late")])
    func `the error handler makes the answer of a handler that raised`(path: String, message: String) async throws {
        try await serve(Self.failing) { server in
            let response = try await server.response(to: path)
            #expect(response.hasPrefix("HTTP/1.1 500 "))
            #expect(response.hasSuffix("\r\n\r\n500 \(message)"), "\(response)")
            #expect(!response.contains("X-Half"))
        }
    }

    @Test func `an error handler that raises leaves the plain 500`() async throws {
        try await serve(Self.failing) { server in
            let response = try await server.response(to: "/worse")
            #expect(response.hasPrefix("HTTP/1.1 500 ") && response.contains("the script failed"))
            _ = await server.log.wait(for: "main.lua:2: worse")
        }
    }

    // MARK: nothing found

    private static let lost = """
        HTTPServer.set_not_found_handler(function(request, response, message)
          response:set_body(response.status_code .. " " .. message)
        end)
        HTTPServer.register_route("POST", "/route", function() end)
        """

    @Test(arguments: [
        ("GET", "/nothing", "404", "404 nothing is at /nothing"),
        ("POST", "/nothing", "404", "404 nothing is at /nothing"),
        ("GET", "/page.html", "200", "page"), ("GET", "/route", "405", "405 Method Not Allowed"),
    ])
    func `the handler for what is not found answers only that`(
        method: String, path: String, status: String, body: String
    ) async throws {
        for layer in ["", "HTTPServer.use(function(_, response, next) response:set_header('X-L', '1') next() end)"] {
            try await serve(Self.lost + layer) { server in
                let response = try await server.response(to: method, path)
                #expect(response.hasPrefix("HTTP/1.1 \(status) "))
                #expect(response.contains("\r\n\r\n\(body)"), "\(response)")
                #expect(response.lowercased().contains("x-l: 1") == !layer.isEmpty)
            }
        }
    }

    @Test func `nil takes a handler back`() async throws {
        try await serve(
            Self.lost + Self.failing + " HTTPServer.set_not_found_handler(nil) HTTPServer.set_error_handler(nil)"
        ) { server in
            let lost = try await server.body("/nothing")
            #expect(lost == "404 Not Found: nothing is at /nothing\n")
            let failed = try await server.body("/bad")
            #expect(failed.contains("the script failed"))
        }
    }

    @Test(arguments: [
        ("HTTPServer.use()", "HTTPServer.use: takes 1 to 2 arguments, got 0"),
        ("HTTPServer.use('/a')", "HTTPServer.use: argument 1 (callback) must be a function, got string"),
        ("HTTPServer.use(7, print)", "HTTPServer.use: argument 1 (path_prefix) must be a string, got number"),
        ("HTTPServer.use('a', print)", "HTTPServer.use: argument 1 (path_prefix) 'a' must begin with '/'"),
        ("HTTPServer.use('/a', 'b')", "HTTPServer.use: argument 2 (callback) must be a function, got string"),
        (
            "HTTPServer.set_error_handler('x')",
            "HTTPServer.set_error_handler: argument 1 (callback) must be a function, got string"
        ),
        (
            "HTTPServer.set_not_found_handler({})",
            "HTTPServer.set_not_found_handler: argument 1 (callback) must be a function, got table"
        ),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        let prints = try await Scripts.prints(of: "print(select(2, pcall(function() \(code) end)))")
        #expect(prints.last?.hasSuffix(message) == true, "\(prints)")
    }
}
