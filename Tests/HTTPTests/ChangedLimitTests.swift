import NIOCore
import NIOEmbedded
import Testing

@testable import HTTP

/// Limits that change while connections are open.
@Suite struct ChangedLimitTests {
    private let server: EmbeddedServer
    private let channel: EmbeddedChannel

    init() throws {
        server = try EmbeddedServer()
        channel = try server.connect()
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    private static let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func send(_ text: String) throws { try channel.writeInbound(ByteBuffer(string: text)) }

    private func status() throws -> String { String(try server.received(channel).dropFirst(9).prefix(3)) }

    /// A connection that has been idle for so many seconds.
    private func idle(_ seconds: Double) throws {
        try send(Self.get)
        server.answer(0, "")
        #expect(try status() == "200")
        server.pass(seconds)
    }

    private static let times: [(TimeAmount?, Double)] = [
        (.seconds(100), 100), (.seconds(40), 40), (.seconds(20), 30), (nil, 1e6),
    ]

    @Test(arguments: times) func `an idle connection is held to a new time`(_ time: TimeAmount?, _ end: Double) throws {
        try idle(30)
        server.loop.limits = HTTPLimits(idleTimeout: time)
        server.pass(end - 30 - 0.001)
        #expect(channel.isActive)
        server.pass(0.003)
        #expect(channel.isActive == (time == nil))
    }

    @Test func `an idle connection that might stay for ever may not any more`() throws {
        server.loop.limits = HTTPLimits(idleTimeout: nil)
        try idle(1000)
        server.loop.limits = HTTPLimits(idleTimeout: .seconds(1010))
        server.pass(9)
        #expect(channel.isActive)
        server.pass(1.001)
        #expect(!channel.isActive)
    }

    @Test func `a head that is slow is held to a new time`() throws {
        try send("GET /")
        server.pass(5)
        server.loop.limits = HTTPLimits(headerTimeout: .seconds(6))
        server.pass(0.999)
        #expect(try status() == "")
        server.pass(0.002)
        #expect(try status() == "408")
    }

    @Test func `a body that is on its way keeps its time, the next has the new one`() throws {
        try send(Self.post)
        server.loop.limits = HTTPLimits(bodyTimeout: .seconds(5))
        server.pass(50)
        #expect(try status() == "")
        try send("abcde")
        server.answer(0, "")
        #expect(try status() == "200")
        try send(Self.post)
        server.pass(4.999)
        #expect(try status() == "")
        server.pass(0.002)
        #expect(try status() == "408")
    }

    @Test func `a time that changes while a script answers is the next request's`() throws {
        try send(Self.get + Self.post)
        server.loop.limits = HTTPLimits(bodyTimeout: .seconds(5))
        server.answer(0, "")
        #expect(try status() == "200")
        server.pass(5.001)
        #expect(try status() == "408")
    }

    @Test(arguments: [(post, "abcde"), (chunked, "5\r\nabcde\r\n0\r\n\r\n")])
    func `a body is held to the limit that its request began with`(_ head: String, _ body: String) throws {
        try send(head)
        server.loop.limits = HTTPLimits(maxBodyBytes: 4)
        try send(body)
        server.answer(0, "")
        #expect(try status() == "200")
        try send(head + body)
        #expect(try status() == "413")
    }

    @Test func `a longer body is taken by the next request`() throws {
        server.loop.limits = HTTPLimits(maxBodyBytes: 4)
        let connection = try server.connect()
        server.loop.limits = HTTPLimits(maxBodyBytes: 5)
        try connection.writeInbound(ByteBuffer(string: Self.post + "abcde"))
        #expect(server.scripts.paths == ["/"])
    }

    @Test func `longer heads are refused from the next request, or connection`() throws {
        let head = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
        try send(head)
        server.answer(0, "")
        #expect(try status() == "200")
        server.loop.limits = HTTPLimits(maxHeaderBytes: 100)
        let other = try server.connect()
        try other.writeInbound(ByteBuffer(string: head))
        #expect(try server.received(other).hasPrefix("HTTP/1.1 431 "))
        try send(head)
        #expect(try status() == "431")
    }

    @Test func `a head of any length is taken where there is no limit`() throws {
        server.loop.limits = HTTPLimits(maxHeaderBytes: .max)
        let head = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 10 << 20))\r\n\r\n"
        let connection = try server.connect()
        try connection.writeInbound(ByteBuffer(string: head))
        #expect(server.scripts.paths == ["/"])
    }
}
