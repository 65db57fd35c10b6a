import NIOCore

/// Stands for the kernel below an embedded channel: may refuse to take bytes, and lets our side be shut down alone.
final class Kernel: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    /// How often it was given bytes.
    private(set) var flushes = 0
    private(set) var closes: [CloseMode] = []
    /// Runs in place of the next flush.
    var onFlush: ((ChannelHandlerContext) -> Void)?
    private var isFull = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// From now on nothing is taken.
    func fill() { isFull = true }

    /// Takes what has been flushed, and all that comes.
    func drain() {
        isFull = false
        context?.flush()
    }

    func flush(context: ChannelHandlerContext) {
        flushes += 1
        if let onFlush {
            self.onFlush = nil
            onFlush(context)
        } else if !isFull {
            context.flush()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        closes.append(mode)
        if mode == .all { context.close(mode: mode, promise: promise) } else { promise?.succeed() }
    }
}
