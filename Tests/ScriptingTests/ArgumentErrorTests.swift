import Scripting
import TestKit
import Testing

/// Misuse raises an error that names the place, the function, the argument, what it must be and what it is.
@Suite(.timeLimit(.minutes(5))) struct ArgumentErrorTests {
    @Test(arguments: [
        (
            "HTTPServer.send_sse_event('one', 'a', 'b')",
            "HTTPServer.send_sse_event: argument 1 (connection_id) must be an integer, got string"
        ),
        (
            "HTTPServer.send_sse_event(1.5, 'a', 'b')",
            "HTTPServer.send_sse_event: argument 1 (connection_id) must be an integer, got number"
        ),
        (
            "HTTPServer.send_sse_event(1, {}, 'b')",
            "HTTPServer.send_sse_event: argument 2 (event) must be a string, got table"
        ),
        ("HTTPServer.send_sse_event(1, 'a')", "HTTPServer.send_sse_event: takes 3 to 4 arguments, got 2"),
        (
            "HTTPServer.send_sse_event(1, 'a', 'b', 'c', 'd')",
            "HTTPServer.send_sse_event: takes 3 to 4 arguments, got 5"
        ),
        ("HTTPServer:send_sse_event(1, 'a')", "HTTPServer.send_sse_event: takes 3 to 4 arguments, got 2"),
        (
            "HTTPServer.send_sse_event(1, 'a', 'b', 7)",
            "HTTPServer.send_sse_event: argument 4 (event_id) must be a string, got number"
        ),
        (
            "HTTPServer.send_sse_data(1, print)",
            "HTTPServer.send_sse_data: argument 2 (data) must be a string, or a table, number or boolean, got function"
        ),
        (
            "HTTPServer.send_sse_data(1, nil)",
            "HTTPServer.send_sse_data: argument 2 (data) must be a string, or a table, number or boolean, got nil"
        ),
        (
            "HTTPServer.send_sse_retry(1, 'soon')",
            "HTTPServer.send_sse_retry: argument 2 (retry_ms) must be an integer, got string"
        ),
        (
            "HTTPServer.send_sse_comment(1, {})",
            "HTTPServer.send_sse_comment: argument 2 (comment) must be a string, got table"
        ),
        ("HTTPServer.close_sse_connection()", "HTTPServer.close_sse_connection: takes 1 argument, got 0"),
        (
            "HTTPServer.get_sse_connection({})",
            "HTTPServer.get_sse_connection: argument 1 (connection_id) must be an integer, got table"
        ),
        ("HTTPServer.get_active_sse_connections(1)", "HTTPServer.get_active_sse_connections: takes 0 arguments, got 1"),
        ("HTTPServer.broadcast()", "HTTPServer.broadcast: takes 1 to 2 arguments, got 0"),
        ("HTTPServer.broadcast('news')", "HTTPServer.broadcast: argument 1 (event) must be a table, got string"),
        ("HTTPServer.broadcast{ typ = 'news' }", "HTTPServer.broadcast: unknown field 'typ' of the event"),
        ("HTTPServer.listen('8080')", "HTTPServer.listen: argument 1 (port) must be an integer, got string"),
        ("HTTPServer.listen(70000)", "HTTPServer.listen: argument 1 (port) must be 0 to 65535, got 70000"),
        ("HTTPServer.register_route('GET', '/')", "HTTPServer.register_route: takes 3 arguments, got 2"),
        (
            "HTTPServer.register_route('GET', '/', 'x')",
            "HTTPServer.register_route: argument 3 (callback) must be a function, got string"
        ),
        (
            "HTTPServer.register_route('FETCH', '/', print)",
            "HTTPServer.register_route: argument 1 (method) must be GET"
        ),
        ("HTTPServer.register_route('GET', 'events', print)", "HTTPServer.register_route: argument 2 (path) 'events' "),
        (
            "HTTPServer.register_route('GET', '/{a}/{a}', print)",
            "HTTPServer.register_route: argument 2 (path) '/{a}/{a}' "
        ),
        (
            "HTTPServer.register_route('GET', '/{a...}/b', print)",
            "HTTPServer.register_route: argument 2 (path) '/{a...}/b' "
        ),
        ("HTTPServer.register_route('GET', '/{}', print)", "HTTPServer.register_route: argument 2 (path) '/{}' "),
        (
            "HTTPServer.set_static_directory(5)",
            "HTTPServer.set_static_directory: argument 1 (path) must be a string, got number"
        ),
        ("HTTPServer.set_static_directory()", "HTTPServer.set_static_directory: takes 1 argument, got 0"),
        ("HTTPServer.set_static_directory('a', 'b')", "HTTPServer.set_static_directory: takes 1 argument, got 2"),
        (
            "HTTPServer.set_static_directory('nothing')",
            "HTTPServer.set_static_directory: argument 1 (path) must be a directory or '', got 'nothing'"
        ),
        (
            "HTTPServer.set_static_directory('main.lua')",
            "HTTPServer.set_static_directory: argument 1 (path) must be a directory or '', got 'main.lua'"
        ),
        ("HTTPServer.get_static_directory(1)", "HTTPServer.get_static_directory: takes 0 arguments, got 1"),
        (
            "HTTPServer.enable_directory_listing('yes')",
            "HTTPServer.enable_directory_listing: argument 1 (enabled) must be a boolean, got string"
        ),
        ("HTTPServer.enable_directory_listing()", "HTTPServer.enable_directory_listing: takes 1 argument, got 0"),
        (
            "HTTPServer.enable_directory_listing(nil)",
            "HTTPServer.enable_directory_listing: argument 1 (enabled) must be a boolean, got nil"
        ),
        (
            "HTTPServer.is_directory_listing_enabled(1)",
            "HTTPServer.is_directory_listing_enabled: takes 0 arguments, got 1"
        ),
        (
            "HTTPServer.connect('server_started', 5)",
            "Signal.connect: argument 1 (callback) must be a function, got number"
        ),
        ("HTTPServer.server_started.connect()", "Signal.connect: argument 1 (callback) must be a function, got nil"),
        (
            "HTTPServer.server_started.connect(print, 'x')",
            "Signal.connect: argument 2 (flags) must be an integer, got string"
        ),
        ("HTTPServer.connect(5, print)", "connect: argument 1 (signal) must be a string, got number"),
        ("Signal.new(5)", "Signal.new: argument 1 (name) must be a string, got number"),
        ("Timer.new(5)", "Timer.new: argument 1 (options) must be a table, got number"),
        (
            "Timer.new{ wait_time = 'x' }",
            "Timer.new: argument 1 (wait_time) must be a number of seconds above 0, got string"
        ),
        (
            "Timer.new{ wait_time = 0 }",
            "Timer.new: argument 1 (wait_time) must be a number of seconds above 0, got number"
        ),
        ("Timer.new{ one_shot = 1 }", "Timer.new: argument 1 (one_shot) must be a boolean, got number"),
        ("Timer.new():start('x')", "Timer.start: argument 1 (time) must be a number of seconds above 0, got string"),
        (
            "Timer.new().wait_time = -1",
            "Timer.wait_time: argument 1 (wait_time) must be a number of seconds above 0, got number"
        ),
        (
            "Engine.create_timer('x')",
            "Engine.create_timer: argument 1 (seconds) must be a number of seconds above 0, got string"
        ),
        (
            "Engine.ticks_per_second = 'x'",
            "Engine.ticks_per_second: argument 1 (ticks_per_second) must be a number, got string"
        ),
        (
            "Engine.ticks_per_second = -1",
            "Engine.ticks_per_second: argument 1 (ticks_per_second) must be 0 to 1000, got -1"
        ),
        ("sleep('x')", "sleep: argument 1 (seconds) must be a number, got string"),
        ("sleep()", "sleep: takes 1 argument, got 0"),
        ("sleep(-1)", "sleep: argument 1 (seconds) must be 0 or more, got -1"),
        ("sleep(0/0)", "sleep: argument 1 (seconds) must be 0 or more, got"),
        ("await(5)", "await: argument 1 (signal) must be a Signal or a timer, got number"),
        ("await(HTTPServer)", "await: argument 1 (signal) must be a Signal or a timer, got HTTPServer"),
        ("await(Signal.new('x'), 'long')", "await: argument 2 (timeout) must be a number of seconds, got string"),
        ("await(Signal.new('x'), -1)", "await: argument 2 (timeout) must be a number of seconds, got number"),
        ("await(Signal.new('x'), 0/0)", "await: argument 2 (timeout) must be a number of seconds, got number"),
        ("spawn('x')", "spawn: argument 1 (function) must be a function, got string"),
        ("require(5)", "require: argument 1 (name) must be a string, got number"),
        ("error_string('x')", "error_string: argument 1 (error) must be an integer, got string"),
        ("JSON.decode(5)", "JSON.decode: argument 1 (text) must be a string, got number"),
        ("JSON.encode()", "JSON.encode: takes 1 to 2 arguments, got 0"),
        ("JSON.array('x')", "JSON.array: argument 1 (table) must be a table, got string"),
        ("Registry.set('x')", "Registry.set: takes 2 arguments, got 1"),
        ("Registry.get(5)", "Registry.get: argument 1 (key) must be a string, got number"),
        ("Env.get()", "Env.get: takes 1 to 2 arguments, got 0"),
        ("UUID.v4(1)", "UUID.v4: takes 0 arguments, got 1"),
        ("Log.info({})", "Log.info: argument 1 (message) must be a string, got table"),
        ("Log.info('x', 5)", "Log.info: argument 2 (fields) must be a table, got number"),
    ])
    func `a misused global function says what is wrong with which argument`(code: String, message: String) async throws
    {
        let report = try await Scripts.failure("local line = 'one'\n\(code)\n")
        #expect(report.message.hasPrefix("main.lua:2: \(message)"), "\(report.message)")
        #expect(report.text == "\(report.message)\n  2 | \(code)")
    }

    @Test(arguments: [
        ("request:get_header()", "HTTPRequestContext.get_header: takes 1 to 2 arguments, got 0"),
        ("request:get_header(5)", "HTTPRequestContext.get_header: argument 1 (name) must be a string, got number"),
        (
            "request:get_header('x', 5)",
            "HTTPRequestContext.get_header: argument 2 (default) must be a string, got number"
        ),
        ("request:has_query_param()", "HTTPRequestContext.has_query_param: takes 1 argument, got 0"),
        ("request:parse_json_body(1)", "HTTPRequestContext.parse_json_body: takes 0 arguments, got 1"),
        ("response.status_code = 'x'", "HTTPResponse.status_code: argument 1 (status) must be an integer, got string"),
        ("response:set_status(nil)", "HTTPResponse.set_status: argument 1 (status) must be an integer, got nil"),
        ("response.body = {}", "HTTPResponse.body: argument 1 (body) must be a string, got table"),
        ("response:set_body()", "HTTPResponse.set_body: takes 1 argument, got 0"),
        ("response:set_json()", "HTTPResponse.set_json: takes 1 argument, got 0"),
        ("response:set_json(print)", "HTTPResponse.set_json: a function has no form in JSON"),
        ("response:set_file()", "HTTPResponse.set_file: takes 1 argument, got 0"),
        ("response:set_file('a', 'b')", "HTTPResponse.set_file: takes 1 argument, got 2"),
        ("response:set_file(nil)", "HTTPResponse.set_file: argument 1 (path) must be a string, got nil"),
        ("response:set_file(5)", "HTTPResponse.set_file: argument 1 (path) must be a string, got number"),
        ("response:set_file('a\\0b')", "HTTPResponse.set_file: argument 1 (path) must not hold NUL"),
        ("response:set_header('x')", "HTTPResponse.set_header: takes 2 arguments, got 1"),
        ("response:set_header('x', 5)", "HTTPResponse.set_header: argument 2 (value) must be a string, got number"),
        ("response:start_sse(5)", "HTTPResponse.start_sse: argument 1 (options) must be a table, got number"),
        (
            "response:start_sse{ retry = 'x' }",
            "HTTPResponse.start_sse: option 'retry' must be an integer of milliseconds, 0 or more, got string x"
        ),
        (
            "response:start_sse{ retry = -1 }",
            "HTTPResponse.start_sse: option 'retry' must be an integer of milliseconds, 0 or more, got number -1"
        ),
        (
            "response:start_sse{ ping_duration = -1 }",
            "HTTPResponse.start_sse: option 'ping_duration' must be a number of seconds, 0 or more, got number -1"
        ),
        (
            "response:start_sse{ ping_duration = 0/0 }",
            "HTTPResponse.start_sse: option 'ping_duration' must be a number of seconds, 0 or more, got number"
        ),
        (
            "response:start_sse{ max_buffered_bytes = 0 }",
            "HTTPResponse.start_sse: option 'max_buffered_bytes' must be an integer of bytes above 0, got number 0"
        ),
        (
            "response:start_sse{ allowed_origins = 'x' }",
            "HTTPResponse.start_sse: option 'allowed_origins' must be a list of strings, got string x"
        ),
        (
            "response:start_sse{ allowed_origins = { 5 } }",
            "HTTPResponse.start_sse: option 'allowed_origins' must be a list of strings, got table"
        ),
        (
            "response:start_sse{ headers = 'x' }",
            "HTTPResponse.start_sse: option 'headers' must be a table of names and values, got string x"
        ),
        ("response:start_sse{ on_slow = 'explode' }", "HTTPResponse.start_sse: option 'on_slow' must be 'disconnect'"),
        ("SSEConnection.new():send()", "SSEConnection.send: takes 1 to 3 arguments, got 0"),
        ("SSEConnection.new():send(1, 2, 3, 4)", "SSEConnection.send: takes 1 to 3 arguments, got 4"),
        (
            "SSEConnection.new():send(nil)",
            "SSEConnection.send: argument 1 (data) must be a string, or a table, number or boolean, got nil"
        ),
        (
            "SSEConnection.new():send{ data = print }",
            "SSEConnection.send: field 'data' of the event must be a string, or a table, number or boolean, got function"
        ),
        (
            "SSEConnection.new():send{ type = 5, data = '' }",
            "SSEConnection.send: field 'type' of the event must be a string, got number"
        ),
        (
            "SSEConnection.new():send{ retry = 'x' }",
            "SSEConnection.send: field 'retry' of the event must be an integer, got string"
        ),
        ("SSEConnection.new():send_event('a')", "SSEConnection.send_event: takes 2 to 3 arguments, got 1"),
        ("SSEConnection.new():retry('x')", "SSEConnection.retry: argument 1 (retry_ms) must be an integer, got string"),
    ])
    func `a misused method says what is wrong with which argument`(code: String, message: String) async throws {
        let result = try await Snippets.run("local _ =\n1; \(code)")
        #expect(result.hasPrefix("error: snippet.lua:2: \(message)"), "\(result)")
    }

    @Test(arguments: [
        ("request.get_header('x')", "use request:get_header() (':' not '.')"),
        ("response.start_sse()", "use response:start_sse() (':' not '.')"),
        ("response.set_file('x')", "use response:set_file() (':' not '.')"),
        ("response.set_status(200)", "use response:set_status() (':' not '.')"),
        ("SSEConnection.new().send('x')", "use connection:send() (':' not '.')"),
        ("SSEConnection.new().connect('disconnected', print)", "use connection:connect() (':' not '.')"),
        ("Timer.new().start()", "use timer:start() (':' not '.')"),
        ("Timer.new().connect('timeout', print)", "use timer:connect() (':' not '.')"),
        ("response.set_status(request, 200)", "use response:set_status() (':' not '.')"),
    ])
    func `an object's method called with a dot asks for the colon`(code: String, message: String) async throws {
        #expect(try await Snippets.run("local _ =\n1; \(code)") == "error: snippet.lua:2: \(message)")
    }

    @Test func `an error inside pcall can be handled and changes nothing else`() async throws {
        let prints = try await Scripts.prints(
            of: """
                local ok, message = pcall(HTTPServer.send_sse_event, "x", "y", "z")
                print(ok, message)
                print(HTTPServer.send_sse_event(1, "y", "z"))
                """)
        #expect(prints.count == 2)
        #expect(prints[0].hasPrefix("false\t"))
        #expect(
            prints[0].hasSuffix("HTTPServer.send_sse_event: argument 1 (connection_id) must be an integer, got string"))
        #expect(prints[1] == "33")
    }
}
