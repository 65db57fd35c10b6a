import TestKit
import Testing

/// `request.cookies` and `response:set_cookie()`.
@Suite(.timeLimit(.minutes(5))) struct CookieTests {
    /// The values of the response's Set-Cookie lines.
    private func cookies(_ code: String) async throws -> [String] {
        let response = try await Snippets.answer(code)
        #expect(response.hasPrefix("HTTP/1.1 200 "), "\(response)")
        let head = response.firstRange(of: "\r\n\r\n").map { response[..<$0.lowerBound] } ?? ""
        return head.split(separator: "\r\n").compactMap { line in
            line.lowercased().hasPrefix("set-cookie: ") ? String(line.dropFirst("Set-Cookie: ".count)) : nil
        }
    }

    // MARK: the request's

    @Test(arguments: [
        (["Cookie: a=1; b=2"], "return request.cookies.a, request.cookies.b, request.cookies.c", "1 2 nil"),
        (["Cookie: a=1; a=2"], "return request.cookies.a, request:get_cookie('a')", "1 1"),
        (["Cookie: a=1", "cookie: b=2"], "return request:get_cookie('a'), request:get_cookie('b')", "1 2"),
        (["Cookie: a="], "return request:has_cookie('a'), request:get_cookie('a', 'x') == ''", "true true"),
        (
            ["Cookie: a; =b; c=d"], "return request:has_cookie('a'), request:has_cookie(''), request.cookies.c",
            "false false d"
        ),
        (["Cookie: a=\"q\"; b=%41"], "return request.cookies.a, request.cookies.b", "\"q\" %41"),
        (["Cookie: A=1"], "return request:has_cookie('A'), request:has_cookie('a')", "true false"),
        ([], "return next(request.cookies), request:has_cookie('a'), request:get_cookie('a') == ''", "nil false true"),
        ([], "return request:get_cookie('a', 'x'), rawequal(request.cookies, request.cookies)", "x true"),
        (["Cookie: e\u{301}=1"], "return request:has_cookie('e\\u{301}'), request:has_cookie('\\u{e9}')", "true false"),
    ])
    func `cookies are looked up as other parameters are`(headers: [String], code: String, result: String) async throws {
        #expect(try await Snippets.run(code, headers: headers) == result)
    }

    // MARK: the response's

    @Test(arguments: [
        ("('a', 'b')", "a=b; Path=/"),
        ("('a', '')", "a=; Path=/"),
        ("('a', 'b', nil)", "a=b; Path=/"),
        ("('a', 'b', {})", "a=b; Path=/"),
        ("('a', 'b', { path = '/x' })", "a=b; Path=/x"),
        ("('a', 'b', { domain = 'example.com' })", "a=b; Path=/; Domain=example.com"),
        ("('a', 'b', { max_age = 60 })", "a=b; Path=/; Max-Age=60"),
        ("('a', 'b', { max_age = 60.0 })", "a=b; Path=/; Max-Age=60"),
        ("('a', '', { max_age = 0 })", "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        ("('a', 'b', { expires = 784111777 })", "a=b; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT"),
        ("('a', 'b', { expires = 784111777.9 })", "a=b; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT"),
        ("('a', 'b', { expires = -0.5 })", "a=b; Path=/; Expires=Wed, 31 Dec 1969 23:59:59 GMT"),
        (
            "('a', 'b', { expires = 'Sun, 06 Nov 1994 08:49:37 GMT' })",
            "a=b; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT"
        ),
        ("('a', 'b', { secure = true, http_only = true })", "a=b; Path=/; Secure; HttpOnly"),
        ("('a', 'b', { secure = false, http_only = false })", "a=b; Path=/"),
        ("('a', 'b', { same_site = 'Lax' })", "a=b; Path=/; SameSite=Lax"),
        ("('a', 'b', { same_site = 'strict' })", "a=b; Path=/; SameSite=Strict"),
        ("('a', 'b', { same_site = 'NONE', secure = true })", "a=b; Path=/; Secure; SameSite=None"),
        ("('__Host-a', 'b', { secure = true })", "__Host-a=b; Path=/; Secure"),
    ])
    func `a cookie is written with its options`(arguments: String, line: String) async throws {
        #expect(try await cookies("response:set_cookie\(arguments)") == [line])
    }

    @Test func `every cookie has a line of its own, in the order of the calls`() async throws {
        let code = """
            response:set_cookie("a", "1"):set_body("x"):set_cookie("b", "2")
            response:set_cookie("a", "3", { path = "/x" })
            """
        #expect(try await cookies(code) == ["a=1; Path=/", "b=2; Path=/", "a=3; Path=/x"])
    }

    @Test func `a stream's head carries the cookies set before`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response:set_cookie("a", "1"):set_cookie("b", "2")
              response:start_sse()
            end)
            """
        ) { server async throws in
            let client = try await server.open()
            #expect(client.text.contains("Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/\r\n"), "\(client.text)")
            try await client.close()
        }
    }

    @Test(arguments: [
        ("set_cookie('a')", "takes 2 to 3 arguments, got 1"),
        ("set_cookie('a', 'b', {}, 1)", "takes 2 to 3 arguments, got 4"),
        ("set_cookie(1, 'b')", "argument 1 (name) must be a string, got number"),
        ("set_cookie('a', 1)", "argument 2 (value) must be a string, got number"),
        ("set_cookie('a', nil)", "argument 2 (value) must be a string, got nil"),
        ("set_cookie('a', 'b', 'c')", "argument 3 (options) must be a table, got string"),
        (
            "set_cookie('', 'b')",
            #"argument 1 (name) must be 1 or more letters, digits or !#$%&'*+-.^_`|~, got """#
        ),
        (
            "set_cookie('a b', 'b')",
            #"argument 1 (name) must be 1 or more letters, digits or !#$%&'*+-.^_`|~, got "a b""#
        ),
        (
            "set_cookie('a', 'b;c')",
            #"argument 2 (value) must be visible ASCII without " , ; \ (encode anything else), got "b;c""#
        ),
        (
            "set_cookie('a', 'b\\r\\nX-Evil: 1')",
            #"argument 2 (value) must be visible ASCII without " , ; \ (encode anything else), got "b\r\nX-Evil: 1""#
        ),
        (
            "set_cookie('a', ('x'):rep(4096))",
            "name and value must be 4096 bytes at most, which is what browsers take, got 4097"
        ),
        ("set_cookie('a', 'b', { maxage = 1 })", "unknown option 'maxage'; did you mean 'max_age'?"),
        ("set_cookie('a', 'b', { httponly = true })", "unknown option 'httponly'; did you mean 'http_only'?"),
        (
            "set_cookie('a', 'b', { colour = 1 })",
            "unknown option 'colour' (known: domain, expires, http_only, max_age, path, same_site, secure)"
        ),
        (
            "set_cookie('a', 'b', { 5 })",
            "unknown option '1' (known: domain, expires, http_only, max_age, path, same_site, secure)"
        ),
        ("set_cookie('a', 'b', { path = 5 })", "option 'path' must be a string, got number 5"),
        (
            "set_cookie('a', 'b', { path = 'x' })",
            #"option 'path' must be '/' and at most 1023 characters of visible ASCII without ';', got "x""#
        ),
        (
            "set_cookie('a', 'b', { path = '/;Secure' })",
            #"option 'path' must be '/' and at most 1023 characters of visible ASCII without ';', got "/;Secure""#
        ),
        ("set_cookie('a', 'b', { domain = {} })", "option 'domain' must be a string, got table"),
        (
            "set_cookie('a', 'b', { domain = '.a' })",
            #"option 'domain' must be a host name without a leading dot, got ".a""#
        ),
        (
            "set_cookie('a', 'b', { max_age = 'x' })",
            "option 'max_age' must be a whole number of seconds, 0 or more, got string x"
        ),
        (
            "set_cookie('a', 'b', { max_age = 0.5 })",
            "option 'max_age' must be a whole number of seconds, 0 or more, got number 0.5"
        ),
        ("set_cookie('a', 'b', { max_age = -1 })", "option 'max_age' must be 0 or more, got -1"),
        (
            "set_cookie('a', 'b', { expires = true })",
            "option 'expires' must be a Unix time in seconds, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT', got boolean true"
        ),
        (
            "set_cookie('a', 'b', { expires = 1/0 })",
            "option 'expires' must be a Unix time in seconds, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT', got number inf"
        ),
        (
            "set_cookie('a', 'b', { expires = 1e15 })",
            "option 'expires' must be a Unix time of the years 1601 to 9999, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT', "
                + "got 1000000000000000"
        ),
        (
            "set_cookie('a', 'b', { expires = 'tomorrow' })",
            "option 'expires' must be a Unix time of the years 1601 to 9999, or a date as 'Sun, 06 Nov 1994 08:49:37 GMT', "
                + #"got "tomorrow""#
        ),
        ("set_cookie('a', 'b', { secure = 1 })", "option 'secure' must be a boolean, got number 1"),
        ("set_cookie('a', 'b', { http_only = 'yes' })", "option 'http_only' must be a boolean, got string yes"),
        (
            "set_cookie('a', 'b', { same_site = 'any' })",
            "option 'same_site' must be 'Strict', 'Lax' or 'None', got string any"
        ),
        (
            "set_cookie('a', 'b', { same_site = true })",
            "option 'same_site' must be 'Strict', 'Lax' or 'None', got boolean true"
        ),
        (
            "set_cookie('a', 'b', { same_site = 'None' })",
            "option 'same_site' = 'None' needs secure = true: browsers drop the cookie otherwise"
        ),
        (
            "set_cookie('__Secure-a', 'b')",
            "a name with the prefix '__Secure-' needs secure = true: browsers drop the cookie otherwise"
        ),
        (
            "set_cookie('__Host-a', 'b', { secure = true, path = '/x' })",
            "a name with the prefix '__Host-' needs secure = true, no domain and the path '/': browsers drop the cookie "
                + "otherwise"
        ),
    ])
    func `misuse says what is wrong and sets nothing`(call: String, message: String) async throws {
        let result = try await Snippets.run("local _ =\n1; response:\(call)")
        #expect(result == "error: snippet.lua:2: HTTPResponse.set_cookie: \(message)")
        #expect(try await cookies("pcall(function() response:\(call) end)") == [])
    }

    @Test(arguments: [
        ("request:get_cookie()", "HTTPRequestContext.get_cookie: takes 1 to 2 arguments, got 0"),
        ("request:get_cookie(1)", "HTTPRequestContext.get_cookie: argument 1 (name) must be a string, got number"),
        (
            "request:get_cookie('a', 1)",
            "HTTPRequestContext.get_cookie: argument 2 (default) must be a string, got number"
        ),
        ("request:has_cookie()", "HTTPRequestContext.has_cookie: takes 1 argument, got 0"),
        ("request.cookies = {}", "HTTPRequestContext.cookies cannot be assigned"),
        ("response.set_cookie('a', 'b')", "use response:set_cookie() (':' not '.')"),
    ])
    func `misuse of a look-up says what is wrong`(code: String, message: String) async throws {
        #expect(try await Snippets.run(code) == "error: snippet.lua:1: \(message)")
    }

    @Test func `a response that is sent takes no cookie`() async throws {
        try await withServer(
            """
            local kept
            HTTPServer.register_route("GET", "/", function(request, response) kept = response end)
            HTTPServer.register_route("GET", "/late", function(request, response)
              local _, first = pcall(kept.set_cookie, kept, "a", "b")
              local _, second = pcall(kept.redirect, kept, "/")
              response.body = first:match("HTTP.*") .. "\\n" .. second:match("HTTP.*")
            end)
            """
        ) { server async throws in
            _ = try await server.body("/")
            #expect(
                try await server.body("/late") == """
                    HTTPResponse.set_cookie: the response is sent already
                    HTTPResponse.redirect: the response is sent already
                    """)
        }
    }
}
