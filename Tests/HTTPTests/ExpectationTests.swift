import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct ExpectationTests {
    private static let server = Task { try await sharedServer(Attack.script) }
    private static let goOn = "HTTP/1.1 100 Continue\r\n\r\n"

    @Test(arguments: ["100-continue", "100-Continue"])
    func `a client that waits is told to go on`(_ value: String) async throws {
        let client = try await Self.server.value.connect()
        for round in ["one", "two"] {
            try await client.request("POST", "/run", headers: ["Expect: \(value)", "Content-Length: 3"])
            #expect(try await client.wait(for: "\r\n\r\n") == Self.goOn)
            _ = client.take()
            try await client.send(round)
            #expect(try await client.response().text == "ran POST /run \(round)")
        }
        try await client.close()
    }

    @Test func `a client that does not wait is answered as well`() async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Expect: 100-continue", "Transfer-Encoding: chunked"])
        try await client.send("3\r\nabc\r\n0\r\n\r\n")
        let responses = try await client.responses(2)
        #expect(responses.map(\.status) == [100, 200])
        #expect(responses[1].text == "ran POST /run abc")
        try await client.close()
    }

    @Test func `a body over its limit is refused in place of going on`() async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Expect: 100-continue", "Content-Length: 1048577"])
        #expect(try await client.lastResponse().status == 413)
        try await client.close()
    }

    @Test(arguments: ["200-ok", "100-continue, x", "100 continue", ""])
    func `another expectation is answered by 417 and a close`(_ value: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/run", headers: ["Expect: \(value)", "Content-Length: 3"])
        try await client.send("abcGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try await client.lastResponse()
        #expect(response.status == 417)
        #expect(response["Connection"] == "close")
        try await client.close()
    }

    /// RFC 9110, 10.1.1: such a client would take the 100 for its answer.
    @Test func `an HTTP 1.0 client is never told to go on`() async throws {
        let client = try await Self.server.value.connect()
        try await client.send("POST /run HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        #expect(try await client.lastResponse().text == "ran POST /run abc")
        try await client.close()
    }

    @Test func `in a pipeline the 100 comes after the answer before it`() async throws {
        let client = try await Self.server.value.connect()
        try await client.send(
            "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
                + "POST /two HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        let responses = try await client.responses(3)
        #expect(responses.map(\.status) == [200, 100, 200])
        #expect(responses[2].text == "ran POST /two abc")
        try await client.close()
    }
}
