import Delivery
import NIOCore
import NIOTLS

/// Closes a connection whose TLS handshake takes too long.
final class HandshakeDeadline: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let timers: LoopTimers
    private let time: TimeAmount?
    private var timer: LoopTimers.Token?

    init(timers: LoopTimers, after time: TimeAmount?) {
        self.timers = timers
        self.time = time
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = time.map { timers.schedule(after: $0) { AbruptClose.close(channel) } }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        if let timer { timers.cancel(timer) }
        timer = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }
}
