import Delivery
import NIOCore

/// How a connection ends.
extension RequestHandler {
    /// After our last byte, what the client still sends is read and dropped for at most that long.
    private static let lingerTime = TimeAmount.seconds(2)

    /// Ends the connection once the kernel has all that was written, however slowly the client takes it. With `lingers`
    /// our side is shut down first and what still comes is dropped: closing over unread bytes would reset the
    /// connection, and the client might never see the answer.
    func leave(_ context: ChannelHandlerContext, lingers: Bool) {
        state.end()
        guard !isLeaving else { return }
        isLeaving = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        // An empty write is done when everything before it is. (To shut a half-closed channel down would close it at
        // once, whatever is still to be written.)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            handler.value.hasWrittenAll(lingers: lingers)
        }
        if readIsHeld {
            readIsHeld = false
            context.read()
        }
    }

    private func hasWrittenAll(lingers: Bool) {
        guard let context else { return }
        guard lingers, !state.inputIsClosed else { return context.close(promise: nil) }
        let channel = context.channel
        linger = loop.timers.schedule(after: Self.lingerTime) { channel.close(promise: nil) }
        context.close(mode: .output, promise: nil)
    }

    // MARK: the server stops

    func shutDown() {
        // Nobody is owed an answer, and a farewell would wait for the handshake.
        if isShakingHands { return abort() }
        if state.shutDown(), let context { leave(context, lingers: false) }
    }

    func abort() { if let context { AbruptClose.close(context.channel) } }

    // MARK: the client takes too long

    /// Begins to wait for the client where that is due, and sees to the timer.
    func watch() {
        // Who is refused has less time than any of these, and a handshake has its own.
        guard place.refusal == nil, !isShakingHands else { return }
        if state.isToWait { state.startWait(at: loop.timers.now) }
        guard let deadline = state.deadline, timer.misses(deadline) else { return }
        timer.set(loop.timers, at: deadline) { self.timeHasPassed() }
    }

    private func timeHasPassed() {
        timer.hasCome()
        let unsent = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
        perform(state.timePassed(at: loop.timers.now, isTaking: unsent ?? 0 > 0))
        watch()
    }

    /// A request that is being read keeps the limits that it began with.
    func limitsChanged() {
        if state.isIdle { state.limits = loop.limits }
        watch()
    }
}
