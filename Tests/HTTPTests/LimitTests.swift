import NIOCore
import TestKit
import Testing

/// Line 11 of the promises. The defaults: 16 KiB of headers in 100 fields, 8 KiB of target, 1 MiB of body.
@Suite(.timeLimit(.minutes(5))) struct LimitTests {
    private static let server = Task { try await sharedServer(Attack.script) }

    struct Head: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let status: Int
        var testDescription: String { name }

        /// A request with a target of that many bytes, and headers with names and values of that many bytes together,
        /// the Host among them.
        init(_ name: String, target: Int = 1, headerBytes: Int = 5, fields: Int = 1, _ status: Int) {
            self.name = name
            self.status = status
            var lines = ["GET /" + String(repeating: "t", count: target - 1) + " HTTP/1.1", "Host: a"]
            var left = headerBytes - 5
            for field in 1..<max(fields, 1) {
                let fill = field == fields - 1 ? left - 1 : 0
                lines.append("X: " + String(repeating: "v", count: max(0, fill)))
                left -= 1 + max(0, fill)
            }
            text = lines.joined(separator: "\r\n") + "\r\n\r\n"
        }
    }

    @Test(arguments: [
        Head("a target of 8 KiB", target: 8192, 200),
        Head("a target of a byte more", target: 8193, 414),
        Head("a target of 16 KiB", target: 16384, 414),
        Head("a target of 17 KiB", target: 17000, 414),
        Head("a target of 60 KiB", target: 60000, 414),
        Head("a target of 1 MB", target: 1_000_000, 414),
        Head("headers of 16 KiB", headerBytes: 16384, fields: 2, 200),
        Head("headers of a byte more", headerBytes: 16385, fields: 2, 431),
        Head("headers of 60 KiB", headerBytes: 60000, fields: 2, 431),
        Head("headers of 1 MB", headerBytes: 1_000_000, fields: 2, 431),
        Head("headers of 16 KiB in many fields", headerBytes: 16384, fields: 100, 200),
        Head("headers of a byte more in many fields", headerBytes: 16385, fields: 100, 431),
        Head("100 fields", headerBytes: 200, fields: 100, 200),
        Head("101 fields", headerBytes: 200, fields: 101, 431),
        Head("10,000 fields", headerBytes: 20000, fields: 10000, 431),
        Head("the longest target and the longest headers", target: 8192, headerBytes: 16384, fields: 2, 200),
    ])
    func `a head is held to its limits`(_ head: Head) async throws {
        let client = try await Self.server.value.connect()
        // Against the server's close the writing may fail; the answer must come nevertheless.
        try? await client.send(head.text)
        let response = try await head.status == 200 ? client.response() : client.lastResponse()
        #expect(response.status == head.status)
        #expect(response["Connection"] == (head.status == 200 ? nil : "close"))
        try await client.close()
    }

    @Test(arguments: [("GET /", 414), ("GET / HTTP/1.1\r\nHost: a\r\nX: ", 431)])
    func `a head that never ends is refused all the same`(_ start: String, _ status: Int) async throws {
        let client = try await Self.server.value.connect()
        try await client.send(start)
        for _ in 0..<5 { try? await client.send(String(repeating: "x", count: 8000)) }
        #expect(try await client.lastResponse().status == status)
        try await client.close()
    }

    @Test func `a head too long behind a good request is refused all the same`() async throws {
        let client = try await Self.server.value.connect()
        let long = String(repeating: "x", count: 20000)
        try await client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.waitForEnd()
        let (responses, rest) = try ReceivedResponse.parse(client.bytes)
        #expect(responses.map(\.status) == [200, 414])
        #expect(rest.isEmpty)
        try await client.close()
    }

    @Test func `trailers are held to the limit of headers`() async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Transfer-Encoding: chunked"])
        try? await client.send("0\r\nX: " + String(repeating: "x", count: 30000) + "\r\n\r\n")
        #expect(try await client.lastResponse().status == 431)
        try await client.close()
    }

    private static let limit = 1 << 20

    @Test(arguments: [limit, limit - 1]) func `a body within the limit is taken`(_ count: Int) async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Content-Length: \(count)"])
        try await client.send(String(repeating: "b", count: count))
        let response = try await client.response()
        #expect(response.status == 200)
        #expect(response.body.count == "ran POST /run ".utf8.count + count)
        try await client.close()
    }

    @Test(arguments: [limit + 1, 10 * limit, Int.max])
    func `a Content-Length over the limit is refused before the body comes`(_ count: Int) async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Content-Length: \(count)"])
        let response = try await client.lastResponse()
        #expect(response.status == 413)
        #expect(response.text.contains("1048576"))
        #expect(!client.wasReset)
        try await client.close()
    }

    @Test func `a refused body may be sent to its end, and the answer is still there`() async throws {
        // Time stands still: the server reads for 2 s at most.
        let server = try await TestServer.start(Attack.script, clock: ManualClock())
        let client = try await server.connect(reads: false)
        try await client.request("POST", "/run", headers: ["Content-Length: \(4 * Self.limit)"])
        for _ in 0..<64 { try await client.send(String(repeating: "b", count: 4 * Self.limit / 64)) }
        try await client.startReading()
        #expect(try await client.lastResponse().status == 413)
        #expect(!client.wasReset)
        try await client.close()
    }

    @Test func `a chunked body over the limit is refused, and the answer is there though the client goes on`()
        async throws
    {
        let server = try await TestServer.start(Attack.script, clock: ManualClock())  // as above
        let client = try await server.connect(reads: false)
        try await client.request("POST", "/run", headers: ["Transfer-Encoding: chunked"])
        let chunk = "10000\r\n" + String(repeating: "b", count: 65536) + "\r\n"
        for _ in 0..<64 { try await client.send(chunk) }
        try await client.send("0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.startReading()
        let response = try await client.lastResponse()
        #expect(response.status == 413)
        #expect(response["Connection"] == "close")
        #expect(!client.wasReset)
        try await client.close()
    }

    @Test func `a chunked body of just the limit is taken`() async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Transfer-Encoding: chunked"])
        let chunk = "10000\r\n" + String(repeating: "b", count: 65536) + "\r\n"
        for _ in 0..<16 { try await client.send(chunk) }
        try await client.send("0\r\n\r\n")
        #expect(try await client.response().body.count == "ran POST /run ".utf8.count + Self.limit)
        try await client.close()
    }
}
