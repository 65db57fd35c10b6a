import Scripting
import TestKit
import Testing

/// What scripts say of pages of other origins, and what those get.
@Suite(.timeLimit(.minutes(5))) struct CORSSettingTests {
    @Test func `any origin may read at first`() async throws {
        let prints = try await Scripts.prints(
            of: """
                print(HTTPServer.is_cors_enabled(), HTTPServer.get_cors_origin(), HTTPServer.get_cors_credentials())
                print(table.concat(HTTPServer.get_cors_origins(), " "))
                """)
        #expect(prints == ["true\t*\tfalse", "*"])
    }

    @Test(arguments: [".", ":"]) func `what is set is told`(call: String) async throws {
        let script = """
            local function show()
              print(HTTPServer.is_cors_enabled(), HTTPServer.get_cors_credentials(), HTTPServer.get_cors_origin(),
                table.concat(HTTPServer.get_cors_origins(), " "))
            end
            print(HTTPServer.set_cors_enabled(false)) show()
            HTTPServer.set_cors_enabled(true) HTTPServer.set_cors_credentials(true) show()
            HTTPServer.set_cors_origin("https://a.example") show()
            HTTPServer.set_cors_origins { "https://b.example", "http://localhost:3000", "null" } show()
            HTTPServer.set_cors_origins {} show()
            HTTPServer.set_cors_origins { "*" } show()
            HTTPServer.set_cors_origin("*") HTTPServer.set_cors_credentials(false) show()
            """
        let prints = try await Scripts.prints(of: script.replacing("HTTPServer.", with: "HTTPServer\(call)"))
        #expect(
            prints == [
                "", "false\tfalse\t*\t*", "true\ttrue\t*\t*", "true\ttrue\thttps://a.example\thttps://a.example",
                "true\ttrue\thttps://b.example\thttps://b.example http://localhost:3000 null", "true\ttrue\t\t",
                "true\ttrue\t*\t*", "true\tfalse\t*\t*",
            ])
    }

    private static let form =
        "an origin such as 'https://example.com' (in lower case, without a path or the scheme's own port)"

    @Test(arguments: [
        ("set_cors_enabled()", "takes 1 argument, got 0"),
        ("set_cors_enabled(1)", "argument 1 (enabled) must be a boolean, got number"),
        ("set_cors_enabled(true, 1)", "takes 1 argument, got 2"),
        ("is_cors_enabled(1)", "takes 0 arguments, got 1"),
        ("set_cors_credentials('yes')", "argument 1 (allowed) must be a boolean, got string"),
        ("get_cors_credentials(1)", "takes 0 arguments, got 1"),
        ("set_cors_origin()", "takes 1 argument, got 0"),
        ("set_cors_origin({})", "argument 1 (origin) must be a string, got table"),
        ("set_cors_origin('')", "argument 1 (origin) must be '*' or \(form), got ''"),
        ("set_cors_origin('example.com')", "argument 1 (origin) must be '*' or \(form), got 'example.com'"),
        (
            "set_cors_origin('https://a.example/')",
            "argument 1 (origin) must be '*' or \(form), got 'https://a.example/'"
        ),
        ("get_cors_origin(1)", "takes 0 arguments, got 1"),
        ("set_cors_origins('*')", "argument 1 (origins) must be a table, got string"),
        ("set_cors_origins({ 5 })", "argument 1 (origins) must be a list of strings"),
        ("set_cors_origins({ a = 'https://a.example' })", "argument 1 (origins) must be a list of strings"),
        ("set_cors_origins({ nil, 'https://a.example' })", "argument 1 (origins) must be a list of strings"),
        (
            "set_cors_origins({ 'https://a.example', 'https://A.example' })",
            "argument 1 (origins) must be a list of origins, each \(form), got 'https://A.example'"
        ),
        ("set_cors_origins({ 'https://a.example', '*' })", "argument 1 (origins) must not name others besides '*'"),
        ("set_cors_origins()", "takes 1 argument, got 0"),
        ("get_cors_origins(1)", "takes 0 arguments, got 1"),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        let name = code.prefix { $0 != "(" }
        let report = try await Scripts.failure("HTTPServer.\(code)")
        #expect(report.message == "main.lua:1: HTTPServer.\(name): \(message)")
    }

    @Test(arguments: [
        ("{ 'a.example' }", "must be a list of origins, each \(form), got 'a.example'"),
        ("{ 'https://a.example/' }", "must be a list of origins, each \(form), got 'https://a.example/'"),
        ("{ '*', 'https://a.example' }", "must not name others besides '*'"),
        ("{ a = 'https://a.example' }", "must be a list of strings, got table"),
    ])
    func `an origin that no browser sends is no origin for a stream either`(list: String, message: String) async throws
    {
        let result = try await Snippets.run("response:start_sse { allowed_origins = \(list) }")
        #expect(result == "error: snippet.lua:1: HTTPResponse.start_sse: option 'allowed_origins' \(message)")
    }

    @Test func `a refused setting changes nothing`() async throws {
        let prints = try await Scripts.prints(
            of: """
                HTTPServer.set_cors_origin("https://a.example")
                print((pcall(HTTPServer.set_cors_origin, "nonsense")), (pcall(HTTPServer.set_cors_origins, { "nonsense" })))
                print(HTTPServer.get_cors_origin())
                """)
        #expect(prints == ["false\tfalse", "https://a.example"])
    }

    // MARK: what pages get

    private static let script = """
        HTTPServer.register_route("GET", "/own", function(request, response)
          response:set_header("Access-Control-Allow-Origin", "https://own.example"):set_header("X-Own", "1")
        end)
        HTTPServer.register_route("GET", "/plain", function() end)
        HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
        HTTPServer.register_route("GET", "/listed", function(request, response)
          response:start_sse { allowed_origins = { "https://a.example" }, headers = { ["X-Own"] = "1" } }
        end)
        HTTPServer.register_route("GET", "/starred", function(request, response)
          response:start_sse { allowed_origins = { "*" } }
        end)
        HTTPServer.register_route("GET", "/ownlisted", function(request, response)
          response:set_header("Access-Control-Allow-Origin", "https://own.example")
          response:start_sse { allowed_origins = { "https://a.example" } }
        end)
        """

    /// The header lines about origins, sorted.
    private func lines(_ head: String) -> [String] {
        head.split(separator: "\r\n").map(String.init).filter { line in
            ["access-control-", "vary:"].contains { line.lowercased().hasPrefix($0) }
        }.sorted()
    }

    private func head(_ server: TestServer, _ path: String, _ headers: [String], _ method: String = "GET") async throws
        -> String
    {
        let client = try await server.connect()
        try await client.request(method, path, headers: headers)
        let text = try await client.wait(for: "\r\n\r\n")
        try await client.close()
        return String(text[..<text.firstRange(of: "\r\n\r\n")!.lowerBound])
    }

    private static let a = "Origin: https://a.example"
    private static let b = "Origin: https://b.example"
    private static let star = "Access-Control-Allow-Origin: *"
    private static let named = "Access-Control-Allow-Origin: https://a.example"
    private static let own = "Access-Control-Allow-Origin: https://own.example"
    private static let credentials = "Access-Control-Allow-Credentials: true"
    private static let exposed = "Access-Control-Expose-Headers: X-Own"
    private static let vary = "Vary: Origin"

    @Test(arguments: [
        ("", "/plain", [b], "200", [star]), ("", "/events", [], "200", [star]), ("", "/events", [b], "200", [star]),
        ("", "/own", [a], "200", [own, exposed]),
        // A stream's own list goes before a `*` of the server, and before its list.
        ("", "/listed", [a], "200", [named, exposed, vary]), ("", "/listed", [], "200", [star, exposed, vary]),
        ("", "/listed", [b], "403", [star, vary]), ("", "/starred", [b], "200", [star]),
        ("", "/ownlisted", [a], "200", [own]),
        ("HTTPServer.set_cors_credentials(true)", "/listed", [a], "200", [credentials, named, exposed, vary]),
        ("HTTPServer.set_cors_credentials(true)", "/events", [a], "200", [star]),
        ("HTTPServer.set_cors_origins{'https://b.example'}", "/listed", [a], "200", [named, exposed, vary]),
        (
            "HTTPServer.set_cors_origins{'https://b.example'}", "/listed", [b], "403",
            ["Access-Control-Allow-Origin: https://b.example", vary]
        ),
        ("HTTPServer.set_cors_origins{'https://b.example'}", "/listed", [], "200", [vary]),
        ("HTTPServer.set_cors_origins{'https://a.example'}", "/events", [a], "200", [named, vary]),
        ("HTTPServer.set_cors_origins{'https://a.example'}", "/events", [b], "200", [vary]),
        ("HTTPServer.set_cors_origin('https://a.example')", "/events", [b], "200", [named]),
        ("HTTPServer.set_cors_origin('https://a.example')", "/own", [b], "200", [own, exposed]),
        ("HTTPServer.set_cors_enabled(false)", "/listed", [a], "200", []),
        ("HTTPServer.set_cors_enabled(false)", "/listed", [b], "403", []),
        ("HTTPServer.set_cors_enabled(false)", "/own", [a], "200", [own]),
        ("", "/listed", [a, "Last-Event-ID: mooncast.end"], "204", [named, vary]),
        ("", "/events", [a, "Last-Event-ID: mooncast.end"], "204", [star]),
    ])
    func `a page gets what the script has said`(
        settings: String, path: String, headers: [String], status: String, wanted: [String]
    ) async throws {
        try await withServer(settings + "\n" + Self.script) { server in
            let get = try await head(server, path, headers)
            #expect(get.hasPrefix("HTTP/1.1 \(status) "))
            #expect(lines(get) == wanted)
            let head = try await head(server, path, headers, "HEAD")
            #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            #expect(lines(head) == wanted)
        }
    }

    @Test func `a setting that a handler changes holds for its own answer`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function() HTTPServer.set_cors_origins { "https://a.example" } end)
            """
        ) { server in
            let first = try await head(server, "/", [Self.a])
            #expect(lines(first) == [Self.named, Self.vary])
        }
    }
}
