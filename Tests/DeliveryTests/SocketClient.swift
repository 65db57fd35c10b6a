import EventStream
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The client's side of a stream over a real socket, with a small receive buffer.
struct SocketClient: Sendable {
    /// How the server's side ended.
    enum End: Sendable { case eof, reset }

    struct Received: Sendable {
        var bytes = ByteBuffer()
        var end: End?
    }

    let channel: any Channel
    let received: Watched<Received>

    static func connect(to address: SocketAddress, reads: Bool) async throws -> SocketClient {
        let received = Watched(Received())
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .channelOption(.socketOption(.so_rcvbuf), value: 16_384)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(received))
                }
            }
            .connect(to: address).get()
        return SocketClient(channel: channel, received: received)
    }

    /// Reads from now on, unless the channel has been reset meanwhile.
    func startReading() async { try? await channel.setOption(.autoRead, value: true).get() }

    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// Sends a FIN.
    func finish() async throws { try await channel.close(mode: .output) }

    /// Sends an RST.
    func reset() async throws {
        try await (channel as! any SocketOptionProvider).setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close()
    }

    /// Waits for so many bytes, and returns all that have come.
    func text(ofAtLeast count: Int) async throws -> String {
        String(buffer: try await received.value { $0.bytes.readableBytes >= count }.bytes)
    }

    /// Waits for the end, and returns all that came before it.
    func wholeText() async throws -> (text: String, end: End?) {
        let whole = try await received.value { $0.end != nil }
        return (String(buffer: whole.bytes), whole.end)
    }

    /// Waits for an event with this data, and returns all that have come.
    func events(until last: String) async throws -> [MessageEvent] {
        let mark = Array("data: \(last)\n\n".utf8)
        return try await received.value { $0.bytes.readableBytesView.suffix(mark.count).elementsEqual(mark) }.events
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let received: Watched<Received>

        init(_ received: Watched<Received>) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            received.change { $0.bytes.writeImmutableBuffer(bytes) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { end(.eof) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            end(.reset)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { end(.eof) }

        private func end(_ end: End) { received.change { $0.end = $0.end ?? end } }
    }
}

extension SocketClient.Received {
    /// The events that have come whole.
    var events: [MessageEvent] {
        var parser = EventParser()
        return parser.feed(bytes.readableBytesView)
    }
}
