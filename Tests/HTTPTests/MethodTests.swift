import TestKit
import Testing

/// Line 12 of the promises.
@Suite(.timeLimit(.minutes(5))) struct MethodTests {
    private static let script = """
        HTTPServer.register_route("GET", "/page", function(request, response)
            response:set_header("X-Method", request.method)
            response:set_content_type("text/html; charset=utf-8")
            response.body = "<h1>page</h1>"
        end)
        HTTPServer.register_route("POST", "/page", function(request, response) response.body = "posted" end)
        HTTPServer.register_route("GET", "/status/{code}", function(request, response)
            response.status_code = math.tointeger(tonumber(request.path_params.code))
        end)
        HTTPServer.register_route("OPTIONS", "/own", function(request, response) response.body = "own" end)
        HTTPServer.register_route("GET", "/host", function(request, response)
            response.body = request:get_header("Host") .. "," .. tostring(request.headers.host)
        end)
        HTTPServer.register_route("GET", "/{name}/{rest...}", function(request, response)
            response.body = request.path_params.name .. "|" .. request.path_params.rest
        end)
        """
    private static let server = Task { try await sharedServer(script) }

    private func response(_ method: String, _ path: String) async throws -> ReceivedResponse {
        let client = try await Self.server.value.connect()
        try await client.request(method, path, headers: ["Connection: close"])
        let response = try await client.lastResponse(isHead: method == "HEAD")
        try await client.close()
        return response
    }

    @Test(arguments: ["/page", "/nothing", "/status/200", "/status/500", "/a/b", "/%zz"])
    func `HEAD has the headers of the GET and no body`(_ path: String) async throws {
        let get = try await response("GET", path)
        let head = try await response("HEAD", path)
        #expect(head.statusLine == get.statusLine)
        #expect(
            head.fieldLines.filter { !$0.hasPrefix("X-Method") } == get.fieldLines.filter { !$0.hasPrefix("X-Method") })
        #expect(head["Content-Length"] == String(get.body.count))
        #expect(head["Date"]?.hasSuffix(" GMT") == true)
    }

    @Test(arguments: ["/nothing", "/Page", "/", "/page%2F", "/pag%65x"])
    func `a path that nobody knows is answered by 404`(_ path: String) async throws {
        let response = try await response("GET", path)
        #expect(response.status == 404)
        #expect(response["Content-Type"] == "text/plain; charset=utf-8")
        #expect(response.text.hasPrefix("404 Not Found: nothing is at "))
    }

    @Test(arguments: ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
    func `a known path with another method is answered by 405 and the methods that it has`(_ method: String)
        async throws
    {
        let response = try await response(method, "/page")
        #expect(response.status == 405)
        #expect(response["Allow"] == "GET, HEAD, POST")
        #expect(response.text.contains("GET, HEAD, POST"))
    }

    @Test func `OPTIONS for a path lists the methods that it has, and knows no other path`() async throws {
        let page = try await response("OPTIONS", "/page")
        #expect(page.status == 204)
        #expect(page["Allow"] == "GET, HEAD, POST, OPTIONS")
        #expect(page["Content-Length"] == nil)
        #expect(try await response("OPTIONS", "/nothing").status == 404)
    }

    @Test func `OPTIONS for the whole server lists what it can`() async throws {
        let response = try await response("OPTIONS", "*")
        #expect(response.status == 204)
        #expect(response["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
        #expect(response["Content-Length"] == nil)
    }

    @Test func `an OPTIONS route answers for itself`() async throws {
        #expect(try await response("OPTIONS", "/own").text == "own")
    }

    /// RFC 9112, 6.3: of these only 205 needs to say that nothing follows, or a client would wait for it.
    @Test(arguments: [(204, nil), (304, nil), (205, "0"), (200, "0"), (404, "0")] as [(Int, String?)])
    func `a status without a body leaves the connection in order`(_ status: Int, _ length: String?) async throws {
        let client = try await Self.server.value.connect()
        for _ in 0..<2 {
            try await client.request("GET", "/status/\(status)")
            let response = try await client.response()
            #expect(response.status == status)
            #expect(response["Content-Length"] == length)
        }
        try await client.close()
    }

    @Test func `a script sees the Host`() async throws {
        #expect(try await response("GET", "/host").text == "test,test")
    }

    @Test(arguments: [
        ("/a/b", "a|b"), ("/a/", "a|"), ("/a%2Fb/c", "a/b|c"), ("/%C3%BC/x%20y", "ü|x y"), ("/a/b/c?d=e", "a|b/c"),
    ])
    func `parameters reach the script decoded`(_ path: String, _ text: String) async throws {
        #expect(try await response("GET", path).text == text)
    }
}
