import Scripting
import TestKit
import Testing

/// A misspelt name raises where it is used, with the name that was probably meant.
@Suite(.timeLimit(.minutes(5))) struct SuggestionTests {
    @Test(arguments: [
        (
            "HTTPServer.send_sse_evnt(1, 'a', 'b')",
            "HTTPServer has no member 'send_sse_evnt'; did you mean 'send_sse_event'?"
        ),
        (
            "HTTPServer:register_rout('GET', '/', print)",
            "HTTPServer has no member 'register_rout'; did you mean 'register_route'?"
        ),
        (
            "HTTPServer.sse_conection_opened:connect(print)",
            "HTTPServer has no member 'sse_conection_opened'; did you mean 'sse_connection_opened'?"
        ),
        ("HTTPServer.xyz()", "HTTPServer has no member 'xyz'"),
        ("HTTPServer.is_listenin = true", "HTTPServer has no member 'is_listenin'; did you mean 'is_listening'?"),
        ("Engine.tick_per_second = 5", "Engine has no member 'tick_per_second'; did you mean 'ticks_per_second'?"),
        ("Signal.new('x'):conect(print)", "Signal has no member 'conect'; did you mean 'connect'?"),
        ("Signal.new('x').emitt()", "Signal has no member 'emitt'; did you mean 'emit'?"),
        ("Timer.new{ waittime = 1 }", "Timer.new: unknown option 'waittime'; did you mean 'wait_time'?"),
        ("Timer.new{ color = 1 }", "Timer.new: unknown option 'color'"),
        ("Timer.new():strat()", "Timer has no member 'strat'; did you mean 'start'?"),
        ("Timer.new().waittime = 1", "Timer has no member 'waittime'; did you mean 'wait_time'?"),
        (
            "HTTPServer.connect('server_startd', print)",
            "connect: HTTPServer has no signal 'server_startd'; did you mean 'server_started'?"
        ),
        ("HTTPServer.emit_signal('nothing')", "emit_signal: HTTPServer has no signal 'nothing'"),
        ("Timer.new():connect('timout', print)", "connect: Timer has no signal 'timout'; did you mean 'timeout'?"),
        ("slep(1)", "attempt to call a nil value (global 'slep'); did you mean 'sleep'?"),
        ("requir('x')", "attempt to call a nil value (global 'requir'); did you mean 'require'?"),
        ("JSON.encod(1)", "JSON has no member 'encod'; did you mean 'encode'?"),
        ("Registry.gett('x')", "Registry has no member 'gett'; did you mean 'get'?"),
        ("Log.infos('x')", "Log has no member 'infos'; did you mean 'info'?"),
        ("Time.mow()", "Time has no member 'mow'; did you mean 'now'?"),
    ])
    func `a misspelt name of a global gets a suggestion`(code: String, message: String) async throws {
        let report = try await Scripts.failure("\n\(code)")
        #expect(report.message == "main.lua:2: \(message)")
    }

    @Test(arguments: [
        (
            "response:start_sse{ pingduration = 1 }",
            "HTTPResponse.start_sse: unknown option 'pingduration'; did you mean 'ping_duration'?"
        ),
        (
            "response:start_sse{ allowed_origin = {} }",
            "HTTPResponse.start_sse: unknown option 'allowed_origin'; did you mean 'allowed_origins'?"
        ),
        (
            "response:start_sse{ 5 }",
            "HTTPResponse.start_sse: unknown option '1' (known: allowed_origins, auto_id, channels"
        ),
        (
            "response:start_sse{ colour = 5 }",
            "HTTPResponse.start_sse: unknown option 'colour' (known: allowed_origins, auto_id, channels"
        ),
        (
            "SSEConnection.new():send{ typ = 'x', data = 'y' }",
            "SSEConnection.send: unknown field 'typ' of the event (known: id, type, data, retry, key, tags)"
        ),
    ])
    func `a misspelt option or field gets a suggestion`(code: String, message: String) async throws {
        let result = try await Snippets.run(code)
        #expect(result.hasPrefix("error: snippet.lua:1: \(message)"), "\(result)")
    }

    @Test(arguments: [
        ("request:get_hedder('x')", "attempt to call a nil value (method 'get_hedder'); did you mean 'get_header'?"),
        ("response:set_staus(200)", "attempt to call a nil value (method 'set_staus'); did you mean 'set_status'?"),
        ("response:start_see()", "attempt to call a nil value (method 'start_see'); did you mean 'start_sse'?"),
        (
            "SSEConnection.new():sned_event('a', 'b')",
            "attempt to call a nil value (method 'sned_event'); did you mean 'send_event'?"
        ),
        ("SSEConnection.new():xyzzy()", "attempt to call a nil value (method 'xyzzy')"),
    ])
    func `a misspelt method of an object gets a suggestion`(code: String, message: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              \(code)
            end)
            HTTPServer.server_error:connect(function(message) print("server_error: " .. message) end)
            """
        ) { server async throws in
            _ = try await server.response(to: "/")
            #expect(await server.log.wait(for: "server_error: ") == "info server_error: main.lua:2: \(message)")
        }
    }
}
