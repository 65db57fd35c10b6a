import TestKit
import Testing

/// Which route a request takes, and what it gets of the path.
@Suite(.timeLimit(.minutes(5))) struct RouteTests {
    /// Each route answers with its pattern and its parameters.
    private static let server = Task {
        try await TestServer.start(
            """
            local function reply(name)
              return function(request, response)
                local words = {}
                for key, value in pairs(request.path_params) do words[#words + 1] = key .. "=" .. value end
                table.sort(words)
                response.body = name .. " " .. table.concat(words, " ")
              end
            end
            for _, route in ipairs {
              "GET /", "GET /users/{id}", "GET /users/me", "GET /users/{id}/posts/{post}", "GET /files/{path...}",
              "GET /files/{path...}", "GET /files/{name}", "GET /a/{x}", "GET /{y}/b", "GET /first/{one}",
              "GET /first/{two}", "POST /users/{id}", "* /any", "PUT /m", "DELETE /m", "PATCH /m", "OPTIONS /m",
              "HEAD /head", "GET /caf%C3%A9", "GET /slash/",
            } do
              local method, path = route:match("(%S+) (%S+)")
              HTTPServer.register_route(method, path, reply(route))
            end
            HTTPServer.register_route("get", "/lower", reply("GET /lower"))
            HTTPServer.register_route("GET", "/both", reply("GET /both"))
            HTTPServer.register_route("HEAD", "/both", function(request, response) response:set_header("X-Own", "yes") end)
            """)
    }

    @Test(arguments: [
        ("GET", "/", "GET / "), ("GET", "/?a=b", "GET / "),
        ("GET", "/users/7", "GET /users/{id} id=7"), ("GET", "/users/me", "GET /users/me "),
        ("GET", "/users/me%20too", "GET /users/{id} id=me too"), ("GET", "/users/a%2Fb", "GET /users/{id} id=a/b"),
        ("GET", "/users/%C3%A9", "GET /users/{id} id=é"), ("GET", "/users/a+b", "GET /users/{id} id=a+b"),
        ("GET", "/users/7/posts/9", "GET /users/{id}/posts/{post} id=7 post=9"),
        ("GET", "/files/a/b%20c.txt", "GET /files/{path...} path=a/b c.txt"),
        ("GET", "/files/a", "GET /files/{name} name=a"),
        ("GET", "/a/b", "GET /a/{x} x=b"), ("GET", "/c/b", "GET /{y}/b y=c"),
        ("GET", "/first/1", "GET /first/{one} one=1"),
        ("POST", "/users/7", "POST /users/{id} id=7"),
        ("GET", "/any", "* /any "), ("POST", "/any", "* /any "), ("DELETE", "/any", "* /any "),
        ("PUT", "/m", "PUT /m "), ("DELETE", "/m", "DELETE /m "), ("PATCH", "/m", "PATCH /m "),
        ("OPTIONS", "/m", "OPTIONS /m "),
        ("GET", "/lower", "GET /lower "), ("GET", "/slash/", "GET /slash/ "),
    ])
    func `a request takes the route that fits best`(method: String, path: String, body: String) async throws {
        #expect(try await Self.server.value.body(method, path) == body)
    }

    @Test(arguments: ["/nothing/at/all", "/users", "/users/7/posts", "/USERS/7", "/lower/"])
    func `a path without a route is not found`(path: String) async throws {
        let response = try await Self.server.value.response(to: path)
        #expect(response.hasPrefix("HTTP/1.1 404 Not Found\r\n"))
    }

    @Test(arguments: [("POST", "/", "GET"), ("DELETE", "/users/7", "POST"), ("GET", "/m", "PATCH")])
    func `a known path with another method is not allowed`(method: String, path: String, allowed: String) async throws {
        let response = try await Self.server.value.response(to: method, path)
        #expect(response.hasPrefix("HTTP/1.1 405 Method Not Allowed\r\n"))
        let allow = response.split(separator: "\r\n").first { $0.lowercased().hasPrefix("allow:") }
        #expect(allow?.contains(allowed) == true, "\(response)")
    }

    @Test func `a GET route answers HEAD, without the body`() async throws {
        let response = try await Self.server.value.response(to: "HEAD", "/users/7")
        #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(response.lowercased().contains("\r\ncontent-length: 20\r\n"))
        #expect(response.hasSuffix("\r\n\r\n"))
    }

    @Test func `a HEAD route comes before the GET route`() async throws {
        let response = try await Self.server.value.response(to: "HEAD", "/both")
        #expect(response.lowercased().contains("\r\nx-own: yes\r\n"))
        #expect(try await Self.server.value.body("/both") == "GET /both ")
        #expect(try await Self.server.value.status("HEAD", of: "/head") == "200")
    }

    @Test func `routes can be added, taken away and cleared while the server runs`() async throws {
        try await withServer(
            """
            local function say(text) return function(request, response) response.body = text end end
            HTTPServer.register_route("GET", "/a", say "a")
            HTTPServer.register_route("GET", "/a", say "second a")
            HTTPServer.register_route("POST", "/do/{what}", function(request, response)
              local what = request.path_params.what
              if what == "unregister" then HTTPServer.unregister_route("GET", "/a") end
              if what == "lower" then HTTPServer.unregister_route("get", "/a") end
              if what == "nothing" then HTTPServer.unregister_route("GET", "/nothing") end
              if what == "add" then HTTPServer.register_route("GET", "/b", say "b") end
              if what == "clear" then HTTPServer.clear_routes() end
              response.body = tostring(#HTTPServer.get_routes())
            end)
            """
        ) { server async throws in
            let first = try await server.body("/a")
            #expect(first == "a")
            #expect(try await server.body("POST", "/do/nothing") == "3")
            #expect(try await server.body("POST", "/do/unregister") == "2")
            #expect(try await server.body("/a") == "second a")
            #expect(try await server.body("POST", "/do/lower") == "1")
            #expect(try await server.status(of: "/a") == "404")
            #expect(try await server.body("POST", "/do/add") == "2")
            #expect(try await server.body("/b") == "b")
            #expect(try await server.body("POST", "/do/clear") == "0")
            for path in ["/b", "/do/x"] { #expect(try await server.status(of: path) == "404") }
        }
    }

    @Test func `get_routes tells method, path and where the function is`() async throws {
        let scripts = try await Scripts.load([
            "a.lua": """
            local function named() end
            HTTPServer.register_route("GET", "/a/{x}", named)
            HTTPServer.register_route("post", "/b", function()
            end)
            """,
            "b.lua": """
            HTTPServer.register_route("*", "/c/{rest...}", require("lib.m").handler)
            HTTPServer.register_route("GET", "/d", print)
            for _, route in ipairs(HTTPServer.get_routes()) do
              print(route.method, route.path, route.source, math.type(route.line), route.line)
            end
            """,
            "lib/m.lua": "local m = {}\nfunction m.handler() end\nreturn m",
        ])
        #expect(
            scripts.printed.prefix(3) == [
                "GET\t/a/{x}\ta.lua\tinteger\t1", "POST\t/b\ta.lua\tinteger\t3",
                "*\t/c/{rest...}\tlib/m.lua\tinteger\t2",
            ])
        #expect(scripts.printed.last?.hasPrefix("GET\t/d\t") == true)
    }

    @Test func `a request under way keeps its handler when routes are cleared`() async throws {
        try await withServer(
            """
            local go = Signal.new("go")
            HTTPServer.register_route("GET", "/slow", function(request, response)
              print("waiting")
              await(go)
              response.body = "done"
            end)
            HTTPServer.register_route("GET", "/clear", function(request, response)
              HTTPServer.clear_routes()
              go:emit()
            end)
            """
        ) { server async throws in
            let slow = try await server.connect()
            try await slow.request("GET", "/slow")
            _ = await server.log.wait(for: "waiting")
            _ = try await server.response(to: "/clear")
            try await slow.wait(for: "\r\n\r\ndone")
        }
    }
}
