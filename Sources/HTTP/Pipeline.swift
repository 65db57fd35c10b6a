import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1

/// The handlers of a plain HTTP/1.1 connection. Behind the codec there are only HTTPTypes.
enum Pipeline {
    /// Stateless, so one serves every connection.
    private static let codec = HTTP1ToHTTPServerCodec(secure: false)

    static func configure(_ channel: any Channel, check: HeadCheck, loop: ServerLoop) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = loop.limits.maxHeaderBytes
        decoding.maxHeaderListSize = loop.limits.maxHeaderBytes
        decoding.maxHeaderFieldCount = loop.limits.maxHeaderFields
        var encoding = HTTPResponseEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false  // an event stream has none
        let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: decoding)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPResponseEncoder(configuration: encoding))
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(check)
        try pipeline.addHandler(codec)
        try pipeline.addHandler(RequestHandler(loop: loop))
    }

    static func removeHTTPHandlers(from pipeline: ChannelPipeline.SynchronousOperations) {
        remove(ByteToMessageHandler<HTTPRequestDecoder>.self, from: pipeline)
        remove(HeadCheck.self, from: pipeline)
        remove(HTTP1ToHTTPServerCodec.self, from: pipeline)
        remove(HTTPResponseEncoder.self, from: pipeline)
        remove(RequestHandler.self, from: pipeline)
    }

    private static func remove<Handler: RemovableChannelHandler>(
        _ type: Handler.Type,
        from pipeline: ChannelPipeline.SynchronousOperations
    ) {
        guard let context = try? pipeline.context(handlerType: type) else { return }
        pipeline.removeHandler(context: context, promise: nil)
    }
}
