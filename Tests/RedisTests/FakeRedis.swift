import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestKit

/// A server that answers what a test says, on a free loopback port.
final class FakeRedis: Sendable {
    /// What it does with bytes that it has read.
    enum Answer {
        case text(String)
        case close
        case silence
    }

    /// What it read, a line per read: `1: …` for the first connection, line ends as spaces.
    private let received = TestLog()
    private let answer: @Sendable (Int, String) -> Answer
    private let channels = Mutex<[any Channel]>([])
    private let listener = Mutex<(any Channel)?>(nil)

    /// - Parameter answer: what follows on a read, by the number of its connection, from 1.
    static func start(_ answer: @escaping @Sendable (Int, String) -> Answer) async throws -> FakeRedis {
        let server = FakeRedis(answer)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(server, number: server.add(channel)))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.listener.withLock { $0 = listener }
        return server
    }

    private init(_ answer: @escaping @Sendable (Int, String) -> Answer) { self.answer = answer }

    var url: String { "redis://127.0.0.1:\(listener.withLock { $0?.localAddress?.port ?? 0 })" }

    /// Waits until it has read this.
    @discardableResult
    func read(_ text: String) async -> String { await received.wait(for: text) }

    /// What is sent unasked, on the newest connection.
    func send(_ text: String) async throws {
        guard let channel = channels.withLock({ $0.last }) else { return }
        try await channel.writeAndFlush(ByteBuffer(string: text))
    }

    func stop() async throws {
        let channels = channels.withLock { $0 } + listener.withLock { $0.map { [$0] } ?? [] }
        for channel in channels { try? await channel.close() }
    }

    private func add(_ channel: any Channel) -> Int {
        channels.withLock { channels in
            channels.append(channel)
            return channels.count
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let server: FakeRedis
        private let number: Int

        init(_ server: FakeRedis, number: Int) {
            self.server = server
            self.number = number
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = String(buffer: unwrapInboundIn(data))
            switch server.answer(number, text) {
            case .text(let answer): context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
            case .close: context.close(promise: nil)
            case .silence: break
            }
            server.received.logger.info("\(number): \(text.replacing("\r\n", with: " "))")
        }
    }
}

extension FakeRedis {
    /// The answer to a handshake without password and database.
    static let welcome = Answer.text("+OK\r\n+PONG\r\n")
}
