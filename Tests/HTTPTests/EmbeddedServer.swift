import Delivery
import EventStream
import HTTPTypes
import NIOCore
import NIOEmbedded
import Synchronization
import TestKit

@testable import HTTP

/// A server's loop over embedded channels: nothing moves but by the test.
final class EmbeddedServer {
    /// Takes every request, and answers when told.
    final class Scripts: Responder, StreamObserver {
        struct Heard {
            var requests: [(request: Request, exchange: Exchange)] = []
            var gone: [Exchange.ID] = []
            var closed: [StreamID] = []
        }
        let heard = Mutex(Heard())

        func respond(to request: Request, as destination: Destination, exchange: Exchange) {
            heard.withLock { $0.requests.append((request, exchange)) }
        }
        func clientGone(exchange: Exchange.ID) { heard.withLock { $0.gone.append(exchange) } }
        func answered(_ exchange: Exchange.ID) {}
        func completed(_ summary: RequestSummary) {}
        func streamClosed(_ stream: StreamID, reason: CloseReason) { heard.withLock { $0.closed.append(stream) } }
        func streamLagging(_ stream: StreamID, bufferedBytes: Int) {}
        func streamDrained(_ stream: StreamID) {}
        func delivered(_ tally: DeliveryTally) {}

        var gone: [Exchange.ID] { heard.withLock { $0.gone } }
        var exchanges: [Exchange.ID] { heard.withLock { $0.requests.map(\.exchange.id) } }
        var paths: [String] { heard.withLock { $0.requests.map(\.request.target.path) } }
    }

    let eventLoop = EmbeddedEventLoop()
    let clock = ManualClock()
    let scripts = Scripts()
    let loop: ServerLoop
    private var channels: [EmbeddedChannel] = []

    init(limits: HTTPLimits = HTTPLimits()) throws {
        let timers = LoopTimers(loop: eventLoop, clock: clock)
        let delivery = ChannelLoop(eventLoop: eventLoop, timers: timers, observer: scripts)
        loop = ServerLoop(
            delivery: delivery, sockets: nil, responder: scripts, limits: limits, cap: ConnectionCap(), index: 0,
            count: 1)
        loop.router = Router([.init(method: "*", pattern: try RoutePattern("/{path...}"), number: 1)])
    }

    deinit {
        for channel in channels where channel.isActive { channel.close(promise: nil) }
        eventLoop.run()
    }

    /// A connection, set up as the server does it.
    func connect(identity: TLSIdentity? = nil) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: eventLoop)
        try Pipeline.configure(channel, loop: loop, identity: identity)
        channels.append(channel)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        return channel
    }

    /// Answers the request with this number.
    func answer(_ number: Int, _ text: String) {
        let exchange = scripts.heard.withLock { $0.requests[number].exchange }
        exchange.respond(Response(status: .ok, body: .bytes(ByteBuffer(string: text))))
        eventLoop.run()
    }

    /// Moves time on by so many seconds, and runs what is due.
    func pass(_ seconds: Double) {
        clock.advance(by: .nanoseconds(Int64(seconds * 1e9)))
        eventLoop.run()
    }

    /// Runs what the loop has to do, and says whether this is done by then.
    func isDone(_ future: EventLoopFuture<Void>) -> Bool {
        var isDone = false
        future.assumeIsolated().whenComplete { _ in isDone = true }
        eventLoop.run()
        return isDone
    }

    /// What a client of this connection got since it was last asked.
    func received(_ channel: EmbeddedChannel) throws -> String {
        var bytes = ByteBuffer()
        while var buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeBuffer(&buffer) }
        return String(buffer: bytes)
    }
}
