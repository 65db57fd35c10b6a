import HTTP
import NIOCore
import TestKit
import Testing

/// Whom a script takes for the client.
@Suite(.timeLimit(.minutes(5))) struct TrustedProxyTests {
    private static let script = """
        HTTPServer.register_route("GET", "/", function(request, response)
          local port = request.client_port == 0 and "unknown" or "known"
          response.body = table.concat({ request.client_ip, port, request.scheme, request:get_header("Host") }, " ")
        end)
        """

    private func body(trusting networks: [String], _ headers: [String]) async throws -> String {
        let server = try await TestServer.start(
            ["main.lua": Self.script], trustedProxies: TrustedProxies(networks.compactMap(IPNetwork.init)))
        let body = try await server.body("/", headers: headers)
        try await server.stop(within: .zero)
        return body
    }

    @Test(arguments: [
        (
            ["127.0.0.1"], ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"],
            "203.0.113.9 unknown https test"
        ),
        (
            ["10.0.0.0/8", "127.0.0.0/8"], ["Forwarded: for=\"203.0.113.9:80\""],
            "203.0.113.9 known \(TestServer.scheme) test"
        ),
        (["127.0.0.1"], ["X-Forwarded-For: nonsense"], "127.0.0.1 known \(TestServer.scheme) test"),
        (["127.0.0.1"], ["X-Forwarded-Host: evil.example"], "127.0.0.1 known \(TestServer.scheme) test"),
        (["127.0.0.1"], [], "127.0.0.1 known \(TestServer.scheme) test"),
        (
            ["127.0.0.2"], ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"],
            "127.0.0.1 known \(TestServer.scheme) test"
        ),
        ([], ["Forwarded: for=203.0.113.9;proto=https"], "127.0.0.1 known \(TestServer.scheme) test"),
    ])
    func `a trusted proxy says who the client is, nobody else`(networks: [String], headers: [String], body: String)
        async throws
    {
        #expect(try await self.body(trusting: networks, headers) == body)
    }
}
