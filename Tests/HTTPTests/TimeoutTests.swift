import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import NIOTLS
import Synchronization
import TestKit
import Testing

@testable import HTTP

/// Line 14 of the promises: slow heads and bodies, and idle connections. The defaults: 10 s, 60 s, 75 s.
@Suite struct TimeoutTests {
    enum Event: Sendable {
        case send(String)
        /// So many bytes, one a second.
        case trickle(String)
        /// A script answers the request with this number.
        case answer(Int)
        case finish
    }

    enum Outcome: Sendable { case timedOut, closed, open }

    /// What happens on a connection, with the seconds since its begin, and when it ends by a time-out.
    struct Course: Sendable, CustomTestStringConvertible {
        let name: String
        let events: [(at: Double, event: Event)]
        let limits: HTTPLimits
        let outcome: Outcome
        let end: Double
        var testDescription: String { name }

        init(
            _ name: String, _ events: [(Double, Event)], _ outcome: Outcome, at end: Double = 1e6,
            limits: HTTPLimits = HTTPLimits()
        ) {
            self.name = name
            self.events = events.map { (at: $0.0, event: $0.1) }
            self.limits = limits
            self.outcome = outcome
            self.end = end
        }
    }

    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    private static let halfHead = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: y"
    private static let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
    private static let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let long = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    private static let expecting = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    private static let never = HTTPLimits(headerTimeout: nil, bodyTimeout: nil, idleTimeout: nil)
    private static let short = HTTPLimits(
        headerTimeout: .seconds(1), bodyTimeout: .seconds(2), idleTimeout: .seconds(3))

    static let heads = [
        Course("nothing is sent", [], .closed, at: 10),
        Course("only empty lines are sent", [(1, .send("\r\n")), (5, .send("\r\n\r\n"))], .closed, at: 10),
        Course("one byte is sent", [(0, .send("G"))], .timedOut, at: 10),
        Course("the first byte comes late", [(9, .send("G"))], .timedOut, at: 10),
        Course("the first byte comes behind an empty line", [(9, .send("\r\nG"))], .timedOut, at: 10),
        Course("a method is sent", [(0, .send("OPTIONS "))], .timedOut, at: 10),
        Course("a request line is sent", [(0, .send("GET / HTTP/1.1\r\n"))], .timedOut, at: 10),
        Course("a head does not end", [(0, .send(halfHead))], .timedOut, at: 10),
        Course("a head lacks its last byte", [(0, .send(String(get.dropLast())))], .timedOut, at: 10),
        Course("a head comes a byte a second", [(0, .trickle(halfHead))], .timedOut, at: 10),
        Course("an HTTP/1.0 head does not end", [(0, .send("GET / HTTP/1.0\r\nX: y"))], .timedOut, at: 10),
    ]

    static let bodies = [
        Course("no body is sent", [(9, .send(post))], .timedOut, at: 69),
        Course("a body lacks a byte", [(0, .send(post + "abcd"))], .timedOut, at: 60),
        Course(
            "a body comes a byte a second", [(0, .send(long)), (1, .trickle(halfHead + halfHead))], .timedOut, at: 60),
        Course(
            "a head comes in pieces, a body does not", [(0, .send("POST")), (8, .send(post.dropFirst(4) + ""))],
            .timedOut, at: 68),
        Course("no chunk is sent", [(0, .send(chunked))], .timedOut, at: 60),
        Course("chunks do not end", [(0, .send(chunked)), (30, .send("3\r\nabc\r\n"))], .timedOut, at: 60),
        Course("a chunk does not end", [(0, .send(chunked)), (30, .send("3\r\nab"))], .timedOut, at: 60),
        Course("trailers do not end", [(0, .send(chunked)), (30, .send("0\r\nX: y"))], .timedOut, at: 60),
        Course("a client that was told to go on does not", [(1, .send(expecting))], .timedOut, at: 61),
    ]

    static let idle = [
        Course("there is no second request", [(1, .send(get)), (3, .answer(0))], .closed, at: 78),
        Course("there is none behind a body", [(1, .send(post + "abcde")), (3, .answer(0))], .closed, at: 78),
        Course(
            "there is none behind a late body", [(1, .send(post)), (2, .send("abcde")), (3, .answer(0))], .closed,
            at: 78),
        Course(
            "there is none behind chunks", [(1, .send(chunked + "1\r\na\r\n0\r\n\r\n")), (3, .answer(0))], .closed,
            at: 78),
        Course(
            "there is a second one in time",
            [(1, .send(get)), (3, .answer(0)), (77, .send(get)), (78, .answer(1))], .closed, at: 153),
        Course(
            "empty lines are sent", [(0, .send(get)), (0, .answer(0)), (9, .send("\r\n")), (70, .send("\r\n"))],
            .closed, at: 75),
    ]

    static let laterRequests = [
        Course("its head does not end", [(0, .send(get)), (2, .answer(0)), (50, .send("GE"))], .timedOut, at: 60),
        Course(
            "its head begins late", [(0, .send(get)), (2, .answer(0)), (76, .send("G")), (80, .send("ET / "))],
            .timedOut, at: 86),
        Course(
            "its head comes a byte a second", [(0, .send(get)), (2, .answer(0)), (70, .trickle(halfHead))], .timedOut,
            at: 80),
        Course(
            "its head begins behind an empty line", [(0, .send(get)), (2, .answer(0)), (50, .send("\r\nG"))], .timedOut,
            at: 60),
        Course("its head begins behind a body", [(0, .send(post + "abcdeGET /")), (2, .answer(0))], .timedOut, at: 12),
        Course(
            "its method begins with the end of a body",
            [(0, .send(post + "abcdeGE")), (2, .answer(0)), (50, .send("T"))], .timedOut, at: 60),
        Course("its body does not come", [(0, .send(get)), (2, .answer(0)), (50, .send(post))], .timedOut, at: 110),
        Course(
            "its head is in time, and so is its body",
            [
                (0, .send(get)), (2, .answer(0)), (50, .send("POST")), (59, .send(post.dropFirst(4) + "a")),
                (118, .send("bcde")),
            ], .open),
    ]

    static let waiting = [
        Course("a script has not answered", [(0, .send(get))], .open),
        Course("a script has not answered a late body", [(0, .send(post)), (1, .send("abcde"))], .open),
        Course(
            "two wait, and are answered", [(0, .send(get + get)), (100, .answer(0)), (200, .answer(1))], .closed,
            at: 275),
        Course(
            "one waits, and half a head behind it", [(0, .send(get + halfHead)), (100, .answer(0))], .timedOut, at: 110),
        Course(
            "two wait, and half a head behind them",
            [(0, .send(get + get + halfHead)), (100, .answer(0)), (150, .answer(1))], .timedOut, at: 160),
        Course(
            "one waits, and half a head behind it becomes a whole one",
            [(0, .send(get + halfHead)), (50, .send("\r\n\r\n")), (100, .answer(0)), (200, .answer(1))], .closed,
            at: 275),
        Course(
            "one waits, and a head without a body behind it", [(0, .send(get + post)), (100, .answer(0))], .timedOut,
            at: 160),
        Course("it is half-closed", [(0, .send(get)), (1, .finish)], .open),
    ]

    static let settings = [
        Course("short times, no byte", [], .closed, at: 1, limits: short),
        Course("short times, a head", [(0.5, .send("G"))], .timedOut, at: 1, limits: short),
        Course("short times, a body", [(0.5, .send(post))], .timedOut, at: 2.5, limits: short),
        Course("short times, idle", [(0.5, .send(get)), (0.5, .answer(0))], .closed, at: 3.5, limits: short),
        Course("no time, no byte", [], .open, limits: never),
        Course("no time, a head", [(0, .send(halfHead))], .open, limits: never),
        Course("no time, a body", [(0, .send(post))], .open, limits: never),
        Course("no time, idle", [(0, .send(get)), (0, .answer(0))], .open, limits: never),
        Course("heads may take long, and no byte is idle", [], .closed, at: 75, limits: HTTPLimits(headerTimeout: nil)),
        Course(
            "heads may take long, and one does", [(0, .send(halfHead))], .open, limits: HTTPLimits(headerTimeout: nil)),
        Course("a body may take long", [(0, .send(post))], .open, limits: HTTPLimits(bodyTimeout: nil)),
        Course(
            "only idle connections have time", [(0, .send(get)), (0, .answer(0)), (1000, .send("G"))], .timedOut,
            at: 1010,
            limits: HTTPLimits(idleTimeout: nil)),
        Course(
            "a fraction of a second", [(0, .send("G"))], .timedOut, at: 0.25,
            limits: HTTPLimits(headerTimeout: .milliseconds(250))),
    ]

    @Test(arguments: heads) func `the time for a head is for the whole`(_ course: Course) throws { try run(course) }
    @Test(arguments: bodies) func `the time for a body is for the whole`(_ course: Course) throws { try run(course) }
    @Test(arguments: idle) func `an idle connection is closed`(_ course: Course) throws { try run(course) }
    @Test(arguments: laterRequests) func `a later request has the same time`(_ course: Course) throws {
        try run(course)
    }
    @Test(arguments: waiting) func `who waits for a script has any time`(_ course: Course) throws { try run(course) }
    @Test(arguments: settings) func `each time can be set, and be none`(_ course: Course) throws { try run(course) }

    private func run(_ course: Course) throws {
        let server = try EmbeddedServer(limits: course.limits)
        let channel = try server.connect()
        var now = 0.0
        func wait(until time: Double) {
            server.pass(time - now)
            now = time
        }
        for (time, event) in course.events {
            wait(until: time)
            switch event {
            case .send(let text): try channel.writeInbound(ByteBuffer(string: text))
            case .trickle(let text):
                for byte in text.utf8.prefix(Int(course.end - 0.5 - now) + 1) {
                    try channel.writeInbound(ByteBuffer(bytes: [byte]))
                    wait(until: min(now + 1, course.end - 0.5))
                }
            case .answer(let number): server.answer(number, "ok")
            case .finish: channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
            }
        }
        wait(until: course.end - 0.001)
        #expect(channel.isActive)
        let before = try server.received(channel)
        #expect(!before.contains("408"))
        wait(until: course.end + 0.001)
        let last = try server.received(channel)
        switch course.outcome {
        case .open:
            #expect(channel.isActive)
            #expect(last == "")
            channel.close(promise: nil)
            server.eventLoop.run()
        case .closed:
            #expect(!channel.isActive)
            #expect(last == "")
        case .timedOut:
            #expect(last.hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            #expect(last.contains("\r\nConnection: close\r\n"))
            // As after every error: what the client still sends is read and dropped.
            try channel.writeInbound(ByteBuffer(string: Self.get))
            #expect(try server.received(channel) == "")
            wait(until: now + 2)
            #expect(!channel.isActive)
        }
        #expect(server.loop.timers.count == 0)
        #expect(server.isDone(server.loop.emptied()))
    }

    @Test func `a client that was told to go on and does not gets a second answer`() throws {
        let server = try EmbeddedServer()
        let channel = try server.connect()
        try channel.writeInbound(ByteBuffer(string: Self.expecting))
        #expect(try server.received(channel) == "HTTP/1.1 100 Continue\r\n\r\n")
        server.pass(60)
        #expect(try server.received(channel).hasPrefix("HTTP/1.1 408 "))
    }

    @Test func `a half-closed request is answered after any time`() throws {
        let server = try EmbeddedServer()
        let channel = try server.connect()
        try channel.writeInbound(ByteBuffer(string: Self.get))
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        server.pass(1000)
        server.answer(0, "late")
        #expect(try server.received(channel).hasSuffix("\r\n\r\nlate"))
        #expect(!channel.isActive)
        #expect(server.loop.timers.count == 0)
    }

    /// However many requests it serves: setting a timer for each would cost more than some requests.
    @Test func `a connection has one timer, which is set when it comes`() throws {
        let server = try EmbeddedServer()
        let channel = try server.connect()
        let first = server.clock.nextDeadline
        for number in 0..<100 {
            try channel.writeInbound(ByteBuffer(string: Self.get))
            server.answer(number, "")
            #expect(server.loop.timers.count == 1)
            #expect(server.clock.nextDeadline == first)
            server.clock.advance(by: .milliseconds(1))
        }
    }

    @Test func `a connection that is closed leaves no timer`() throws {
        let server = try EmbeddedServer()
        for text in ["", "G", Self.halfHead, Self.post, Self.get] {
            let channel = try server.connect()
            if !text.isEmpty { try channel.writeInbound(ByteBuffer(string: text)) }
            #expect(server.loop.timers.count == 1)
            channel.close(promise: nil)
            server.eventLoop.run()
            #expect(server.loop.timers.count == 0)
        }
    }

    @Test func `an open stream has any time`() throws {
        let server = try EmbeddedServer()
        let channel = try server.connect()
        try channel.writeInbound(ByteBuffer(string: Self.get + Self.halfHead))
        let exchange = server.scripts.heard.withLock { $0.requests[0].exchange }
        let (ledger, limits) = (StreamLedger(maxBufferedBytes: 100), StreamLimits(pingInterval: nil))
        exchange.deliveryLoop.expect(1, ledger: ledger, limits: limits)
        exchange.open(StreamOpening(id: 1, ledger: ledger, limits: limits, retry: nil, headers: []))
        server.eventLoop.run()
        #expect(try server.received(channel).hasSuffix("\r\n\r\n:\n"))
        #expect(server.loop.timers.count == 0)
        server.pass(1e6)
        #expect(channel.isActive)
        #expect(try server.received(channel) == "")
    }

    private static func identity() throws -> TLSIdentity {
        let directory = try TemporaryDirectory([
            "key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate,
        ])
        return try TLSIdentity(key: directory.path + "/key.pem", certificate: directory.path + "/certificate.pem")
    }

    @Test func `the time for a head begins after the TLS handshake`() throws {
        let server = try EmbeddedServer(limits: HTTPLimits(tlsHandshakeTimeout: nil))
        let channel = try server.connect(identity: Self.identity())
        channel.pipeline.fireChannelReadComplete()
        #expect(server.loop.timers.count == 0)
        server.pass(1000)
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #expect(server.loop.timers.count == 1)
        server.pass(9.999)
        #expect(server.loop.timers.count == 1)
        server.pass(0.002)
        #expect(server.loop.timers.count == 0)
    }

    @Test func `a server that stops does not wait for handshakes`() throws {
        let directory = try TemporaryDirectory([
            "key.pem": TestCertificate.key, "certificate.pem": TestCertificate.certificate,
        ])
        let identity = try TLSIdentity(
            key: directory.path + "/key.pem", certificate: directory.path + "/certificate.pem")
        let server = try EmbeddedServer(limits: HTTPLimits(tlsHandshakeTimeout: nil))
        let channel = try server.connect(identity: identity)
        server.loop.shutDownConnections()
        server.eventLoop.run()
        #expect(!channel.isActive)
    }

    @Test(arguments: [(TimeAmount.seconds(10), false), (.seconds(1), false), (nil, false), (.seconds(10), true)])
    func `a TLS handshake has its time`(time: TimeAmount?, shakesHands: Bool) throws {
        let server = try EmbeddedServer(
            limits: HTTPLimits(headerTimeout: nil, idleTimeout: nil, tlsHandshakeTimeout: time))
        let channel = try server.connect(identity: Self.identity())
        if shakesHands {
            channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
            #expect(server.loop.timers.count == 0)
        }
        server.pass(Double((time ?? .seconds(10)).nanoseconds) / 1e9 - 0.001)
        #expect(channel.isActive)
        server.pass(0.002)
        #expect(channel.isActive == (time == nil || shakesHands))
    }
}
