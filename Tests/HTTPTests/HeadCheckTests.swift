import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypes
import Testing

@testable import HTTP

@Suite struct HeadCheckTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let fields: [String]
        var version = HTTPVersion.http1_1
        var method = HTTPMethod.POST
        var target = "/"
        let error: RequestError?

        init(
            _ fields: [String], version: HTTPVersion = .http1_1, target: String = "/", _ error: RequestError?
        ) {
            (self.fields, self.version, self.target, self.error) = (fields, version, target, error)
        }

        var head: HTTPRequestHead {
            let pairs = fields.map { field in
                let colon = field.firstIndex(of: ":")!
                return (String(field[..<colon]), String(field[field.index(colon, offsetBy: 2)...]))
            }
            return HTTPRequestHead(version: version, method: method, uri: target, headers: HTTPHeaders(pairs))
        }
        var testDescription: String { "\(fields) \(version) \(target.prefix(20)): \(error.map { "\($0)" } ?? "fine")" }
    }

    private static let limits = HTTPLimits(
        maxBodyBytes: 1000, maxHeaderBytes: 200, maxHeaderFields: 10, maxTargetBytes: 50)

    private func check(_ example: Example) -> RequestError? {
        do throws(RequestError) {
            try HeadCheck.check(example.head, Self.limits)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        Example(["Host: a"], nil),
        Example(["host: a"], nil),
        Example(["Host: a.example:8080"], nil),
        Example(["Host: [::1]:80"], nil),
        Example(["Host: xn--4ca.example"], nil),
        Example(["Host: a_b"], nil),
        Example([], .badHost),
        Example(["Host: "], .badHost),
        Example(["Host: a", "Host: a"], .badHost),
        Example(["Host: a", "hOST: b"], .badHost),
        Example(["Host: a b"], .badHost),
        Example(["Host: a,b"], .badHost),
        Example(["Host: a/b"], .badHost),
        Example(["Host: a?b"], .badHost),
        Example(["Host: a#b"], .badHost),
        Example(["Host: u@a"], .badHost),
        Example(["Host: a\\b"], .badHost),
        Example(["Host: a\"b"], .badHost),
        Example(["Host: <a>"], .badHost),
        Example(["Host: a\tb"], .badHost),
        Example(["Host: a\u{0}"], .badHost),
        Example(["Host: a\u{7f}"], .badHost),
        Example(["Host: ü"], .badHost),
        Example([], version: .http1_0, nil),
        Example(["Host: a"], version: .http1_0, nil),
        Example(["Host: a", "Host: b"], version: .http1_0, .badHost),
        Example(["Host: a b"], version: .http1_0, .badHost),
        Example(["Host: "], version: .http1_0, .badHost),
    ])
    func `there is one Host, and it is one`(_ example: Example) { #expect(check(example) == example.error) }

    @Test(arguments: [
        Example(["Host: a", "Content-Length: 0"], nil),
        Example(["Host: a", "Content-Length: 5"], nil),
        Example(["Host: a", "Content-Length: 0005"], nil),
        Example(["Host: a", "Content-Length: 1000"], nil),
        Example(["Host: a", "Content-Length: 1001"], .bodyTooLarge(limit: 1000)),
        Example(["Host: a", "Content-Length: 9223372036854775807"], .bodyTooLarge(limit: 1000)),
        Example(["Host: a", "Content-Length: 9223372036854775808"], .bodyTooLarge(limit: 1000)),
        Example(["Host: a", "Content-Length: 18446744073709551621"], .bodyTooLarge(limit: 1000)),
        Example(["Host: a", "Content-Length: "], .badFraming),
        Example(["Host: a", "Content-Length: -1"], .badFraming),
        Example(["Host: a", "Content-Length: +5"], .badFraming),
        Example(["Host: a", "Content-Length: 0x5"], .badFraming),
        Example(["Host: a", "Content-Length: 5.0"], .badFraming),
        Example(["Host: a", "Content-Length: 5e1"], .badFraming),
        Example(["Host: a", "Content-Length: 5 5"], .badFraming),
        Example(["Host: a", "Content-Length: 5, 5"], .badFraming),
        Example(["Host: a", "Content-Length: 5,6"], .badFraming),
        Example(["Host: a", "Content-Length: \u{665}"], .badFraming),
        Example(["Host: a", "Content-Length: 5", "Content-Length: 5"], .badFraming),
        Example(["Host: a", "Content-Length: 5", "content-length: 6"], .badFraming),
    ])
    func `there is at most one Content-Length, in digits`(_ example: Example) {
        #expect(check(example) == example.error)
    }

    @Test(arguments: [
        Example(["Host: a", "Transfer-Encoding: chunked"], nil),
        Example(["Host: a", "Transfer-Encoding: Chunked"], nil),
        Example(["Host: a", "Transfer-Encoding: chunked"], version: .http1_0, .badFraming),
        Example(["Host: a", "Transfer-Encoding: "], .badFraming),
        Example(["Host: a", "Transfer-Encoding: identity"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: xchunked"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunkedx"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked, identity"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: identity, chunked"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: gzip, chunked"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked, chunked"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked;q=1"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: \"chunked\""], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"], .badFraming),
        Example(["Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"], .badFraming),
        Example(["Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"], .badFraming),
        Example(["Host: a", "Content-Length: 0", "Transfer-Encoding: "], .badFraming),
    ])
    func `there is at most one Transfer-Encoding, and it is chunked`(_ example: Example) {
        #expect(check(example) == example.error)
    }

    @Test(arguments: [
        Example(["Host: a"], version: HTTPVersion(major: 1, minor: 2), .unsupportedVersion),
        Example(["Host: a"], version: HTTPVersion(major: 1, minor: 9), .unsupportedVersion),
        Example(["Host: a"], version: HTTPVersion(major: 2, minor: 0), .unsupportedVersion),
        Example(["Host: a"], version: HTTPVersion(major: 0, minor: 9), .unsupportedVersion),
        Example(["Host: a"], target: "/" + String(repeating: "a", count: 49), nil),
        Example(["Host: a"], target: "/" + String(repeating: "a", count: 50), .targetTooLong),
    ])
    func `version and target are held to what we speak`(_ example: Example) { #expect(check(example) == example.error) }

    /// Passes a head through the handler.
    private func pass(_ example: Example) throws -> HTTPRequest? {
        let server = try EmbeddedServer(limits: Self.limits)
        let check = HeadCheck(loop: server.loop, decoder: RequestDecoder(limits: Self.limits))
        let channel = EmbeddedChannel(handler: check, loop: server.eventLoop)
        defer { _ = try? channel.finish() }
        try channel.writeInbound(HTTPServerRequestPart.head(example.head))
        guard case .head(let head) = try channel.readInbound(as: HTTPRequestPart.self) else { return nil }
        return head
    }

    @Test func `a good head goes on in other types`() throws {
        let example = Example(["Host: a", "Connection: keep-alive", "Expect: 100-continue"], target: "/a?b", nil)
        let head = try #require(try pass(example))
        #expect(head.method == .post)
        #expect(head.path == "/a?b")
        #expect(head.headerFields.map { "\($0.name.rawName): \($0.value)" } == example.fields)
    }

    @Test func `a bad head goes no further`() throws {
        #expect(throws: RequestError.badHost) { try pass(Example([], .badHost)) }
    }

    @Test(arguments: [["Host: a"], ["Connection: keep-alive"], ["Connection: keep-alive", "Connection: x"]])
    func `an HTTP 1.0 request gets one answer and a close`(_ fields: [String]) throws {
        let head = try #require(try pass(Example(fields, version: .http1_0, nil)))
        #expect(head.headerFields[values: .connection] == ["close"])
    }

    /// RFC 9110, 10.1.1.
    @Test func `an expectation in an HTTP 1.0 request is ignored`() throws {
        let head = try #require(try pass(Example(["Expect: 100-continue"], version: .http1_0, nil)))
        #expect(head.headerFields[.expect] == nil)
    }

    /// The parser stops at what may be the first byte of another protocol.
    @Test(arguments: [
        ["Connection: Upgrade", "Upgrade: h2c"], ["Connection: keep-alive, upgrade", "Upgrade: websocket"],
    ])
    func `a request that wants another protocol gets one answer in ours and a close`(_ fields: [String]) throws {
        let head = try #require(try pass(Example(["Host: a"] + fields, nil)))
        #expect(head.headerFields[values: .connection] == ["close"])
    }
}
