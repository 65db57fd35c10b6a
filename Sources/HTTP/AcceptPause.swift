import Logging
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Stops accepting for a while when the system has no descriptors or no memory for a connection. Asking again at once
/// would keep the loop busy and hold up those who are served.
///
/// NIO's `AcceptBackoffHandler` delays its reads, but the socket stays registered, and says at once that it is readable.
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let time = TimeAmount.seconds(1)
    private let log: Logger

    init(log: Logger) { self.log = log }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that was gone before it was accepted is none of these.
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else { return }
        log.warning("cannot accept connections, trying again in a second: \(error.description)")
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)
        channel.eventLoop.scheduleTask(in: Self.time) { try channel.syncOptions?.setOption(.autoRead, value: true) }
    }
}
