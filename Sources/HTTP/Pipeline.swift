import Delivery
import NIOCore
import NIOHTTP1
import NIOSSL

/// The handlers of an HTTP/1.1 connection. Behind `HeadCheck` there are only HTTPTypes.
enum Pipeline {
    /// Starts small for the sake of those who only listen, and grows for those who publish.
    private static let receiveBuffer = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 512, maximum: 65536)

    /// With an identity the connection speaks TLS.
    static func configure(
        _ channel: any Channel, loop: ServerLoop, identity: TLSIdentity? = nil
    ) throws {
        guard let place = loop.cap.enter(channel, loop.limits) else { return channel.close(promise: nil) }
        let options = channel.syncOptions!  // a socket has them; the bootstrap's take a future each
        try options.setOption(.allowRemoteHalfClosure, value: true)
        try options.setOption(.recvAllocator, value: receiveBuffer)
        let pipeline = channel.pipeline.syncOperations
        if let identity {
            try pipeline.addHandler(AbruptClose.handler)
            try pipeline.addHandler(NIOSSLServerHandler(context: identity.context))
            try pipeline.addHandler(HandshakeDeadline(timers: loop.timers, after: loop.limits.tlsHandshakeTimeout))
        }
        let decoder = RequestDecoder(limits: loop.limits)
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(HeadCheck(loop: loop, decoder: decoder))
        try pipeline.addHandler(RequestHandler(loop: loop, place: place, isSecure: identity != nil))
    }

    static func removeHTTPHandlers(from channel: any Channel) {
        let pipeline = channel.pipeline.syncOperations
        if let parser = try? pipeline.context(handlerType: ByteToMessageHandler<RequestDecoder>.self) {
            try? pipeline.addHandler(silence, position: .after(parser.handler))
            pipeline.removeHandler(context: parser, promise: nil)
            // The parser leaves in the next turn of the loop.
            channel.eventLoop.execute { remove(Silence.self, from: channel.pipeline.syncOperations) }
        }
        remove(HeadCheck.self, from: pipeline)
        remove(RequestHandler.self, from: pipeline)
    }

    private static let silence = Silence()

    /// Stands behind a parser that leaves: what it makes of the bytes behind a stream's request is nobody's business,
    /// and must not end the stream.
    private final class Silence: ChannelInboundHandler, RemovableChannelHandler, Sendable {
        typealias InboundIn = HTTPServerRequestPart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            switch error {
            case is HTTPParserError, is RequestError, is ByteToMessageDecoderError: break
            default: context.fireErrorCaught(error)
            }
        }
    }

    private static func remove<Handler: RemovableChannelHandler>(
        _ type: Handler.Type,
        from pipeline: ChannelPipeline.SynchronousOperations
    ) {
        guard let context = try? pipeline.context(handlerType: type) else { return }
        pipeline.removeHandler(context: context, promise: nil)
    }
}
