import EventStream
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// One open stream on a NIO channel: performs what `StreamState` says. Lives on its loop.
final class ChannelStream {
    let id: StreamID
    let ledger: StreamLedger
    private let channel: any Channel
    private unowned let loop: ChannelLoop
    private let timers: LoopTimers
    private var state: StreamState
    private var timer: LoopTimers.Token?
    /// Frames that wait until the kernel has taken what the channel holds; replayed ones are not in the ledger.
    private var backlog = StreamQueue()
    /// Bytes given to `write` that the kernel did not have when last looked.
    private var unwritten = 0
    /// Bytes that the channel held then.
    private var held = 0
    private var isBackedUp = false
    var groups: Set<GroupID> = []
    private var isLagging = false
    private var flushIsDue = false
    /// Since the last flush.
    private var written = (bytes: 0, events: 0)
    private var tally = DeliveryTally()

    /// After our side is shut down, what the client still sends is read and dropped for at most that long: closing
    /// over unread bytes would reset the connection, and the client might lose the end of the stream.
    private static let lingerTime = TimeAmount.seconds(2)

    init(
        id: StreamID, channel: any Channel, ledger: StreamLedger, limits: StreamLimits, loop: ChannelLoop,
        timers: LoopTimers
    ) {
        self.id = id
        self.channel = channel
        self.ledger = ledger
        self.loop = loop
        self.timers = timers
        self.state = StreamState(limits: limits, now: timers.now)
        watchClock()
    }

    // MARK: sending

    /// Writes a frame that the ledger has admitted.
    func write(_ frame: StreamFrame) {
        guard !state.isClosed else { return ledger.settle(frame.count) }
        state.wrote(isEvent: frame.isEvent, now: timers.now)
        unwritten += frame.count
        if isBackedUp {
            let limits = state.limits
            if limits.onSlow == .dropOldest || limits.onSlow == .conflate {
                let room = backlog.makeRoom(for: frame, limit: limits.maxBufferedBytes, policy: limits.onSlow)
                ledger.settle(room.settled)
                unwritten -= room.settled
                tally.dropped += room.dropped
            }
            backlog.append(frame, .entered)
            noteLag()
        } else {
            channel.write(frame.bytes, promise: nil)
            written.bytes += frame.count
            if frame.isEvent { written.events += 1 }
            guard !flushIsDue else { return }
            flushIsDue = true
            loop.scheduleFlush(of: self)
        }
    }

    /// Writes frames that others hold anyway, at the pace at which the client takes them: while they wait they are not in
    /// the ledger.
    func replay(_ frames: [ByteBuffer]) {
        guard !state.isClosed, !frames.isEmpty else { return }
        for frame in frames { backlog.append(StreamFrame(frame), .free) }
        pump()
    }

    /// An event was dropped that its sender could not enter.
    func noteDropped() {
        guard state.isOpen else { return }
        backlog.noteDropped()
        tally.dropped += 1
        pump()
    }

    /// Gives a shared frame, if the stream can take it.
    func offer(_ frame: StreamFrame) {
        guard state.isOpen else { return }
        // The sender may have closed the ledger since, for a close that comes after this frame.
        switch ledger.admit(frame.count, isEvent: true, evenIfClosed: true) {
        case .admitted: write(frame)
        case .full where flushIsDue:
            // Much was sent in one turn; whether the client is slow shows only now.
            flush()
            offer(frame)
        case .full where state.limits.onSlow != .disconnect: noteDropped()
        case .full:
            ledger.close()
            overflowed()
        case .closed: break
        }
    }

    /// Tells the client when to come back; it may only stand between events, where it always does.
    func tellRetry(_ milliseconds: Int) {
        guard state.isOpen else { return }
        var frame = ByteBuffer()
        EventEncoder.writeRetry(milliseconds, to: &frame)
        if ledger.admit(frame.readableBytes, isEvent: false) == .admitted {
            write(StreamFrame(frame, isEvent: false))
        }
    }

    func flush() {
        flushIsDue = false
        guard !state.isClosed else { return }
        channel.flush()
        tally.wrote(written.bytes, events: written.events)
        written = (0, 0)
        loop.delivered(tally)
        tally = DeliveryTally()
        guard !state.isClosed else { return }  // the connection failed under it
        settle()
    }

    /// Takes what the kernel has by now off the ledger.
    private func settle() {
        let had = held
        held = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if held < had { state.progressed(now: timers.now) }
        let waiting = backlog.enteredBytes
        ledger.settle(unwritten - held - waiting)
        unwritten = held + waiting
        guard held > 0 else {
            if backlog.isEmpty { caughtUp() }
            return
        }
        noteLag()
        guard !isBackedUp else { return }
        isBackedUp = true
        // An empty write completes when everything before it is with the kernel.
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        channel.writeAndFlush(ByteBuffer()).whenSuccess { bound.value.unblocked() }
    }

    private func unblocked() {
        isBackedUp = false
        guard !state.isClosed else { return }
        state.progressed(now: timers.now)
        pump()
        if !isBackedUp { flush() }
    }

    private static let pieceSize = 64 << 10

    /// Writes what waits, piece by piece, until the kernel takes no more.
    private func pump() {
        while !isBackedUp, !backlog.isEmpty, !state.isClosed {
            var size = 0
            while size < Self.pieceSize, let (bytes, isEvent, entered) = backlog.popFirst() {
                size += bytes.readableBytes
                if entered == 0 {
                    state.wrote(isEvent: true, now: timers.now)
                    ledger.enter(bytes.readableBytes)
                    unwritten += bytes.readableBytes
                }
                channel.write(bytes, promise: nil)
                written.bytes += bytes.readableBytes
                if isEvent { written.events += 1 }
            }
            flush()
        }
    }

    private func caughtUp() {
        if isLagging {
            isLagging = false
            loop.drained(self)
        }
        perform(state.flushed())
    }

    private func noteLag() {
        guard !isLagging, ledger.isLagging else { return }
        isLagging = true
        loop.lagging(self)
    }

    // MARK: ending

    func close(_ reason: CloseReason) {
        if flushIsDue { flush() }
        perform(state.close(reason, queueIsEmpty: queueIsEmpty, now: timers.now))
        watchClock()
    }

    func overflowed() { perform(state.overflowed()) }

    /// The connection is gone.
    func lost(_ reason: CloseReason) {
        guard let reason = state.lost(reason) else { return }
        leave(reason)
    }

    /// Nothing that was sent has been acknowledged, or taken, for too long.
    private func timedOut() { lost(queueIsEmpty ? .client : .slow) }

    private var queueIsEmpty: Bool { !isBackedUp && !flushIsDue }

    private func perform(_ action: StreamState.Action) {
        switch action {
        case .none: break
        case .flushThenClose: ledger.close()
        case .heartbeat:
            let frame = state.limits.heartbeat.bytes
            if ledger.admit(frame.readableBytes, isEvent: false) == .admitted {
                write(StreamFrame(frame, isEvent: false))
            }
        case .close(let reason):
            leave(reason)
            shutDown()
        case .reset(let reason):
            leave(reason)
            reset()
        }
    }

    private func leave(_ reason: CloseReason) {
        if let timer { timers.cancel(timer) }
        timer = nil
        ledger.close()
        ledger.settle(unwritten)
        unwritten = 0
        loop.delivered(tally)
        tally = DeliveryTally()
        backlog = StreamQueue()
        loop.forget(self, reason: reason)
    }

    private func reset() {
        // Done at once: we are on the channel's loop.
        (channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
        AbruptClose.close(channel)
    }

    private func shutDown() {
        let channel = self.channel
        loop.isEnding(channel)
        channel.close(mode: .output, promise: nil)
        timer = timers.schedule(after: Self.lingerTime) { channel.close(promise: nil) }
    }

    /// The client has shut down its side.
    func clientFinished() { cut(.client) }

    private func channelClosed() {
        lost(.client)
        loop.hasEnded(channel)
        if let timer { timers.cancel(timer) }
        timer = nil
    }

    /// Closes at once, because the server stops.
    func abort() { cut(.shutdown) }

    private func cut(_ reason: CloseReason) {
        let isBetweenEvents = queueIsEmpty
        lost(reason)
        if isBetweenEvents { AbruptClose.close(channel) } else { reset() }
    }

    // MARK: time

    /// Keeps one timer for the earliest deadline; it may come early and looks again.
    private func watchClock() {
        guard !state.isClosed else { return }
        if let timer { timers.cancel(timer) }
        timer = state.nextDeadline.map { deadline in
            timers.schedule(at: deadline) { [unowned self] in
                timer = nil
                if isBackedUp { settle() }
                perform(state.timePassed(now: timers.now, queueIsEmpty: queueIsEmpty))
                watchClock()
            }
        }
    }

    // MARK: the channel's side

    /// Reads and drops what the client sends, and says when the client is gone.
    final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let stream: ChannelStream

        init(_ stream: ChannelStream) { self.stream = stream }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { stream.clientFinished() }
        }

        func channelInactive(context: ChannelHandlerContext) { stream.channelClosed() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if let error = error as? IOError, error.errnoCode == ETIMEDOUT { stream.timedOut() }
            context.close(promise: nil)
        }
    }
}
