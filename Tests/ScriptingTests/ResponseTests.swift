import TestKit
import Testing

/// What a handler can answer.
@Suite(.timeLimit(.minutes(5))) struct ResponseTests {
    /// Whether the head has the line, whatever its case.
    private func has(_ line: String, _ response: String) -> Bool {
        let head = response.firstRange(of: "\r\n\r\n").map { response[..<$0.lowerBound] } ?? ""
        return head.split(separator: "\r\n").contains { $0.lowercased() == line.lowercased() }
    }

    @Test func `without a word the answer is 200 and empty`() async throws {
        let response = try await Snippets.answer("")
        #expect(response.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(has("Content-Length: 0", response))
        #expect(response.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [200, 201, 202, 299, 301, 302, 307, 400, 404, 409, 418, 422, 429, 499, 500, 503, 599])
    func `a status from 200 to 599 goes out with the body`(status: Int) async throws {
        let response = try await Snippets.answer("response.status_code = \(status) response.body = 'x'")
        #expect(response.hasPrefix("HTTP/1.1 \(status) "))
        #expect(has("Content-Length: 1", response))
        #expect(response.hasSuffix("\r\n\r\nx"))
    }

    @Test(arguments: [204, 205, 304])
    func `a status that has no body gets none`(status: Int) async throws {
        let response = try await Snippets.answer("response:set_body('x'):set_status(\(status))")
        #expect(response.hasPrefix("HTTP/1.1 \(status) "))
        #expect(response.hasSuffix("\r\n\r\n"))
    }

    @Test(arguments: [-1, 0, 99, 100, 101, 199, 600, 1000])
    func `another status is refused`(status: Int) async throws {
        let result = try await Snippets.run("response.status_code = \(status)")
        let message = "HTTPResponse.status_code: argument 1 (status) must be 200 to 599, got \(status)"
        #expect(result == "error: snippet.lua:1: \(message)")
    }

    @Test func `a body may hold any bytes`() async throws {
        let response = try await Snippets.answer("response.body = 'a\\0\\r\\n\\r\\nb'")
        #expect(has("Content-Length: 7", response))
        #expect(response.hasSuffix("\r\n\r\na\0\r\n\r\nb"))
    }

    @Test(arguments: [
        ("{ a = 1 }", #"{"a":1}"#), ("{ 1, 2 }", "[1,2]"), ("'x'", #""x""#), ("5", "5"), ("1.5", "1.5"),
        ("true", "true"),
        ("nil", "null"), ("JSON.null", "null"), ("JSON.array{}", "[]"), ("{}", "{}"),
    ])
    func `set_json takes any value`(value: String, body: String) async throws {
        let response = try await Snippets.answer("response:set_json(\(value))")
        #expect(has("Content-Type: application/json", response))
        #expect(response.hasSuffix("\r\n\r\n\(body)"))
    }

    @Test func `the last of body and JSON wins`() async throws {
        let json = try await Snippets.answer("response:set_body('x'):set_json(1)")
        #expect(json.hasSuffix("\r\n\r\n1"))
        let text = try await Snippets.answer("response:set_json(1):set_body('x')")
        #expect(text.hasSuffix("\r\n\r\nx"))
    }

    @Test func `a content type of the script's own stays`() async throws {
        for code in [
            "response:set_content_type('a/b'):set_body('x')",
            "response:set_body('x'):set_header('Content-type', 'a/b')",
        ] {
            let response = try await Snippets.answer(code)
            #expect(has("Content-Type: a/b", response))
            #expect(response.lowercased().matches(of: /\r\ncontent-type:/).count == 1)
        }
    }

    @Test func `a body of type text/event-stream is an ordinary response`() async throws {
        let response = try await Snippets.answer(
            "response:set_content_type('text/event-stream'):set_body('data: x\\n\\n')")
        #expect(has("Content-Length: 9", response))
        #expect(response.hasSuffix("\r\n\r\ndata: x\n\n"))
        let code = "response:set_content_type('text/event-stream') return response:is_sse_response()"
        #expect(try await Snippets.run(code) == "false")
    }

    @Test func `headers can be added, set and removed`() async throws {
        let response = try await Snippets.answer(
            """
            response:add_header("X-A", "1"):add_header("x-a", "2"):add_header("Set-Cookie", "a=b"):add_header("Set-Cookie", "c=d")
            response:add_header("X-B", "1"):set_header("x-b", "2")
            response:set_header("X-C", "1"):remove_header("x-c"):remove_header("X-Never")
            """)
        for line in ["X-A: 1", "x-a: 2", "Set-Cookie: a=b", "Set-Cookie: c=d", "X-B: 2"] {
            #expect(has(line, response))
        }
        for line in ["X-B: 1", "X-C: 1"] { #expect(!has(line, response)) }
    }

    @Test func `the headers table shows what is set, in lower case`() async throws {
        let code = "response:add_header('X-A', '1'):add_header('X-A', '2') return response.headers['x-a']"
        #expect(try await Snippets.run(code) == "1, 2")
    }

    @Test(arguments: [
        #"X-A\r\nX-Evil"#, #"X-A\n"#, #"X-A\r"#, #"X-A\0"#, "", "X A", "X:A", "X-É", #"\rX-A"#,
    ])
    func `a name that could forge a header is refused`(name: String) async throws {
        for call in ["add_header(name, 'v')", "set_header(name, 'v')", "remove_header(name)"] {
            let result = try await Snippets.run("local name = \"\(name)\"; response:\(call)")
            #expect(result.hasPrefix("error: snippet.lua:1: HTTPResponse."), "\(result)")
            #expect(result.contains("is not a header name"), "\(result)")
        }
    }

    @Test(arguments: [#"a\r\nX-Evil: 1"#, #"a\nb"#, #"a\rb"#, #"a\0b"#, #"\n"#, #"a\127"#])
    func `a value that could forge a header is refused`(value: String) async throws {
        for call in ["add_header('X-A', value)", "set_header('X-A', value)", "set_content_type(value)"] {
            let result = try await Snippets.run("local value = \"\(value)\"; response:\(call)")
            #expect(result.hasPrefix("error: snippet.lua:1: HTTPResponse."), "\(result)")
            #expect(result.contains("must not hold CR, LF, NUL"), "\(result)")
        }
    }

    @Test func `what was refused does not reach the wire`() async throws {
        let response = try await Snippets.answer(
            """
            for _, bad in ipairs { "a\\r\\nX-Evil: 1", "a\\nX-Evil: 1", "a\\0" } do
              assert(not pcall(response.set_header, response, "X-A", bad))
              assert(not pcall(response.add_header, response, bad, "x"))
              assert(not pcall(response.set_content_type, response, bad))
            end
            response.body = "fine"
            """)
        #expect(response.hasSuffix("\r\n\r\nfine"))
        #expect(!response.lowercased().contains("x-evil") && !response.lowercased().contains("x-a:"))
    }

    @Test(arguments: ["Content-Length", "transfer-encoding", "Connection"])
    func `headers that frame a message belong to the server`(name: String) async throws {
        let result = try await Snippets.run("response:set_header('\(name)', '5')")
        #expect(result == "error: snippet.lua:1: HTTPResponse.set_header: the header '\(name)' is set by the server")
    }

    @Test func `assigning into the headers table is not silently lost`() async throws {
        let response = try await Snippets.answer(
            "local ok = pcall(function() response.headers['X-A'] = '1' end) response.body = tostring(ok)")
        #expect(has("X-A: 1", response) || response.hasSuffix("\r\n\r\nfalse"))
    }

    @Test func `an answer may come later, and others are served meanwhile`() async throws {
        try await withServer(
            """
            local go = Signal.new("go")
            HTTPServer.register_route("GET", "/slow", function(request, response)
              print("waiting")
              response.body = await(go)
            end)
            HTTPServer.register_route("GET", "/go", function(request, response)
              go:emit("from the other")
              response.body = "went"
            end)
            """
        ) { server async throws in
            let slow = try await server.connect()
            try await slow.request("GET", "/slow")
            _ = await server.log.wait(for: "waiting")
            #expect(slow.text == "")
            #expect(try await server.body("/go") == "went")
            try await slow.wait(for: "\r\n\r\nfrom the other")
        }
    }

    @Test func `a response that is sent cannot be changed`() async throws {
        try await withServer(
            """
            local kept
            HTTPServer.register_route("GET", "/", function(request, response) kept = response end)
            HTTPServer.register_route("GET", "/late", function(request, response)
              local words = {}
              for _, change in ipairs {
                function() kept.status_code = 201 end, function() kept.body = "x" end, function() kept:set_json(1) end,
                function() kept:add_header("a", "b") end, function() kept:start_sse() end,
              } do
                local ok, message = pcall(change)
                words[#words + 1] = tostring(ok) .. " " .. tostring(message):gsub("^.-: ", "")
              end
              response.body = table.concat(words, "\\n")
            end)
            """
        ) { server async throws in
            let empty = try await server.body("/")
            #expect(empty == "")
            #expect(
                try await server.body("/late") == """
                    false HTTPResponse.status_code: the response is sent already
                    false HTTPResponse.body: the response is sent already
                    false HTTPResponse.set_json: the response is sent already
                    false HTTPResponse.add_header: the response is sent already
                    false HTTPResponse.start_sse: the response was started already
                    """)
        }
    }
}
