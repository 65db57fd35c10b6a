import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct RequestBodyTests {
    private static let script = """
        HTTPServer.register_route("POST", "/echo", function(request, response) response.body = request.body end)
        HTTPServer.register_route("POST", "/sum", function(request, response)
            local sum = 0
            for index = 1, #request.body do sum = sum + request.body:byte(index) * (index % 251) end
            response.body = #request.body .. " " .. sum
        end)
        """
    private static let server = Task { try await sharedServer(script) }
    private static let everyByte = (0...255).map { UInt8($0) } + (0...255).reversed().map { UInt8($0) }

    private static func head(_ fields: String, path: String = "/echo") -> [UInt8] {
        Array("POST \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n".utf8)
    }

    private static func chunks(_ body: [UInt8], of size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: body.count, by: size) {
            let chunk = body[start..<min(start + size, body.count)]
            bytes += Array("\(String(chunk.count, radix: 16));x=y\r\n".utf8) + chunk + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\nX-Trailer: a\r\n\r\n".utf8)
    }

    @Test func `every byte arrives by length`() async throws {
        let client = try await Self.server.value.connect()
        try await client.send(bytes: Self.head("Content-Length: \(Self.everyByte.count)") + Self.everyByte)
        #expect(try await client.response().body == Self.everyByte)
        try await client.close()
    }

    @Test(arguments: [1, 2, 7, 100, 512, 1000]) func `every byte arrives by chunks`(_ size: Int) async throws {
        let client = try await Self.server.value.connect()
        try await client.send(bytes: Self.head("Transfer-Encoding: chunked") + Self.chunks(Self.everyByte, of: size))
        #expect(try await client.response().body == Self.everyByte)
        try await client.close()
    }

    @Test(arguments: ["Content-Length: 512", "Transfer-Encoding: chunked"])
    func `a request may come byte by byte`(_ field: String) async throws {
        let client = try await Self.server.value.connect()
        let body = field.hasPrefix("T") ? Self.chunks(Self.everyByte, of: 33) : Self.everyByte
        for byte in Self.head(field) + body {
            try await client.send(bytes: [byte])
            try await Self.server.value.turn()
        }
        let response = try await client.response()
        #expect(response.status == 200)
        #expect(response.body == Self.everyByte)
        try await client.close()
    }

    @Test(arguments: 1..<60) func `a request may be split anywhere`(_ place: Int) async throws {
        let client = try await Self.server.value.connect()
        let bytes = Self.head("Content-Length: 3") + Array("abc".utf8)
        try await client.send(bytes: Array(bytes.prefix(place)))
        try await Self.server.value.turn()
        try await client.send(bytes: Array(bytes.dropFirst(place)))
        #expect(try await client.response().text == "abc")
        try await client.close()
    }

    @Test func `a long body arrives whole`() async throws {
        let body = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        var sum = 0
        for (index, byte) in body.prefix(2_000).enumerated() { sum += Int(byte) * ((index + 1) % 251) }
        let client = try await Self.server.value.connect()
        try await client.send(bytes: Self.head("Content-Length: 2000", path: "/sum") + body.prefix(2_000))
        #expect(try await client.response().text == "2000 \(sum)")
        try await client.send(bytes: Self.head("Content-Length: \(body.count)") + body)
        #expect(try await client.response().body == body)
        try await client.close()
    }

    @Test func `a GET may have a body`() async throws {
        let client = try await Self.server.value.connect()
        try await client.send("GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(try await client.response().status == 405)
        try await client.send(bytes: Self.head("Content-Length: 2") + Array("ok".utf8))
        #expect(try await client.response().text == "ok")
        try await client.close()
    }
}
