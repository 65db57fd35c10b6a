import Scripting
import TestKit
import Testing

/// Who is called with a dot, who with a colon, and what is the same either way.
@Suite(.timeLimit(.minutes(5))) struct CallingStyleTests {
    @Test(arguments: [
        "HTTPServer?get_port()", "HTTPServer?is_listening()", "HTTPServer?send_sse_event(1, 'a', 'b')",
        "HTTPServer?send_sse_data(1, 'a')", "HTTPServer?send_sse_retry(1, 5)", "HTTPServer?send_sse_comment(1)",
        "HTTPServer?close_sse_connection(1)", "#HTTPServer?get_active_sse_connections()",
        "HTTPServer?get_sse_connection(1)", "HTTPServer?broadcast('a', 'b')", "HTTPServer?broadcast{ data = 'b' }",
        "#HTTPServer?get_routes()", "HTTPServer?has_signal('server_started')", "#HTTPServer?get_signal_list()",
        "HTTPServer?is_connected('server_started', print)", "HTTPServer?emit_signal('server_started', 1)",
        "HTTPServer.server_started?get_name()", "HTTPServer.server_started?has_connections()",
        "HTTPServer.server_started?is_connected(print)", "#HTTPServer.server_started?get_connections()",
        "HTTPServer?set_static_directory('')", "HTTPServer?get_static_directory()",
        "HTTPServer?enable_directory_listing(true)", "HTTPServer?is_directory_listing_enabled()",
        "Signal.new('own')?get_name()", "Engine?create_timer(1):is_stopped()",
        "Registry?set('key', 5)", "Registry?get('nothing', 7)", "Registry?has('nothing')", "Registry?remove('nothing')",
        "JSON?encode({ 1, 2 })", "JSON?decode('[1]')[1]", "#UUID?v4()", "Time?now() > 1e9", "Time?monotonic() >= 0",
        "Env?get('NO_SUCH_NAME', 'fallback')", "Log?info('hello')", "Log?debug('hello', { a = 1 })",
    ])
    func `a singleton or signal takes either`(call: String) async throws {
        let dot = call.replacing("?", with: ".")
        let colon = call.replacing("?", with: ":")
        let prints = try await Scripts.prints(of: "local a = (\(dot)) local b = (\(colon)) print(a) print(b)")
        let last = prints.suffix(2)
        #expect(prints.count >= 2 && last.first == last.last, "\(prints)")
    }

    @Test func `connecting by dot and by colon is the same connection`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local signal = Signal.new("s")
                local function count(n) print("got", n) end
                print(signal.connect(count), signal:is_connected(count), signal.is_connected(count))
                signal.emit(1)
                signal:emit(2)
                signal.disconnect(count)
                print(signal:is_connected(count))
                """)
        #expect(prints == ["0\ttrue\ttrue", "got\t1", "got\t2", "false"])
    }

    @Test func `the methods of singletons and signals are made once`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local signal = Signal.new("s")
                print(HTTPServer.listen == HTTPServer.listen, signal.emit == signal.emit)
                print(HTTPServer.server_started == HTTPServer.server_started)
                print(rawequal(Signal.new("a").emit, Signal.new("a").emit))
                """)
        #expect(prints == ["true\ttrue", "true", "false"])
    }

    @Test(arguments: [
        ("OK", 0), ("FAILED", 1), ("ERR_UNAVAILABLE", 2), ("ERR_UNCONFIGURED", 3), ("ERR_UNAUTHORIZED", 4),
        ("ERR_PARAMETER_RANGE_ERROR", 5), ("ERR_OUT_OF_MEMORY", 6), ("ERR_FILE_NOT_FOUND", 7),
        ("ERR_FILE_NO_PERMISSION", 10), ("ERR_CANT_OPEN", 19), ("ERR_CANT_CREATE", 20), ("ERR_ALREADY_IN_USE", 22),
        ("ERR_TIMEOUT", 24), ("ERR_CANT_CONNECT", 25), ("ERR_CONNECTION_ERROR", 27), ("ERR_INVALID_DATA", 30),
        ("ERR_INVALID_PARAMETER", 31), ("ERR_ALREADY_EXISTS", 32), ("ERR_DOES_NOT_EXIST", 33), ("ERR_PARSE_ERROR", 43),
        ("ERR_BUSY", 44),
    ])
    func `an error constant has Godot's number and its own name`(name: String, number: Int) async throws {
        let prints = try await Scripts.prints(of: "print(\(name), math.type(\(name)), error_string(\(number)))")
        #expect(prints == ["\(number)\tinteger\t\(name)"])
    }

    @Test func `flags are globals`() async throws {
        let prints = try await Scripts.prints(
            of: "print(CONNECT_DEFERRED, CONNECT_ONE_SHOT, CONNECT_REFERENCE_COUNTED)")
        #expect(prints == ["1\t4\t8"])
    }

    @Test(arguments: [
        "set_status(201)", "set_body('x')", "set_json({})", "set_file('x')", "add_header('a', 'b')",
        "set_header('a', 'b')",
        "remove_header('a')", "set_content_type('text/html')",
    ])
    func `a setter of the response returns the response`(call: String) async throws {
        #expect(try await Snippets.run("return rawequal(response:\(call), response)") == "true")
    }

    @Test func `setters chain`() async throws {
        let response = try await Snippets.answer(
            "response:set_status(201):set_header('X-A', 'b'):set_content_type('text/x'):set_body('hello')")
        #expect(response.hasPrefix("HTTP/1.1 201 Created\r\n"))
        #expect(response.lowercased().contains("\r\nx-a: b\r\n"))
        #expect(response.lowercased().contains("\r\ncontent-type: text/x\r\n"))
        #expect(response.hasSuffix("\r\n\r\nhello"))
    }

    @Test(arguments: ["method", "path", "raw_path", "client_ip", "client_port", "client_id", "body", "last_event_id"])
    func `a property of the request has a getter`(name: String) async throws {
        let code = "return request.\(name) ~= nil and request.\(name) == request:get_\(name)()"
        #expect(try await Snippets.run(code) == "true")
    }

    @Test func `a property of the response has a getter and a setter`() async throws {
        #expect(try await Snippets.run("response.status_code = 202 return response:get_status()") == "202")
        #expect(try await Snippets.run("response:set_status(203) return response.status_code") == "203")
        #expect(try await Snippets.run("response.body = 'a' return response:get_body()") == "a")
        #expect(try await Snippets.run("response:set_body('b') return response.body") == "b")
        let headers = "response:add_header('X-A', 'b') return response:get_headers()['x-a'], response.headers['x-a']"
        #expect(try await Snippets.run(headers) == "b b")
    }

    @Test func `a connection that was made by hand can be filled in`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local c = SSEConnection.new()
                print(c.connection_id, c.path == "", c.active, c:is_connection_active())
                c.connection_id = 7
                c.path = "/x"
                print(c:get_connection_id(), c:get_path())
                c:set_connection_id(8)
                c:set_path("/y")
                print(c.connection_id, c.path)
                print(c:send_event("a", "b"), c:send_data("b"), c:send("b"), c:comment(), c:retry(5), c:close(), c:finish())
                """)
        #expect(
            prints == [
                "0\ttrue\tfalse\tfalse", "7\t/x", "8\t/y", "3\t3\tfalse\tfalse\tfalse\tfalse\tfalse",
            ])
    }
}
