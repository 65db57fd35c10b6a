import Delivery
import EventStream
import NIOCore

/// How a connection's socket leaves for a delivery thread.
extension RequestHandler {
    /// Hands the connection's socket to another loop once the head is with the kernel, and lets go of the channel.
    func handOver(
        _ opening: StreamOpening, _ head: ResponseHead, to sockets: any SocketDelivery, _ context: ChannelHandlerContext
    ) {
        let id = opening.id
        let first = StreamHead.firstBytes(retry: opening.retry, event: opening.welcome)
        var bytes = head.bytes(room: first.readableBytes)
        bytes.writeImmutableBuffer(first)
        isLeaving = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { result in
            handler.value.headIsOut(result, id, sockets)
        }
    }

    private func headIsOut(_ result: Result<Void, any Error>, _ id: StreamID, _ sockets: any SocketDelivery) {
        guard case .success = result, let context else { return sockets.neverOpened(id) }
        let hasFinished = state.inputIsClosed
        loop.cap.handOver(place, to: id)
        let isTaken = Self.socket(of: context.channel).map { sockets.adopt(id, socket: $0, hasFinished: hasFinished) }
        if isTaken == nil { sockets.neverOpened(id) }
        if isTaken != true { loop.cap.takeBack(place, from: id) }
        if loop.isShuttingDown { sockets.close(id, reason: .shutdown) }
        context.close(promise: nil)
    }

    /// What `withUnsafeTransportIfAvailable` gives. That asks for the type of the transport in its cast, which compares
    /// generic requirements by name, each time anew: a tenth of all the work to open a stream.
    private static func socket(of channel: any Channel) -> NIOBSDSocket.Handle? {
        func transport(_ core: some NIOTransportAccessibleChannelCore) -> NIOBSDSocket.Handle? {
            try? core.withUnsafeTransport { $0 as? NIOBSDSocket.Handle }
        }
        return (channel._channelCore as? any NIOTransportAccessibleChannelCore).flatMap { transport($0) }
    }
}
