import NIOCore
import NIOTLS

/// The end of one channel: parses what Redis sends for its connection.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: RedisConnection
    private let attempt: RedisConnectionState.Attempt
    private let isSecure: Bool
    private var parser = RESPParser()

    init(_ connection: RedisConnection, attempt: RedisConnectionState.Attempt, isSecure: Bool) {
        self.connection = connection
        self.attempt = attempt
        self.isSecure = isSecure
    }

    func channelActive(context: ChannelHandlerContext) {
        connection.attach(context.channel, attempt)
        if !isSecure { connection.opened(attempt) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { connection.opened(attempt) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data))
        connection.heard(attempt)
        // A write that fails reads what is left, while its caller does not expect to be called back.
        connection.outsideFlush { self.readValues() }
    }

    private func readValues() {
        do {
            // What a value leads to may end the connection.
            while connection.isCurrent(attempt), let value = try parser.next() { connection.receive(value) }
        } catch {
            connection.lost(attempt, .protocolViolation("\(error)"))
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) { connection.heard(attempt) }

    func channelInactive(context: ChannelHandlerContext) {
        connection.lost(attempt, .connectionLost("Redis closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.broke(attempt, error)
        context.close(promise: nil)
    }
}
