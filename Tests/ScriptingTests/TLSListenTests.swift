import NIOCore
import Scripting
import TestKit
import Testing

/// `HTTPServer.listen` with TLS: what it returns, and what becomes of a start that did not get it.
@Suite struct TLSListenTests {
    private static let files = [
        "key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate,
        "other.pem": TestCertificate.other, "text.pem": "text",
    ]

    @Test(arguments: [
        (#"true"#, 31, "TLS needs a key (argument 4) and a certificate (argument 5)"),
        (#"true, "key.pem""#, 31, "TLS needs a key (argument 4) and a certificate (argument 5)"),
        (#"true, "", "certificate.pem""#, 31, "TLS needs a key"),
        (#"true, "key.pem", "nobody.pem""#, 7, "no such file"),
        (#"true, "nobody.pem", "certificate.pem""#, 7, "no such file"),
        (#"true, "key.pem", "text.pem""#, 30, "not a PEM file with a certificate"),
        (#"true, "text.pem", "certificate.pem""#, 30, "not a PEM file with a private key"),
        (#"true, "key.pem", "other.pem""#, 30, "does not belong to the certificate"),
    ])
    func `what it needs and does not get is an Error number, and the start fails`(
        arguments: String, code: Int, reason: String
    ) async throws {
        var files = Self.files
        files["main.lua"] = "ERROR = HTTPServer.listen(0, \"127.0.0.1\", \(arguments)) print(\"got\", ERROR)"
        let failure = await #expect(throws: ListenFailure.self) { _ = try await TestServer.start(files) }
        #expect(failure?.message.hasPrefix("HTTPServer.listen: ") == true)
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "")")
        files["main.lua"]! += " HTTPServer.listen(0)"
        let server = try await TestServer.start(files)
        #expect(server.log.lines.contains { $0.contains("got\t\(code)") }, "\(server.log.lines)")
        try await server.stop(within: .zero)
    }

    @Test func `relative paths start at the script directory, and requests say https`() async throws {
        var files = Self.files
        files["main.lua"] = """
            ERROR = HTTPServer.listen(0, "127.0.0.1", true, "key.pem", "certificate.pem")
            HTTPServer.register_route("GET", "/", function(request, response)
              response:set_body(ERROR .. request.scheme)
            end)
            """
        let server = try await TestServer.start(files)
        let client = try await TestClient.connect(port: server.port, usesTLS: true)
        try await client.request("GET", "/")
        try await client.wait(for: "0https")
        try await client.close()
        try await server.stop(within: .zero)
    }
}
