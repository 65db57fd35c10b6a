import Delivery
import EventStream
import NIOCore
import NIOPosix
import Synchronization
import TestKit

/// A delivery loop over real sockets on loopback, with small send buffers.
final class SocketStreams: Sendable {
    struct Stream: Sendable {
        let handle: StreamHandle
        /// The server's side.
        let channel: any Channel
        let client: SocketClient
        var id: StreamID { handle.id }
    }

    private struct Opening {
        let id: StreamID
        let limits: StreamLimits
        let retry: Int?
        let opened: EventLoopPromise<(any Channel, StreamHandle)>
    }

    let eventLoop: any EventLoop
    let clock = ManualClock()
    let observer = ObserverLog()
    let loop: ChannelLoop
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let opening = Mutex<Opening?>(nil)
    private let listener = Mutex<(any Channel)?>(nil)

    private init() async throws {
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        loop = try await eventLoop.submit { [clock, observer] in
            let timers = LoopTimers(loop: eventLoop, clock: clock)
            return ChannelLoop(eventLoop: eventLoop, timers: timers, observer: observer)
        }.get()
    }

    /// Runs a test with streams, and shuts everything down after it.
    static func run(_ test: (SocketStreams) async throws -> Void) async throws {
        let streams = try await SocketStreams()
        try await streams.listen()
        var failure: (any Error)?
        do { try await test(streams) } catch { failure = error }
        try await streams.group.shutdownGracefully()
        if let failure { throw failure }
    }

    private func listen() async throws {
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(.socketOption(.so_sndbuf), value: 16_384)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Adopter(streams: self))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        listener.withLock { $0 = channel }
    }

    /// Connects a client and makes its connection the next stream.
    func open(
        _ id: StreamID = 1, limits: StreamLimits = StreamLimits(pingInterval: nil), retry: Int? = nil,
        reads: Bool = true
    ) async throws -> Stream {
        let opened = eventLoop.makePromise(of: (any Channel, StreamHandle).self)
        opening.withLock { $0 = Opening(id: id, limits: limits, retry: retry, opened: opened) }
        let address = listener.withLock { $0!.localAddress! }
        let client = try await SocketClient.connect(to: address, reads: reads)
        let (channel, handle) = try await opened.futureResult.get()
        return Stream(handle: handle, channel: channel, client: client)
    }

    /// Waits until the loop has done what it was given.
    func turn() async throws { try await eventLoop.submit {}.get() }

    private func adopt(_ channel: any Channel) {
        guard let opening = opening.withLock({ $0.take() }) else { return channel.close(promise: nil) }
        let ledger = StreamLedger(maxBufferedBytes: opening.limits.maxBufferedBytes)
        loop.adopt(channel, as: opening.id, ledger: ledger, limits: opening.limits, retry: opening.retry)
        opening.opened.succeed((channel, StreamHandle(id: opening.id, ledger: ledger, loop: loop)))
    }

    private final class Adopter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let streams: SocketStreams

        init(streams: SocketStreams) { self.streams = streams }

        func channelActive(context: ChannelHandlerContext) {
            context.fireChannelActive()
            streams.adopt(context.channel)
        }
    }
}
