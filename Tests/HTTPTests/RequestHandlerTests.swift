import HTTPTypes
import NIOCore
import NIOEmbedded
import TestKit
import Testing

@testable import HTTP

@Suite struct RequestHandlerTests {
    private let server: EmbeddedServer

    init() throws { server = try EmbeddedServer() }

    private static func get(_ path: String) -> ByteBuffer {
        ByteBuffer(string: "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    }

    @Test func `an exchange is answered once`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        server.answer(0, "first")
        #expect(try server.received(channel).hasSuffix("\r\n\r\nfirst"))
        server.answer(0, "second")
        #expect(try server.received(channel) == "")
    }

    @Test func `a late answer does not answer the next request`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        server.answer(0, "a")
        try channel.writeInbound(Self.get("/b"))
        _ = try server.received(channel)
        server.answer(0, "a again")
        #expect(try server.received(channel) == "")
        server.answer(1, "b")
        #expect(try server.received(channel).hasSuffix("\r\n\r\nb"))
    }

    @Test func `an answer to a client that is gone does nothing`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        channel.close(promise: nil)
        server.eventLoop.run()
        #expect(server.scripts.gone == server.scripts.exchanges)
        #expect(server.scripts.gone.count == 1)
        server.answer(0, "late")
        #expect(server.scripts.gone.count == 1)
    }

    @Test func `a client that leaves after its answer is not reported`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        server.answer(0, "a")
        channel.close(promise: nil)
        server.eventLoop.run()
        #expect(server.scripts.gone.isEmpty)
    }

    @Test func `a script has one request of a connection at a time`() throws {
        let channel = try server.connect()
        var bytes = Self.get("/a")
        for path in ["/b", "/c"] { bytes.writeImmutableBuffer(Self.get(path)) }
        try channel.writeInbound(bytes)
        #expect(server.scripts.paths == ["/a"])
        server.answer(0, "a")
        #expect(server.scripts.paths == ["/a", "/b"])
        server.answer(1, "b")
        #expect(server.scripts.paths == ["/a", "/b", "/c"])
    }

    /// Else who asks for much and takes nothing would fill the memory.
    @Test func `a client that has not taken its answer gets no other one made`() throws {
        let channel = try server.connect()
        var bytes = Self.get("/a")
        for path in ["/b", "/c"] { bytes.writeImmutableBuffer(Self.get(path)) }
        try channel.writeInbound(bytes)
        channel.isWritable = false
        server.answer(0, "a")
        try channel.writeInbound(Self.get("/d"))
        #expect(server.scripts.paths == ["/a"])
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(server.scripts.paths == ["/a", "/b"])
        for number in 1...3 { server.answer(number, "") }
        #expect(server.scripts.paths == ["/a", "/b", "/c", "/d"])
        server.pass(74)
        #expect(channel.isActive)
        server.pass(2)
        #expect(!channel.isActive)
    }

    @Test func `a body is taken, whatever its client has not taken`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        server.answer(0, "a")
        try channel.writeInbound(ByteBuffer(string: "POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"))
        channel.isWritable = false
        try channel.writeInbound(ByteBuffer(string: "abc"))
        #expect(server.scripts.paths == ["/a", "/b"])
    }

    @Test func `exchanges of all loops have numbers of their own`() throws {
        let channel = try server.connect()
        for number in 0..<3 {
            try channel.writeInbound(Self.get("/a"))
            server.answer(number, "")
        }
        #expect(server.scripts.exchanges == [1, 2, 3])
    }

    /// It was accepted by one loop while another, which serves it, had stopped already.
    @Test func `a connection that comes to a server that stops is closed`() throws {
        server.loop.shutDownConnections()
        let emptied = server.loop.emptied()
        let channel = try server.connect()
        server.eventLoop.run()
        server.clock.advance(by: .seconds(3))
        server.eventLoop.run()
        #expect(!channel.isActive)
        #expect(server.scripts.paths == [])
        #expect(server.isDone(emptied))
    }

    @Test func `a server without connections is empty at once`() {
        #expect(server.isDone(server.loop.emptied()))
    }

    @Test func `a server is empty when the last connection has gone`() throws {
        let channel = try server.connect()
        try channel.writeInbound(Self.get("/a"))
        server.loop.shutDownConnections()
        let emptied = server.loop.emptied()
        #expect(!server.isDone(emptied))
        server.answer(0, "a")
        #expect(try server.received(channel).contains("Connection: close\r\n"))
        server.clock.advance(by: .seconds(3))
        #expect(server.isDone(emptied))
    }
}
