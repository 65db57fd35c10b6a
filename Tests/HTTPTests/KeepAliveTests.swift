import HTTP
import NIOCore
import TestKit
import Testing

@Suite(.timeLimit(.minutes(5))) struct KeepAliveTests {
    private static let script = """
        HTTPServer.register_route("GET", "/big", function(request, response)
            print("big")
            response.body = string.rep("0123456789", 800000)
        end)
        HTTPServer.register_route("*", "/{path...}", function(request, response)
            response.body = request.client_port .. " " .. request.raw_path .. " " .. request.body
        end)
        """
    private static let server = Task { try await sharedServer(script) }
    private static let bigCount = 8_000_000

    @Test func `one connection serves many requests`() async throws {
        let client = try await Self.server.value.connect()
        var ports: Set<Substring> = []
        for number in 0..<50 {
            try await client.request("GET", "/\(number)")
            let response = try await client.response()
            #expect(response.status == 200)
            #expect(response["Connection"] == nil)
            let words = response.text.split(separator: " ")
            ports.insert(words[0])
            #expect(words[1] == "/\(number)")
        }
        #expect(ports.count == 1)
        try await client.close()
    }

    @Test(arguments: ["close", "Close", "keep-alive, close"])
    func `a client that asks for it gets a close`(_ value: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send(
            "GET /a HTTP/1.1\r\nHost: a\r\nConnection: \(value)\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try await client.lastResponse()
        #expect(response["Connection"] == "close")
        #expect(response.text.contains("/a"))
        try await client.close()
    }

    @Test(arguments: ["", "Host: a\r\n", "Connection: keep-alive\r\n", "Connection: close\r\n"])
    func `HTTP 1.0 gets one answer and a close`(_ header: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send("GET /a HTTP/1.0\r\n\(header)\r\nGET /b HTTP/1.0\r\n\r\n")
        let response = try await client.lastResponse()
        #expect(response.status == 200)
        #expect(response["Connection"] == "close")
        #expect(response.text.contains("/a"))
        try await client.close()
    }

    /// As Java's client does with every first request: it goes on in HTTP/1.1 when we do.
    @Test(arguments: [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\n",
    ])
    func `a client that would rather speak another protocol is not left hanging`(_ header: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send("GET /a HTTP/1.1\r\nHost: a\r\n\(header)\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try await client.lastResponse()
        #expect(response.status == 200)
        #expect(response["Connection"] == "close")
        try await client.close()
    }

    @Test(arguments: [
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    ])
    func `a half-closed request is still answered`(_ request: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send(request)
        try await client.finish()
        let response = try await client.lastResponse()
        #expect(response.status == 200)
        #expect(!client.wasReset)
    }

    @Test func `a half-closed request gets all of a long answer, however slowly it is read`() async throws {
        let client = try await Self.server.value.connect(reads: false, receiveBuffer: 4096)
        try await client.request("GET", "/big")
        try await client.finish()
        try await Self.server.value.turn()
        try await client.startReading()
        #expect(try await client.lastResponse().body.count == Self.bigCount)
        #expect(!client.wasReset)
    }

    @Test func `a FIN while a long answer is on its way does not cut it`() async throws {
        let client = try await Self.server.value.connect(reads: false, receiveBuffer: 4096)
        try await client.request("GET", "/big")
        // The script has run when a later request is answered.
        _ = try await Self.server.value.body("GET", "/later")
        try await client.finish()
        try await Self.server.value.turn()
        try await client.startReading()
        #expect(try await client.lastResponse().body.count == Self.bigCount)
        #expect(!client.wasReset)
    }

    @Test func `a slow reader gets all of a last answer`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            try await client.request("GET", "/big", headers: ["Connection: close"])
            try await server.printed("big")
            clock.advance(by: .seconds(30))
            try await server.turn()
            try await client.startReading()
            #expect(try await client.lastResponse().body.count == Self.bigCount)
            #expect(!client.wasReset)
            try await client.close()
        }
    }

    @Test func `a client that takes a long answer slowly is not idle meanwhile`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock, limits: HTTPLimits()) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            try await client.request("GET", "/big")
            try await server.printed("big")
            for _ in 0..<4 {
                clock.advance(by: .seconds(74))
                try await server.turn()
            }
            try await client.startReading()
            #expect(try await client.response().body.count == Self.bigCount)
            try await client.request("GET", "/small")
            #expect(try await client.response().status == 200)
            clock.advance(by: .seconds(75))
            #expect(try await client.waitForEnd() == "")
            #expect(!client.wasReset)
            try await client.close()
        }
    }

    @Test func `requests of a client that takes nothing wait until it does`() async throws {
        try await withServer(Self.script) { server in
            let client = try await server.connect(reads: false, receiveBuffer: 4096)
            for _ in 0..<3 { try await client.request("GET", "/big") }
            try await server.printed("big")
            _ = try await server.body("GET", "/later")
            #expect(server.lines(with: "big").count == 1)
            try await client.startReading()
            #expect(try await client.responses(3).map(\.body.count) == [Self.bigCount, Self.bigCount, Self.bigCount])
            try await client.close()
        }
    }

    @Test func `a client that goes on sending after our last answer is cut after two seconds`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock) { server in
            let client = try await server.connect()
            try await client.request("GET", "/a", headers: ["Connection: close"])
            #expect(try await client.lastResponse().status == 200)
            try await client.send("more")
            try await server.turn()
            #expect(try OpenDescriptors.sockets(onLocalPort: server.port) == 2)
            clock.advance(by: .milliseconds(2001))
            while try OpenDescriptors.sockets(onLocalPort: server.port) > 1 { try await server.turn() }
            try await client.close()
        }
    }

    @Test func `a connection that ends without a request is let go`() async throws {
        try await withServer(Self.script) { server in
            for text in ["", "\r\n", "GET /a HTT"] {
                let client = try await server.connect()
                if !text.isEmpty { try await client.send(text) }
                try await client.finish()
                let answer = try await client.waitForEnd()
                #expect(text == "GET /a HTT" ? answer.hasPrefix("HTTP/1.1 400 ") : answer.isEmpty)
                while try OpenDescriptors.sockets(onLocalPort: server.port) > 1 { try await server.turn() }
            }
        }
    }

    @Test func `a body that ends too soon runs no script`() async throws {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/a", headers: ["Content-Length: 10"])
        try await client.send("abc")
        try await client.finish()
        #expect(try await client.lastResponse().status == 400)
    }
}
