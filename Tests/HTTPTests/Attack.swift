import TestKit
import Testing

/// Bytes that are no request, and what they get.
struct Attack: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let status: Int

    init(_ name: String, _ text: String, _ status: Int = 400) { self.init(name, Array(text.utf8), status) }

    init(_ name: String, _ bytes: [UInt8], _ status: Int = 400) {
        (self.name, self.bytes, self.status) = (name, bytes, status)
    }

    var testDescription: String { name }

    /// A request with these lines after its Host.
    static func head(_ name: String, _ lines: String, _ status: Int = 400) -> Attack {
        Attack(name, "POST /run HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\r\n", status)
    }

    /// A chunked request with this body.
    static func chunks(_ name: String, _ body: String) -> Attack {
        Attack(name, "POST /run HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
    }

    static let script = """
        local runs = 0
        HTTPServer.register_route("GET", "/runs", function(request, response) response.body = tostring(runs) end)
        HTTPServer.register_route("*", "/{path...}", function(request, response)
            runs = runs + 1
            response.body = "ran " .. request.method .. " " .. request.raw_path .. " " .. request.body
        end)
        """

    /// Sends it with a request behind it, and expects one error, a close, and that no script has seen any of it.
    func run(on server: TestServer) async throws {
        let before = try await server.body("GET", "/runs")
        let client = try await server.connect()
        try await client.send(bytes: bytes + Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let response = try await client.lastResponse()
        #expect(response.status == status)
        #expect(response["Connection"] == "close")
        #expect(!client.wasReset)
        try await client.close()
        let after = try await server.body("GET", "/runs")
        #expect(before == after)
    }
}
