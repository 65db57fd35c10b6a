import TestKit
import Testing

/// `request:parse_form_data()` and `request:get_form_values()`.
@Suite(.timeLimit(.minutes(5))) struct FormDataTests {
    /// Runs the code of the header X-Code, with the body as the form.
    private static let server = Task {
        try await TestServer.start(
            """
            HTTPServer.register_route("POST", "/", function(request, response)
              local code = "local request, response = ...; " .. request:get_header("X-Code")
              local results = table.pack(pcall(assert(load(code, "=snippet.lua")), request, response))
              local words = {}
              for index = 2, results.n do words[index - 1] = tostring(results[index]) end
              if not results[1] then words[1] = "error: " .. words[1] end
              response.body = table.concat(words, " ")
            end)
            """)
    }

    private static let urlEncoded = "application/x-www-form-urlencoded"
    private static let multipart = "multipart/form-data; boundary=b"

    private func run(_ code: String, type: String?, _ body: String) async throws -> String {
        let headers = ["X-Code: \(code)"] + (type.map { ["Content-Type: \($0)"] } ?? [])
        return try await Self.server.value.body("POST", "/", headers: headers, body: body)
    }

    /// A body of parts, each its headers, an empty line and its value.
    private func body(_ parts: String...) -> String {
        parts.map { "--b\r\nContent-Disposition: form-data; \($0)\r\n" }.joined() + "--b--\r\n"
    }

    @Test(arguments: [
        ("a=1&b=x+y%21", "local f = request:parse_form_data() return f.a, f.b, f.c", "1 x y! nil"),
        ("a=1&a=2", "return request:parse_form_data().a", "1"),
        ("a&b=", "local f = request:parse_form_data() return f.a == '', f.b == ''", "true true"),
        ("", "return type(request:parse_form_data()), next(request:parse_form_data())", "table nil"),
        ("1=x&%5B%5D=y", "local f = request:parse_form_data() return f['1'], f['[]'], f[1]", "x y nil"),
        ("a=%00%ff", "return request:parse_form_data().a:byte(1, -1)", "0 239 191 189"),
        ("=1", "return request:parse_form_data()['']", "1"),
        ("e%CC%81=1&%C3%A9=2", "local f = request:parse_form_data() return f['e\\u{301}'], f['\\u{e9}']", "1 2"),
    ])
    func `a urlencoded form is a table of first values`(form: String, code: String, result: String) async throws {
        #expect(try await run(code, type: Self.urlEncoded, form) == result)
    }

    @Test func `a multipart form is a table of values and files`() async throws {
        let form = body(
            "name=\"title\"\r\n\r\nGrüße\r\n",
            "name=\"photo\"; filename=\"a b.png\"\r\nContent-Type: image/png\r\n\r\n\0\r\nx",
            "name=\"title\"\r\n\r\nsecond")
        let code = """
            local f = request:parse_form_data() \
            local n = 0 for _ in pairs(f) do n = n + 1 end \
            local p = f.photo local m = 0 for _ in pairs(p) do m = m + 1 end \
            return n, f.title == "Gr\\u{fc}\\u{df}e\\r\\n", m, p.name, p.filename, p.content_type, p.data == "\\0\\r\\nx"
            """
        #expect(try await run(code, type: Self.multipart, form) == "2 true 4 photo a b.png image/png true")
    }

    @Test func `a file that was not chosen has no name and no data`() async throws {
        let form = body("name=f; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n")
        let code = "local f = request:parse_form_data().f return f.filename == '', f.data == '', f.content_type"
        #expect(try await run(code, type: Self.multipart, form) == "true true application/octet-stream")
    }

    @Test func `a file's name has no path and its type is text/plain by default`() async throws {
        let form = body("name=f; filename=\"../../etc/passwd\"\r\n\r\nx")
        let code = "local f = request:parse_form_data().f return f.filename, f.content_type"
        #expect(try await run(code, type: Self.multipart, form) == "passwd text/plain")
    }

    @Test func `bytes of a multipart form stay as they are`() async throws {
        let server = try await Self.server.value
        let client = try await server.connect()
        let form =
            Array("--b\r\nContent-Disposition: form-data; name=\"".utf8) + [0xFF] + Array("\"\r\n\r\n".utf8)
            + Array(UInt8.min ... .max) + Array("\r\n--b--".utf8)
        let code = """
            local name, value = next(request:parse_form_data()) \
            for i = 0, 255 do assert(value:byte(i + 1) == i) end return #value, name:byte(1, -1)
            """
        let head =
            "POST / HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: \(Self.multipart)\r\n"
            + "X-Code: \(code)\r\nContent-Length: \(form.count)\r\n\r\n"
        try await client.send(bytes: Array(head.utf8) + form)
        #expect(try await client.waitForEnd().hasSuffix("\r\n\r\n256 255"))
        try await client.close()
    }

    @Test func `get_form_values gives all values of a name, or the table`() async throws {
        let code = """
            return table.concat(request:get_form_values("a"), ","), #request:get_form_values("none"), \
            request:get_form_values().a, request:get_form_values(nil).b
            """
        #expect(try await run(code, type: Self.urlEncoded, "a=1&b=2&a=3&a=") == "1,3, 0 1 2")
        let form = body(
            "name=a\r\n\r\n1", "name=b\r\n\r\n2", "name=a; filename=x\r\n\r\n3", "name=a; filename=y\r\n\r\n4")
        let files = "local v = request:get_form_values('a') return #v, v[1], v[2].filename, v[3].data"
        #expect(try await run(files, type: Self.multipart, form) == "3 1 x 4")
    }

    @Test func `each call gives a table of its own`() async throws {
        let code = """
            local f = request:parse_form_data() f.a = nil \
            return rawequal(f, request:parse_form_data()), request:parse_form_data().a
            """
        #expect(try await run(code, type: Self.urlEncoded, "a=1") == "false 1")
    }

    @Test(
        arguments: [
            (nil, "a=1", "the request has no Content-Type"),
            (
                "application/json", "{}",
                "the Content-Type is 'application/json', neither 'application/x-www-form-urlencoded' nor 'multipart/form-data'"
            ),
            ("multipart/form-data", "", "the Content-Type 'multipart/form-data' has no boundary"),
            (multipart, "", "the body does not hold the boundary that its Content-Type names"),
            (multipart, "--b\r\n", "the body is cut: its last boundary is missing"),
            (multipart, "--b\r\n\r\n\r\n--b--", "part 1: it has no Content-Disposition"),
            (multipart, "--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--", "part 1: it has no name"),
            (
                multipart,
                "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed\r\n\r\n\r\n--b--",
                "part 1: it is a multipart itself; each file must be a part of its own (RFC 7578, 4.3)"
            ),
        ] as [(String?, String, String)])
    func `another body gives nil and what is wrong with it`(type: String?, body: String, message: String) async throws {
        for call in ["parse_form_data()", "get_form_values('a')", "get_form_values()"] {
            #expect(try await run("return request:\(call)", type: type, body) == "nil form: \(message)")
        }
    }

    @Test(arguments: [
        ("request:parse_form_data(1)", "HTTPRequestContext.parse_form_data: takes 0 arguments, got 1"),
        ("request:get_form_values('a', 'b')", "HTTPRequestContext.get_form_values: takes 0 to 1 arguments, got 2"),
        (
            "request:get_form_values({})",
            "HTTPRequestContext.get_form_values: argument 1 (name) must be a string, got table"
        ),
        ("request.parse_form_data()", "use request:parse_form_data() (':' not '.')"),
        ("request.parse_form_data = 5", "HTTPRequestContext.parse_form_data cannot be assigned"),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        #expect(try await run(code, type: Self.urlEncoded, "a=1") == "error: snippet.lua:1: \(message)")
    }

    @Test func `a form may be read after a wait`() async throws {
        let code = "sleep(0) return request:parse_form_data().a"
        #expect(try await run(code, type: Self.urlEncoded, "a=1") == "1")
    }
}
