import Scripting
import TestKit
import Testing

/// `HTTPServer.set_compression_enabled` and `is_compression_enabled`.
@Suite(.timeLimit(.minutes(5))) struct CompressionSettingTests {
    @Test(arguments: [".", ":"]) func `what is set is told, and at first it is off`(call: String) async throws {
        let script = """
            print(HTTPServer.is_compression_enabled())
            print(HTTPServer.set_compression_enabled(true))
            print(HTTPServer.is_compression_enabled())
            HTTPServer.set_compression_enabled(false)
            print(HTTPServer.is_compression_enabled())
            """
        let prints = try await Scripts.prints(of: script.replacing("HTTPServer.", with: "HTTPServer\(call)"))
        #expect(prints == ["false", "", "true", "false"])
    }

    @Test(arguments: [
        ("set_compression_enabled()", "takes 1 argument, got 0"),
        ("set_compression_enabled(1)", "argument 1 (enabled) must be a boolean, got number"),
        ("set_compression_enabled(nil)", "argument 1 (enabled) must be a boolean, got nil"),
        ("set_compression_enabled('gzip')", "argument 1 (enabled) must be a boolean, got string"),
        ("set_compression_enabled(true, 1)", "takes 1 argument, got 2"),
        ("is_compression_enabled(1)", "takes 0 arguments, got 1"),
    ])
    func `misuse says what is wrong`(code: String, message: String) async throws {
        let name = code.prefix { $0 != "(" }
        let report = try await Scripts.failure("HTTPServer.\(code)")
        #expect(report.message == "main.lua:1: HTTPServer.\(name): \(message)")
    }

    @Test(arguments: [1, 2]) func `it counts for the requests that come after`(threads: Int) async throws {
        try await withServer(
            """
            HTTPServer.register_route("GET", "/set/{value}", function(request, response)
              HTTPServer.set_compression_enabled(request.path_params.value == "on")
              response:set_json { text = ("words "):rep(1000) }
            end)
            """, threads: threads
        ) { server in
            let accepts = ["Accept-Encoding: gzip"]
            var coded: [Bool] = []
            for path in ["/set/off", "/set/on", "/set/on", "/set/off", "/set/off"] {
                let response = try await server.response(to: path, headers: accepts)
                coded.append(response.contains("\r\nContent-Encoding: gzip\r\n"))
                #expect(response.contains("\r\nVary: Accept-Encoding\r\n") == coded.last)
            }
            #expect(coded == [false, false, true, true, false])
        }
    }
}
