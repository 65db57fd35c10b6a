import TestKit
import Testing

/// What a handler sees of its request.
@Suite(.timeLimit(.minutes(5))) struct RequestTests {
    @Test func `the fields say what came`() async throws {
        let code = """
            return request.method, request.path, request.raw_path, request.client_ip, request.client_port > 0,
              math.type(request.client_id), request.path_params.name, request.scheme, request.http_version
            """
        let result = try await Snippets.run(code, query: "?a=%20b&c")
        #expect(
            result == "POST /run/snippet /run/snippet?a=%20b&c 127.0.0.1 true integer snippet \(TestServer.scheme) 1.1")
    }

    @Test func `every request has its own client_id`() async throws {
        let ids = [
            try await Snippets.run("return request.client_id"), try await Snippets.run("return request.client_id"),
        ]
        #expect(ids[0] != ids[1])
    }

    @Test(arguments: [
        ("?a=1&b=2", "get_query_param('a') request:get_query_param('b')", "1 2"),
        ("?a=1&a=2", "get_query_param('a') request.query_params.a", "1 1"),
        ("?a=x+y%2B%26%3D", "get_query_param('a')", "x y+&="),
        ("?caf%C3%A9=%C3%A9", "get_query_param('café')", "é"),
        ("?a", "has_query_param('a') request:get_query_param('a', 'default') == ''", "true true"),
        ("?a=", "has_query_param('a') request:get_query_param('a', 'default') == ''", "true true"),
        ("?a=b=c", "get_query_param('a')", "b=c"),
        (
            "", "has_query_param('a') request:get_query_param('a') == '' request:get_query_param('a', 'x')",
            "false true x"
        ),
        ("?A=1", "has_query_param('a') request:has_query_param('A')", "false true"),
        ("?a=1&&b=2&", "get_query_param('b')", "2"),
        ("?a=100%", "get_query_param('a')", "100%"),
        ("?a=%zz", "get_query_param('a')", "%zz"),
        ("?a=%00", "get_query_param('a'):byte()", "0"),
        ("?a=1;b=2", "get_query_param('a')", "1;b=2"),
    ])
    func `query parameters are decoded`(query: String, calls: String, result: String) async throws {
        let code = "return request:" + calls.replacing(" request", with: ", request")
        #expect(try await Snippets.run(code, query: query) == result)
    }

    @Test func `get_query_params gives all values of a name, or the table`() async throws {
        let result = try await Snippets.run(
            """
            return table.concat(request:get_query_params("a"), ","), #request:get_query_params("none"),
              request:get_query_params().a, request:get_query_params().b, request:get_query_params().none
            """, query: "?a=1&b=2&a=3&a=")
        #expect(result == "1,3, 0 1 2 nil")
    }

    @Test func `path parameters can be looked up`() async throws {
        let result = try await Snippets.run(
            """
            return request:get_path_param("name"), request:has_path_param("name"), request:has_path_param("id"),
              request:get_path_param("id", "none"), request:get_path_param("id") == ""
            """)
        #expect(result == "snippet true false none true")
    }

    @Test func `headers are found whatever the case`() async throws {
        let result = try await Snippets.run(
            """
            return request:get_header("X-THING"), request:get_header("x-thing"), request:has_header("X-Thing"),
              request.headers["X-Thing"], request.headers["x-thing"], request.headers.HOST,
              request:has_header("X-None"), request:get_header("X-None") == "", request:get_header("X-None", "d"),
              request.headers["X-None"], request.headers[5]
            """, headers: ["X-Thing: Value"])
        #expect(result == "Value Value true Value Value test false true d nil nil")
    }

    @Test func `the keys of the header table are lower case`() async throws {
        let result = try await Snippets.run(
            """
            local names = {}
            for name, value in pairs(request.headers) do names[#names + 1] = name .. "=" .. value end
            table.sort(names)
            return table.concat(names, " ")
            """, headers: ["X-B: 1", "x-a: 2"])
        #expect(result.hasSuffix("host=test x-a=2 x-b=1"), "\(result)")
    }

    @Test func `a repeated header is joined`() async throws {
        let code = "return request:get_header('x-a') .. '|' .. request.headers['x-a']"
        #expect(try await Snippets.run(code, headers: ["X-A: 1", "X-B: z", "x-a: 2, 3"]) == "1, 2, 3|1, 2, 3")
    }

    @Test(arguments: ["", "a name\n", "é", "a:b"])
    func `a name that no header can have is not there`(name: String) async throws {
        let quoted = name.replacing("\n", with: "\\n")
        #expect(
            try await Snippets.run("return request:has_header('\(quoted)'), request:get_header('\(quoted)', 'd')")
                == "false d")
    }

    @Test func `the tables of a request are the same each time`() async throws {
        let code = """
            return rawequal(request.headers, request.headers), rawequal(request.query_params, request.query_params),
              rawequal(request.path_params, request.path_params)
            """
        #expect(try await Snippets.run(code) == "true true true")
    }

    @Test func `the body is bytes`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("POST", "/", function(request, response)
              response.body = table.concat({ request.body:byte(1, -1) }, " ")
            end)
            """
        ) { server async throws in
            for (body, bytes) in [("\0é\r\n", "0 195 169 13 10"), ("", ""), (nil, "")] {
                let answer = try await server.body("POST", "/", body: body)
                #expect(answer == bytes)
            }
        }
    }

    @Test(arguments: [
        (#"{"a":[1,2.5,"x",true]}"#, "table 2.5"), ("5", "number"), ("1.5", "number"), (#""text""#, "string"),
        ("true", "boolean"), ("false", "boolean"), ("[]", "table"), ("null", "null"), ("", "nil JSON: "),
        ("{", "nil JSON: "), ("{} x", "nil JSON: "), ("nul", "nil JSON: "),
    ])
    func `a JSON body is any value, or nil and a message`(body: String, result: String) async throws {
        let response = try await Self.jsonServer.value.body("POST", "/", body: body)
        #expect(response.hasPrefix(result), "\(response)")
        if !result.hasPrefix("nil") { #expect(response == result) }
    }

    private static let jsonServer = Task {
        try await TestServer.start(
            """
            HTTPServer.register_route("POST", "/", function(request, response)
              local value, message = request:parse_json_body()
              local words = { value == JSON.null and "null" or type(value) }
              if type(value) == "table" and value.a then words[2] = tostring(value.a[2]) end
              if value == nil then words[2] = message end
              response.body = table.concat(words, " ")
            end)
            """)
    }

    @Test(arguments: [
        (["Last-Event-ID: h"], "?lastEventId=q", "h"), (["last-event-id: h"], "", "h"), ([], "?lastEventId=q", "q"),
        ([], "?lastEventId=a%20b", "a b"), ([], "", ""), ([], "?lasteventid=q", ""), ([], "?lastEventId=", ""),
    ])
    func `the last event id is the header's, else the query's, else empty`(
        headers: [String], query: String, id: String
    ) async throws {
        let code = "return '<' .. request.last_event_id .. '>'"
        #expect(try await Snippets.run(code, query: query, headers: headers) == "<\(id)>")
    }
}
