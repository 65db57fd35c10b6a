import TestKit
import Testing

/// Which directory is served, and how scripts say so.
@Suite(.timeLimit(.minutes(5))) struct StaticDirectoryTests {
    private static let files = [
        "public/a.txt": "public", "assets/a.txt": "assets", "assets/sub/b.txt": "b", "assets/.hidden": "no",
        "nested/public/a.txt": "nested",
    ]

    private func withFiles(_ script: String, _ body: (TestServer) async throws -> Void) async throws {
        try await withServer(Self.files.merging(["main.lua": script]) { $1 }, body)
    }

    @Test func `public is served until a script says otherwise`() async throws {
        try await withFiles("print(HTTPServer.get_static_directory(), HTTPServer.is_directory_listing_enabled())") {
            server async throws in
            #expect(server.printed.first == "public\tfalse")
            #expect(try await server.body("/a.txt") == "public")
        }
    }

    @Test func `where there is no public directory, none is served`() async throws {
        try await withServer("print('[' .. HTTPServer.get_static_directory() .. ']')") { server async throws in
            #expect(server.printed.first == "[]")
            #expect(try await server.status(of: "/main.lua") == "404")
        }
    }

    @Test func `another directory is served instead`() async throws {
        let script = """
            HTTPServer.set_static_directory("assets")
            print(HTTPServer.get_static_directory())
            """
        try await withFiles(script) { server async throws in
            #expect(server.printed.first == "assets")
            #expect(try await server.body("/a.txt") == "assets")
            #expect(try await server.body("/sub/b.txt") == "b")
            for path in ["/.hidden", "/../public/a.txt", "/..%2fpublic/a.txt", "/main.lua"] {
                #expect(["400", "404"].contains(try await server.status(of: path)), "\(path)")
            }
        }
    }

    @Test func `the path starts at the script directory, or is absolute`() async throws {
        let elsewhere = try TemporaryDirectory(["a.txt": "elsewhere"])
        for (path, text) in [
            ("nested/public", "nested"), ("./assets/", "assets"), ("nested/../assets", "assets"),
            (elsewhere.path, "elsewhere"),
        ] {
            try await withFiles("HTTPServer.set_static_directory('\(path)')") { server async throws in
                #expect(try await server.body("/a.txt") == text)
            }
        }
    }

    @Test func `an empty path serves none`() async throws {
        let script = "HTTPServer.set_static_directory('') print('[' .. HTTPServer.get_static_directory() .. ']')"
        try await withFiles(script) { server async throws in
            #expect(server.printed.first == "[]")
            #expect(try await server.status(of: "/a.txt") == "404")
        }
    }

    @Test func `a directory that is not there raises and changes nothing`() async throws {
        let script = """
            for _, path in ipairs { "nothing", "main.lua", "assets\\0" } do
              print((pcall(HTTPServer.set_static_directory, path)), HTTPServer.get_static_directory())
            end
            """
        try await withFiles(script) { server async throws in
            #expect(server.printed.prefix(3) == ["false\tpublic", "false\tpublic", "false\tpublic"])
            #expect(try await server.body("/a.txt") == "public")
        }
    }

    @Test(arguments: [1, 2])
    func `it can be changed while the server runs`(_ threads: Int) async throws {
        let script = """
            HTTPServer.register_route("GET", "/use/{name}", function(request, response)
              HTTPServer.set_static_directory(request.path_params.name)
              HTTPServer.enable_directory_listing(request.path_params.name == "assets")
            end)
            """
        let files = Self.files.merging(["main.lua": script]) { $1 }
        try await withServer(files, threads: threads) { server async throws in
            #expect(try await server.status(of: "/sub/") == "404")
            #expect(try await server.status(of: "/use/assets") == "200")
            #expect(try await server.body("/a.txt") == "assets")
            #expect(try await server.body("/sub/").contains("b.txt"))
            #expect(try await server.status(of: "/use/public") == "200")
            #expect(try await server.body("/a.txt") == "public")
            #expect(try await server.status(of: "/") == "404")
        }
    }

    @Test func `directories are listed when a script says so`() async throws {
        let script = """
            HTTPServer.enable_directory_listing(true)
            HTTPServer.set_static_directory("assets")
            print(HTTPServer.is_directory_listing_enabled())
            """
        try await withFiles(script) { server async throws in
            #expect(server.printed.first == "true")
            let page = try await server.response(to: "/")
            #expect(page.contains("Content-Type: text/html; charset=utf-8\r\n"))
            #expect(page.contains("Index of /") && page.contains("\"./a.txt\"") && page.contains("\"./sub/\""))
            #expect(!page.contains("hidden"))
            #expect(try await server.response(to: "/sub").contains("Location: /sub/\r\n"))
            #expect(try await server.status("POST", of: "/sub/") == "405")
        }
    }

    @Test func `routes come first`() async throws {
        let script = """
            HTTPServer.enable_directory_listing(true)
            HTTPServer.register_route("GET", "/", function(request, response) response.body = "route" end)
            """
        try await withFiles(script) { server async throws in
            #expect(try await server.body("/") == "route")
            #expect(try await server.body("/a.txt") == "public")
        }
    }

    @Test(arguments: [(".", true), ("..", true), ("/", true), ("public", false), ("nested", false)])
    func `a directory that holds the scripts is warned of`(_ path: String, _ warns: Bool) async throws {
        try await withFiles("HTTPServer.set_static_directory('\(path)')") { server async throws in
            #expect(
                server.log.lines.contains { $0.hasPrefix("warning the static directory holds the scripts") } == warns)
        }
    }
}
