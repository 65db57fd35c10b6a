import Delivery
import EventStream
import NIOCore
import NIOPosix
import Synchronization
import TestClock

/// A delivery loop over real sockets on loopback, with small send buffers.
final class SocketStreams: Sendable {
    /// The kinds of loop; each promise is kept by all.
    enum Kind: CaseIterable, Sendable { case channels, sockets }

    struct Stream: Sendable {
        let handle: StreamHandle
        /// The server's side, if it stays a channel.
        let channel: (any Channel)?
        let client: SocketClient
        var id: StreamID { handle.id }
    }

    private struct Opening {
        let id: StreamID
        let limits: StreamLimits
        let retry: Int?
        let opened: EventLoopPromise<((any Channel)?, StreamHandle)>
        let meanwhile: (@Sendable (StreamHandle) -> Void)?
    }

    let eventLoop: any EventLoop
    /// May help a socket loop too.
    let helper: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let clock = ManualClock()
    let observer = ObserverLog()
    let loop: any DeliveryLoop
    /// The loop, if it is of that kind.
    let channels: ChannelLoop?
    let sockets: SocketLoop?
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let opening = Mutex<Opening?>(nil)
    private let listener = Mutex<(any Channel)?>(nil)

    private init(_ kind: Kind) async throws {
        let eventLoop = group.next()
        self.eventLoop = eventLoop
        switch kind {
        case .channels:
            channels = try await eventLoop.submit { [clock, observer] in
                let timers = LoopTimers(loop: eventLoop, clock: clock)
                return ChannelLoop(eventLoop: eventLoop, timers: timers, observer: observer)
            }.get()
            sockets = nil
            loop = channels!
        case .sockets:
            channels = nil
            sockets = try SocketLoop(clock: clock, alarm: eventLoop, helpers: [eventLoop, helper], observer: observer)
            loop = sockets!
        }
    }

    /// Runs a test with streams, and shuts everything down after it.
    static func run(_ kind: Kind, _ test: (SocketStreams) async throws -> Void) async throws {
        let streams = try await SocketStreams(kind)
        try await streams.listen()
        var failure: (any Error)?
        do { try await test(streams) } catch { failure = error }
        if let sockets = streams.sockets { try await streams.promised { sockets.end($0) } }
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

    /// Connects a client and makes its connection the next stream. `meanwhile` runs on the event loop when the stream is
    /// expected, before its connection comes.
    func open(
        _ id: StreamID = 1, limits: StreamLimits = StreamLimits(pingInterval: nil), retry: Int? = nil,
        reads: Bool = true, meanwhile: (@Sendable (StreamHandle) -> Void)? = nil
    ) async throws -> Stream {
        let opened = eventLoop.makePromise(of: ((any Channel)?, StreamHandle).self)
        opening.withLock { $0 = Opening(id: id, limits: limits, retry: retry, opened: opened, meanwhile: meanwhile) }
        let address = listener.withLock { $0!.localAddress! }
        let client = try await SocketClient.connect(to: address, reads: reads)
        let (channel, handle) = try await opened.futureResult.get()
        // A loop that has not taken the socket yet would measure its first durations from a later time.
        try await turn()
        return Stream(handle: handle, channel: channel, client: client)
    }

    /// Waits until the loop has done what it was given.
    func turn() async throws {
        guard let sockets else { return try await eventLoop.submit {}.get() }
        // A stream that ends before it opens: what was asked for before it is done by then.
        sockets.expect(ObserverLog.fence, ledger: StreamLedger(maxBufferedBytes: 1), limits: StreamLimits())
        let passed = observer.fencesPassed
        sockets.neverOpened(ObserverLog.fence)
        try await observer.passed(passed + 1)
    }

    /// Waits until every socket of a stream is let go of.
    func released() async throws {
        if let sockets { return try await promised { sockets.emptied($0) } }
        while try await isHolding() { try await turn() }
    }

    /// Whether the socket of a stream is not let go of.
    func isHolding() async throws -> Bool {
        if let channels { return try await eventLoop.submit { channels.openCount > 0 }.get() }
        let empty = eventLoop.makePromise(of: Void.self)
        let isEmpty = Watched(false)
        empty.futureResult.whenSuccess { isEmpty.change { $0 = true } }
        sockets!.emptied(empty)
        try await turn()
        try await eventLoop.submit {}.get()
        return !isEmpty.value
    }

    func abortAll() async throws {
        if let sockets { return sockets.abortAll() }
        try await eventLoop.submit { self.channels!.abortAll() }.get()
    }

    private func promised(_ body: (EventLoopPromise<Void>) -> Void) async throws {
        let promise = eventLoop.makePromise(of: Void.self)
        body(promise)
        try await promise.futureResult.get()
    }

    private func adopt(_ channel: any Channel) {
        guard let opening = opening.withLock({ $0.take() }) else { return channel.close(promise: nil) }
        let ledger = StreamLedger(maxBufferedBytes: opening.limits.maxBufferedBytes)
        let handle = StreamHandle(id: opening.id, ledger: ledger, loop: loop)
        loop.expect(opening.id, ledger: ledger, limits: opening.limits)
        opening.meanwhile?(handle)
        if let channels {
            channels.adopt(channel, as: opening.id, ledger: ledger, limits: opening.limits, retry: opening.retry)
            return opening.opened.succeed((channel, handle))
        }
        let first = ByteBuffer(string: ":\n" + (opening.retry.map { "retry: \($0)\n" } ?? ""))
        channel.writeAndFlush(first).whenSuccess { [sockets] in
            _ = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                sockets!.adopt(opening.id, socket: $0, hasFinished: false)
            }
            channel.close(promise: nil)
            opening.opened.succeed((nil, handle))
        }
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
