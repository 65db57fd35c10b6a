import Delivery
public import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A TCP client that sends what it is told, byte for byte, and keeps what it gets.
public final class TestClient: Sendable {
    /// What was waited for did not come in time.
    public struct TimedOut: Error, CustomStringConvertible {
        public let description: String
    }

    private let channel: any Channel
    private let received: Received

    /// What has come so far, and who waits for more.
    private final class Received: Sendable {
        struct State {
            var bytes: [UInt8] = []
            var isClosed = false
            var wasReset = false
            var waiters: [Int: (condition: @Sendable (State) -> Bool, promise: EventLoopPromise<Void>)] = [:]
            var next = 0
        }
        let state = Mutex(State())

        func change(_ body: (inout State) -> Void) {
            let promises = state.withLock { state in
                body(&state)
                let met = state.waiters.filter { $0.value.condition(state) }
                for key in met.keys { state.waiters[key] = nil }
                return met.values.map(\.promise)
            }
            for promise in promises { promise.succeed() }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let received: Received
        private var handshake: EventLoopPromise<Void>?

        init(_ received: Received, handshake: EventLoopPromise<Void>?) {
            self.received = received
            self.handshake = handshake
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            received.change { $0.bytes.append(contentsOf: bytes.readableBytesView) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { received.change { $0.isClosed = true } }
            if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent { handshake?.succeed() }
        }

        func channelInactive(context: ChannelHandlerContext) {
            handshake?.fail(ChannelError.eof)
            received.change { $0.isClosed = true }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if case NIOSSLError.uncleanShutdown = error { return }  // an end as abrupt as plain TCP's
            received.change { $0.wasReset = true }
            AbruptClose.close(context.channel)
        }
    }

    private init(channel: any Channel, received: Received) {
        self.channel = channel
        self.received = received
    }

    /// - Parameters:
    ///   - reads: false makes a client that takes nothing until `startReading`.
    ///   - receiveBuffer: bytes that the kernel holds for it; nil for the system's choice.
    ///   - usesTLS: with a server whose certificate may be anybody's.
    public static func connect(
        port: Int, host: String = "127.0.0.1", reads: Bool = true, receiveBuffer: Int? = nil, usesTLS: Bool = false
    ) async throws -> TestClient {
        let received = Received()
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        // Where half-closing is allowed NIO's TLS does not see the server's farewell behind its own, and waits this long.
        configuration.shutdownTimeout = .milliseconds(50)
        let context = usesTLS ? try NIOSSLContext(configuration: configuration) : nil
        let handshake = usesTLS ? MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self) : nil
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(120))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads || usesTLS)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(AbruptClose.handler)
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try pipeline.addHandler(Handler(received, handshake: handshake))
                }
            }
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(receiveBuffer))
        }
        let channel: any Channel
        do {
            channel = try await bootstrap.connect(host: host, port: port).get()
        } catch {
            handshake?.fail(error)
            throw error
        }
        if let handshake {
            try await handshake.futureResult.get()
            try await channel.setOption(.autoRead, value: reads).get()
        }
        return TestClient(channel: channel, received: received)
    }

    // MARK: sending

    public func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }
    public func send(bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    /// Sends a request with a `Host` and no body.
    public func request(_ method: String = "GET", _ path: String, headers: [String] = []) async throws {
        try await send("\(method) \(path) HTTP/1.1\r\nHost: test\r\n" + headers.map { "\($0)\r\n" }.joined() + "\r\n")
    }

    /// Shuts the sending side down (FIN).
    public func finish() async throws { try await channel.close(mode: .output).get() }
    public func close() async throws {
        do { try await channel.close().get() } catch ChannelError.alreadyClosed {} catch NIOSSLError.uncleanShutdown {}
    }

    /// Resets the connection (RST).
    public func reset() async throws {
        let channel = self.channel
        try await channel.eventLoop.flatSubmit {
            (channel as! any SocketOptionProvider).setSoLinger(linger(l_onoff: 1, l_linger: 0)).flatMap {
                AbruptClose.close(channel)
                return channel.closeFuture
            }
        }.get()
    }

    public func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    // MARK: receiving

    /// Everything that has come so far.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
    public var bytes: [UInt8] { received.state.withLock { $0.bytes } }
    /// Whether the server ended the connection by a reset.
    public var wasReset: Bool { received.state.withLock { $0.wasReset } }

    /// Forgets what has come so far and returns it.
    public func take() -> String {
        received.state.withLock { state in
            defer { state.bytes = [] }
            return String(decoding: state.bytes, as: UTF8.self)
        }
    }

    /// Waits until what has come holds `text`, and returns everything.
    @discardableResult
    public func wait(for text: String, within limit: TimeAmount = .seconds(120)) async throws -> String {
        let wanted = Array(text.utf8)
        try await wait("'\(text)'", limit) { state in contains(state.bytes, wanted) }
        return self.text
    }

    public func wait(forBytes count: Int, within limit: TimeAmount = .seconds(120)) async throws {
        try await wait("\(count) bytes", limit) { $0.bytes.count >= count }
    }

    /// Waits until the server has ended the connection, and returns everything.
    @discardableResult
    public func waitForEnd(within limit: TimeAmount = .seconds(120)) async throws -> String {
        try await wait("the end", limit) { $0.isClosed || $0.wasReset }
        return text
    }

    private func wait(
        _ what: String, _ limit: TimeAmount, until condition: @escaping @Sendable (Received.State) -> Bool
    ) async throws {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        let number = received.state.withLock { state -> Int? in
            guard !condition(state) else { return nil }
            state.next += 1
            state.waiters[state.next] = (condition, promise)
            return state.next
        }
        guard let number else { return promise.succeed() }
        let received = self.received
        let timer = channel.eventLoop.scheduleTask(in: limit) {
            let waiter = received.state.withLock { $0.waiters.removeValue(forKey: number) }
            let text = received.state.withLock { String(decoding: $0.bytes.suffix(2000), as: UTF8.self) }
            waiter?.promise.fail(TimedOut(description: "waited \(limit) for \(what); got: \(text.debugDescription)"))
        }
        try await promise.futureResult.get()
        timer.cancel()
    }
}

private func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
    guard wanted.count <= bytes.count, let first = wanted.first else { return wanted.isEmpty }
    for start in 0...(bytes.count - wanted.count) where bytes[start] == first {
        if bytes[start..<start + wanted.count].elementsEqual(wanted) { return true }
    }
    return false
}
