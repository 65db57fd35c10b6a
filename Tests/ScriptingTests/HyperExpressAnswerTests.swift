import NIOCore
import TestKit
import Testing

/// The calls of HyperExpress that end a response, and those that read a request's body.
@Suite(.timeLimit(.minutes(5))) struct HyperExpressAnswerTests {
    @Test func `send answers at once, and once, while the handler goes on`() async throws {
        let clock = ManualClock()
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              print(response:send("now"))
              print(response:send("again"), response:send(), response:json(1), pcall(response.set_body, response, "x"))
              sleep(1)
              print("after")
            end)
            """, clock: clock
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/")
            try await client.wait(for: "\r\n\r\nnow")
            _ = await server.log.wait(for: "false")
            clock.advance(by: .seconds(1))
            _ = await server.log.wait(for: "after")
            let over = "HTTPResponse.set_body: the response is sent already"
            #expect(
                server.printed.filter { !$0.hasPrefix("listening") } == [
                    "true", "false\tfalse\tfalse\tfalse\tmain.lua:3: \(over)", "after",
                ])
            try await client.request("GET", "/")  // the connection lives on
            try await client.wait(for: "nowHTTP/1.1 200 OK")
            try await client.close()
        }
    }

    @Test(arguments: [true, false])
    func `send answers what was held, and tells whether somebody is there`(stays: Bool) async throws {
        try await withServer(
            """
            local held
            HTTPServer.register_route("GET", "/hold", function(request, response)
              held = response:hold()
              response:once("abort", function() print("aborted") end)
              print("held")
            end)
            HTTPServer.register_route("GET", "/send", function(request, response)
              response:send(tostring(held:send("late")))
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/hold")
            _ = await server.log.wait(for: "held")
            if !stays {
                try await client.reset()
                _ = await server.log.wait(for: "aborted")
            }
            let sent = try await server.body("/send")
            #expect(sent == "\(stays)")
            if stays {
                try await client.wait(for: "\r\n\r\nlate")
                try await client.close()
            }
        }
    }

    @Test(arguments: [
        ("response:send('x')", "text/plain; charset=utf-8", "x"),
        ("response:set_content_type('a/b'):send('x')", "a/b", "x"),
        ("response:json{ 1, 2 }", "application/json", "[1,2]"), ("response:json(nil)", "application/json", "null"),
        ("response:html('<b>é</b>')", "text/html; charset=utf-8", "<b>é</b>"),
        ("response:file('page.html')", "text/html; charset=utf-8", "<p>file"),
        ("response:status(201):header('X-A', '1'):header('X-A', '2'):send('y')", "text/plain; charset=utf-8", "y"),
    ])
    func `an answer has its type and its body`(code: String, type: String, body: String) async throws {
        let files = [
            "main.lua": """
            HTTPServer.register_route("GET", "/", function(request, response)
              \(code)
            end)
            """, "page.html": "<p>file",
        ]
        try await withServer(files) { server in
            let response = try await server.response(to: "/")
            #expect(response.lowercased().contains("\r\ncontent-type: \(type)\r\n"))
            #expect(response.hasSuffix("\r\n\r\n\(body)"))
            if code.contains("201") {
                #expect(response.hasPrefix("HTTP/1.1 201 "))
                #expect(response.contains("X-A: 1\r\nX-A: 2\r\n"))
            }
        }
    }

    @Test(arguments: [
        ("{\"a\":[1]}", "request:json().a[1]", "1"), ("nonsense", "next(request:json())", "nil"),
        ("nonsense", "request:json('none')", "none"), ("nonsense", "request:json(false)", "false"),
        ("null", "request:json() == JSON.null", "true"), ("false", "request:json('x')", "false"),
        ("some\u{0}thing", "#request:text()", "10"),
    ])
    func `a request's body is read by HyperExpress' names`(body: String, code: String, result: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("POST", "/", function(request, response) response:send(tostring(\(code))) end)
            """
        ) { server in
            let answer = try await server.body("POST", "/", body: body)
            #expect(answer == result)
        }
    }

    @Test func `a form is read by urlencoded`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("POST", "/", function(request, response)
              local form, message = request:urlencoded()
              response:send(form and form.name or message)
            end)
            """
        ) { server in
            let type = "Content-Type: application/x-www-form-urlencoded"
            let name = try await server.body("POST", "/", headers: [type], body: "name=Ann+B&x=1")
            #expect(name == "Ann B")
            let refused = try await server.body("POST", "/", body: "name=Ann")
            #expect(refused.hasPrefix("form: "), "\(refused)")
        }
    }

    @Test(arguments: [
        ("response:once('closed', print)", "HTTPResponse.once: there is no event 'closed'; did you mean 'close'?"),
        ("response:on(5, print)", "HTTPResponse.on: argument 1 (event) must be a string, got number"),
        ("response:on('close')", "HTTPResponse.on: argument 2 (callback) must be a function, got nil"),
        ("response.send('x')", "use response:send() (':' not '.')"),
        ("response.once('close', print)", "use response:once() (':' not '.')"),
        ("response:send({})", "HTTPResponse.set_body: argument 1 (body) must be a string, got table"),
        ("response:status('x')", "HTTPResponse.set_status: argument 1 (status) must be an integer, got string"),
        ("response:header('x')", "HTTPResponse.add_header: argument 2 (value) must be a string, got nil"),
        ("request.json()", "use request:json() (':' not '.')"),
    ])
    func `misuse says what is wrong, at the script's line`(code: String, message: String) async throws {
        #expect(try await Snippets.run("local _ =\n1; \(code)") == "error: snippet.lua:2: \(message)")
    }
}
