public import NIOCore

/// Stands between a connection's socket and what encrypts it: closed from here, a connection ends as it is, without the
/// encryption's farewell, which would say that all was sent and would wait for the client's.
///
/// Stateless, so one serves every connection.
public final class AbruptClose: ChannelOutboundHandler, Sendable {
    public typealias OutboundIn = ByteBuffer

    public static let handler = AbruptClose()

    private init() {}

    /// Closes a channel at once, whether it has such a handler or is not encrypted. On its loop.
    public static func close(_ channel: any Channel) {
        if let context = try? channel.pipeline.syncOperations.context(handlerType: AbruptClose.self) {
            context.close(promise: nil)
        } else {
            channel.close(promise: nil)
        }
    }
}
