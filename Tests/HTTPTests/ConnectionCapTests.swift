import EventStream
import HTTP
import NIOCore
import Scripting
import TestKit
import Testing

/// More connections than there may be.
@Suite(.timeLimit(.minutes(5))) struct ConnectionCapTests {
    private static let script = """
        HTTPServer.register_route("GET", "/events", function(request, response) response:start_sse() end)
        HTTPServer.register_route("GET", "/hello", function(request, response) response.body = "hello" end)
        """
    private static let three = HTTPLimits(maxConnections: 3)

    /// A client whose stream is open.
    private func open(_ server: TestServer) async throws -> TestClient {
        let client = try await server.connect()
        try await client.request("GET", "/events")
        try await client.wait(for: "\r\n\r\n:\n")
        return client
    }

    @Test(arguments: [1, 2]) func `who comes when all places are taken gets 503, and the streams go on`(threads: Int)
        async throws
    {
        try await withServer(Self.script, clock: ManualClock(), threads: threads, limits: Self.three) { server in
            var streams: [TestClient] = []
            for _ in 0..<3 { streams.append(try await open(server)) }
            for _ in 0..<20 {
                let answer = try await server.response(to: "GET", "/hello")
                #expect(answer.hasPrefix("HTTP/1.1 503 "), "\(answer)")
                #expect(answer.contains("\r\nRetry-After: 5\r\n"))
                #expect(answer.contains("\r\nConnection: close\r\n"))
            }
            server.node.server.broadcast(.init(.init(string: "data: still there\n\n")))
            for stream in streams { try await stream.wait(for: "data: still there\n\n") }
        }
    }

    @Test func `an event stream is told when to come back, since an error would end it for good`() async throws {
        try await withServer(Self.script, clock: ManualClock(), limits: HTTPLimits(maxConnections: 1)) { server in
            let stream = try await open(server)
            let answer = try await server.response(to: "GET", "/events", headers: ["Accept: Text/Event-Stream, */*"])
            #expect(answer.hasPrefix("HTTP/1.1 200 "), "\(answer)")
            #expect(answer.contains("\r\nContent-Type: text/event-stream; charset=utf-8\r\n"))
            let line = try #require(answer.split(separator: "\n").last { $0.hasPrefix("retry: ") })
            #expect((5000...15000).contains(try #require(Int(line.dropFirst(7)))))
            #expect(!answer.contains("data:"))
            #expect(stream.text.hasSuffix(":\n"))
        }
    }

    @Test(arguments: [false, true]) func `a place is free again when its connection ends`(isStream: Bool) async throws {
        try await withServer(Self.script, clock: ManualClock(), limits: Self.three) { server in
            for _ in 0..<20 {
                var clients: [TestClient] = []
                while clients.count < 3 {
                    let client = try await server.connect()
                    try await client.request("GET", isStream ? "/events" : "/hello")
                    try await client.wait(for: "\r\n\r\n")
                    // The one before may be on its way out.
                    if client.text.hasPrefix("HTTP/1.1 200 ") {
                        clients.append(client)
                    } else {
                        try await client.close()
                    }
                }
                for (number, client) in clients.enumerated() {
                    if number == 0 { try await client.reset() } else { try await client.close() }
                }
            }
        }
    }

    @Test func `one address gets 429 where it has all that it may have`() async throws {
        let limits = HTTPLimits(maxConnections: 3, maxConnectionsPerAddress: 2)
        try await withServer(Self.script, clock: ManualClock(), limits: limits) { server in
            let first = try await open(server)
            let second = try await open(server)
            let answer = try await server.response(to: "GET", "/hello")
            #expect(answer.hasPrefix("HTTP/1.1 429 "), "\(answer)")
            #expect(answer.contains("\r\nRetry-After: 5\r\n"))
            #expect(answer.contains("127.0.0.1"))
            try await first.close()
            while !(try await server.response(to: "GET", "/hello").hasPrefix("HTTP/1.1 200 ")) {}
            #expect(second.text.hasSuffix(":\n"))
        }
    }

    @Test(
        .disabled(
            if: TestServer.usesTLS, "over TLS who is not let in cannot shake hands, so the client has no connection"))
    func `too many who only wait for an answer are not let in`() async throws {
        let clock = ManualClock()
        try await withServer(Self.script, clock: clock, limits: HTTPLimits(maxConnections: 1)) { server in
            var silent: [TestClient] = []
            for _ in 0..<33 { silent.append(try await server.connect()) }
            let late = try await server.connect()
            #expect(try await late.waitForEnd() == "")
            // Those that are refused may not stay.
            clock.advance(by: .seconds(5))
            for client in silent.dropFirst() { #expect(try await client.waitForEnd() == "") }
            #expect(try await server.response(to: "GET", "/hello").hasPrefix("HTTP/1.1 503 "))
            try await silent[0].close()
            while !(try await server.response(to: "GET", "/hello").hasPrefix("HTTP/1.1 200 ")) {}
        }
    }
}
