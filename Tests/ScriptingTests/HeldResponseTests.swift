import Scripting
import TestKit
import Testing

/// `hold`, `complete_response`, and the signals of a response.
@Suite(.timeLimit(.minutes(5))) struct HeldResponseTests {
    private static let script = """
        held = {}
        HTTPServer.register_route("GET", "/hold", function(request, response)
          held[request.client_id] = response:hold()
          held.last = request.client_id
          print("held", response:is_held())
        end)
        HTTPServer.register_route("GET", "/go", function(request, response)
          local other = held[held.last]
          other:set_status(202):set_body("late")
          response:set_body(tostring(HTTPServer.complete_response(held.last, other)) .. tostring(other:is_held()))
        end)
        HTTPServer.register_route("GET", "/try/{what}", function(request, response)
          local other = held[held.last]
          local result = ({
            unknown = function() return HTTPServer.complete_response(999999, other) end,
            none = function() return HTTPServer.complete_response(held.last, nil) end,
            unheld = function() return HTTPServer.complete_response(request.client_id, response) end,
            another = function() return HTTPServer.complete_response(held.last, response) end,
          })[request.path_params.what]()
          response:set_body(tostring(result))
        end)
        """

    @Test func `a held response is sent when it is completed, once`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/hold")
            _ = await server.log.wait(for: "held\ttrue")
            #expect(client.text == "")
            let first = try await server.body("/go")
            #expect(first == "0false")
            let response = try await client.wait(for: "late")
            #expect(response.hasPrefix("HTTP/1.1 202 Accepted\r\n"))
            let second = try await server.body("/try/unknown")
            #expect(second == "33")
            try await client.request("GET", "/go")  // the connection lives on
            try await client.wait(for: "\r\n\r\n")
        }
    }

    @Test(arguments: [("unknown", "33"), ("none", "31"), ("unheld", "31"), ("another", "31")])
    func `what cannot be completed is an Error number`(what: String, code: String) async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect()
            try await client.request("GET", "/hold")
            _ = await server.log.wait(for: "held\ttrue")
            let body = try await server.body("/try/\(what)")
            #expect(body == code)
            let completed = try await server.body("/go")
            #expect(completed == "0false")
            try await client.wait(for: "late")
            try await client.close()
        }
    }

    @Test func `a held response whose client has left is unknown, and says so`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/hold", function(request, response)
              response:hold()
              response.note = "kept"
              local id = request.client_id
              response.disconnected:connect(function(reason)
                print("left", reason, response.note, HTTPServer.complete_response(id, response))
              end)
              response.finished:connect(function() print("finished") end)
              print("held")
            end)
            """
        ) { server in
            let client = try await server.connect()
            try await client.request("GET", "/hold")
            _ = await server.log.wait(for: "held")
            try await client.reset()
            _ = await server.log.wait(for: "left\tclient\tkept\t33")
            #expect(!server.printed.contains("finished"))
        }
    }

    @Test(arguments: [
        ("response:set_body('x')", "finished"), ("", "finished"), ("sleep(0) response:set_json{}", "finished"),
        ("error('x')", "finished"),
        ("response:hold() HTTPServer.complete_response(request.client_id, response)", "finished"),
        ("response:start_sse():close()", "finished"), ("response:start_sse():finish()", "finished"),
    ])
    func `finished tells that the client has been sent all`(code: String, signal: String) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/", function(request, response)
              response.finished:connect(function() print("finished") end)
              response:connect("disconnected", function(reason) print("disconnected", reason) end)
              \(code)
            end)
            """
        ) { server in
            _ = try await server.response(to: "/")
            _ = await server.log.wait(for: signal)
            try await server.settle()
            #expect(server.printed.filter { $0 == "finished" || $0.hasPrefix("disconnected") } == [signal])
        }
    }

    @Test func `disconnected tells that the client of a stream has left`() async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/events", function(request, response)
              response.disconnected:connect(function(reason) print("disconnected", reason) end)
              response:start_sse()
            end)
            """
        ) { server in
            let client = try await server.open()
            try await client.reset()
            _ = await server.log.wait(for: "disconnected\tclient")
        }
    }

    @Test func `responses that scripts listened to are let go`() async throws {
        try await withServer(
            """
            local seen = setmetatable({}, { __mode = "k" })
            HTTPServer.register_route("GET", "/", function(request, response)
              seen[response] = true
              response.finished:connect(function() print("finished") end)
              response:set_body("x")
            end)
            HTTPServer.register_route("GET", "/count", function(request, response)
              collectgarbage() collectgarbage()
              local count = 0
              for _ in pairs(seen) do count = count + 1 end
              response:set_body(tostring(count))
            end)
            """
        ) { server in
            for _ in 0..<5 { _ = try await server.response(to: "/") }
            _ = await server.log.wait(for: "finished")
            try await server.settle()
            let count = try await server.body("/count")
            #expect(count == "0")
        }
    }

    @Test(arguments: [
        ("response:hold() response:start_sse()", "HTTPResponse.start_sse: the response is held"),
        ("response:start_sse() response:hold()", "HTTPResponse.hold: the response is an event stream already"),
        ("HTTPServer.complete_response('1', response)", "argument 1 (client_id) must be an integer, got string"),
        ("HTTPServer.complete_response(1, {})", "argument 2 (response) must be a HTTPResponse, got table"),
        ("HTTPServer.complete_response(1)", "HTTPServer.complete_response: takes 2 arguments, got 1"),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        try await withServer("HTTPServer.register_route('GET', '/', function(request, response) \(code) end)") {
            server in
            _ = try await server.response(to: "/")
            let line = await server.log.wait(for: message)
            #expect(line.hasPrefix("error main.lua:1: "), "\(line)")
        }
    }
}
