import TestKit
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct MalformedRequestLineTests {
    private static let server = Task { try await sharedServer(Attack.script) }
    private static let rest = "\r\nHost: a\r\n\r\n"

    @Test(arguments: [
        Attack("a space in the target", "GET /r un HTTP/1.1" + rest),
        Attack("a tab in the target", "GET /r\tun HTTP/1.1" + rest),
        Attack("a NUL in the target", "GET /r\u{0}un HTTP/1.1" + rest),
        Attack("a control character in the target", "GET /r\u{1}un HTTP/1.1" + rest),
        Attack("a DEL in the target", "GET /r\u{7f}un HTTP/1.1" + rest),
        Attack("a tab after the method", "GET\t/run HTTP/1.1" + rest),
        Attack("a tab before the version", "GET /run\tHTTP/1.1" + rest),
        Attack("a space before the method", " GET /run HTTP/1.1" + rest),
        Attack("no target", "GET  HTTP/1.1" + rest),
        Attack("no method", " /run HTTP/1.1" + rest),
        Attack("a method in lower case", "get /run HTTP/1.1" + rest),
        Attack("a method that nobody knows", "BREW /run HTTP/1.1" + rest),
        Attack("a method with a tail", "GETX /run HTTP/1.1" + rest),
        Attack("a method with a NUL", "GET\u{0} /run HTTP/1.1" + rest),
    ])
    func `a bad method or target is answered by 400`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack("HTTP/2.0", "GET /run HTTP/2.0" + rest, 505),
        Attack("HTTP/3.0", "GET /run HTTP/3.0" + rest),
        Attack("HTTP/1.2", "GET /run HTTP/1.2" + rest),
        Attack("HTTP/0.9", "GET /run HTTP/0.9" + rest, 505),
        Attack("HTTP/9.9", "GET /run HTTP/9.9" + rest),
        Attack("no version, with headers", "GET /run" + rest, 505),
        Attack("no version, alone", "GET /run\r\n"),
        Attack("in lower case", "GET /run http/1.1" + rest),
        Attack("of another protocol", "GET /run FTTP/1.1" + rest),
        Attack("without a minor", "GET /run HTTP/1" + rest),
        Attack("without digits", "GET /run HTTP/" + rest),
        Attack("with letters", "GET /run HTTP/x.y" + rest),
        Attack("with two major digits", "GET /run HTTP/11.1" + rest),
        Attack("with two minor digits", "GET /run HTTP/1.10" + rest),
        Attack("with a comma", "GET /run HTTP/1,1" + rest),
        Attack("with a space inside", "GET /run HTTP/1. 1" + rest),
        Attack("with a space behind", "GET /run HTTP/1.1 " + rest),
        Attack("with junk behind", "GET /run HTTP/1.1 GET /x HTTP/1.1" + rest),
        Attack("with a plus", "GET /run HTTP/+1.1" + rest),
        Attack("of HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ])
    func `a bad version is answered by an error`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    /// A ClientHello, as a client that means https sends it.
    private static let hello: [UInt8] =
        [0x16, 0x03, 0x01, 0x00, 0x2F, 0x01, 0x00, 0x00, 0x2B, 0x03, 0x03] + [UInt8](repeating: 0x2A, count: 40)

    @Test(arguments: [
        Attack("a TLS hello", hello),
        Attack("an SSH banner", "SSH-2.0-OpenSSH_9.2\r\n"),
        Attack("a mail client", "EHLO example.com\r\n"),
        Attack("a Redis client", "*1\r\n$4\r\nPING\r\n"),
        Attack("a response", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        Attack("a proxy's preamble", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
        Attack("zeros", [UInt8](repeating: 0, count: 100)),
        Attack("ones", [UInt8](repeating: 0xFF, count: 100)),
        Attack("every byte", (0...255).map { UInt8($0) }),
        Attack("a byte order mark", "\u{FEFF}GET /run HTTP/1.1" + rest),
        Attack("JSON", "{\"method\":\"GET\"}\r\n"),
        Attack("one brace", "{"),
    ])
    func `what is no HTTP is answered by 400`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    /// Where the request ends is plain, so the connection may go on.
    @Test(arguments: ["/%", "/%4", "/%zz", "/a%00b", "*", "a", "host:80", "\\", "?a=b"])
    func `a target that is no path is answered by 400`(_ target: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.request("GET", target)
        let response = try await client.response()
        #expect(response.status == 400)
        #expect(!response.text.contains("ran"))
        try await client.close()
    }

    @Test(arguments: ["CONNECT a:80", "CONNECT /run", "CONNECT *"])
    func `CONNECT is no way through, and the connection ends`(_ line: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send("\(line) HTTP/1.1\r\nHost: a:80\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let text = try await client.waitForEnd()
        #expect(!text.contains("smuggled"))
        #expect(try ReceivedResponse.parse(client.bytes).responses.map { $0["Connection"] } == ["close"])
        try await client.close()
    }

    @Test(arguments: [
        "GET /run HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET /run HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost:a\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: \t a \t \r\n\r\n",
        "GET /run HTTP/1.1\r\nhOST: a:8080\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: a\r\nX: a\tb\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: a\r\nX: ü\r\n\r\n",
        "GET /run HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: b\r\n\r\n",
        "GET http://a/run HTTP/1.1\r\nHost: a\r\n\r\n",
        "PURGE /run HTTP/1.1\r\nHost: a\r\n\r\n",
    ])
    func `what is a request is answered by 200`(_ request: String) async throws {
        let client = try await Self.server.value.connect()
        try await client.send(request)
        let response = try await client.response()
        #expect(response.status == 200, "\(response.text)")
        #expect(response.text.hasSuffix("/run "))
        try await client.close()
    }
}
