import TestKit
import Testing

/// Pieces of a handler, each run on one server that all tests share.
enum Snippets {
    private static let server = Task {
        try await TestServer.start(
            """
            HTTPServer.register_route("POST", "/run/{name}", function(request, response)
              local chunk = assert(load(request.body, "=snippet.lua"))
              local results = table.pack(pcall(chunk, request, response))
              local words = {}
              for index = 2, results.n do words[index - 1] = tostring(results[index]) end
              if not results[1] then words[1] = "error: " .. words[1] end
              response.body = table.concat(words, " ")
            end)
            HTTPServer.register_route("POST", "/answer", function(request, response)
              assert(load(request.body, "=snippet.lua"))(request, response)
            end)
            """)
    }

    /// Runs the code with `request` and `response`; returns its results as text, one blank between them, or "error: "
    /// and the message.
    static func run(_ code: String, query: String = "", headers: [String] = []) async throws -> String {
        let text = "local request, response = ...; " + code
        return try await server.value.body("POST", "/run/snippet" + query, headers: headers, body: text)
    }

    /// Runs the code with `request` and `response`; returns the whole response that it makes.
    static func answer(_ code: String) async throws -> String {
        try await server.value.response(to: "POST", "/answer", body: "local request, response = ...; " + code)
    }
}
