import Delivery
import EventStream
import NIOCore
import NIOHTTPTypes

/// How a connection's socket leaves for a delivery thread.
extension RequestHandler {
    /// Hands the connection's socket to another loop once the head is with the kernel, and lets go of the channel.
    func handOver(
        _ opening: StreamOpening, to sockets: any SocketDelivery, _ context: ChannelHandlerContext
    ) {
        let id = opening.id
        let first = StreamHead.firstBytes(retry: opening.retry, event: opening.welcome)
        isLeaving = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.body(first))).whenComplete { result in
            handler.value.headIsOut(result, id, sockets)
        }
    }

    private func headIsOut(_ result: Result<Void, any Error>, _ id: StreamID, _ sockets: any SocketDelivery) {
        guard case .success = result, let context else { return sockets.neverOpened(id) }
        let pipeline = context.channel.pipeline.syncOperations
        let hasFinished = state.inputIsClosed
        loop.cap.handOver(place, to: id)
        let isTaken = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            sockets.adopt(id, socket: socket, hasFinished: hasFinished)
        }
        if isTaken == nil { sockets.neverOpened(id) }
        if isTaken != true { loop.cap.takeBack(place, from: id) }
        if loop.isShuttingDown { sockets.close(id, reason: .shutdown) }
        context.close(promise: nil)
    }
}
