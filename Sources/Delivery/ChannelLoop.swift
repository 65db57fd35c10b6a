public import EventStream
public import NIOCore
import Synchronization

/// A delivery loop over NIO channels: streams stay channels of their event loop, without HTTP handlers.
///
/// What a stream is to get in one turn of the loop goes out in one flush; an idle loop sends at once.
public final class ChannelLoop: DeliveryLoop {
    public let eventLoop: any EventLoop
    private let state: NIOLoopBound<State>
    /// Calls from other threads, in their order, performed in one go.
    private let mailbox = Mutex<[Command]>([])

    private enum Command {
        case expect(StreamID)
        case one(StreamID, Call)
        case broadcast(StreamFrame)
        case publish(StreamFrame, GroupID)
        case closeAll(CloseReason, ClosedRange<Int>?)
        case run(@Sendable () -> Void)
    }

    /// What is asked of one stream.
    enum Call {
        case send(StreamFrame)
        /// A frame that is for many.
        case offer(StreamFrame)
        case noteDropped
        case join(GroupID, replay: [ByteBuffer])
        case leave(GroupID)
        case close(CloseReason)
        case overflow
        case end(CloseReason, retry: ClosedRange<Int>?)
    }

    /// A stream whose channel is on its way: what is asked of it waits for that.
    struct Expected {
        private(set) var calls: [Call] = []
        private(set) var groups: Set<GroupID> = []

        mutating func append(_ call: Call) {
            calls.append(call)
            switch call {
            case .join(let group, _): groups.insert(group)
            case .leave(let group): groups.remove(group)
            default: break
            }
        }

        /// Why it is over before it begins; nil when nobody has closed it.
        var end: CloseReason? {
            for call in calls {
                switch call {
                case .close(let reason), .end(let reason, _): return reason
                case .overflow: return .slow
                default: break
                }
            }
            return nil
        }
    }

    /// What lives on the loop.
    final class State {
        let timers: LoopTimers
        let observer: any StreamObserver
        var streams: [StreamID: ChannelStream] = [:]
        var expected: [StreamID: Expected] = [:]
        var groups: [GroupID: [StreamID: ChannelStream]] = [:]
        /// Streams that are over, whose channels still take what the client sends.
        var ending: [ObjectIdentifier: any Channel] = [:]
        var unflushed: [ChannelStream] = []
        var flushIsScheduled = false
        var onClosed: () -> Void = {}

        init(timers: LoopTimers, observer: any StreamObserver) {
            self.timers = timers
            self.observer = observer
        }
    }

    /// Made on its event loop.
    public init(eventLoop: any EventLoop, timers: LoopTimers, observer: any StreamObserver) {
        self.eventLoop = eventLoop
        self.state = NIOLoopBound(State(timers: timers, observer: observer), eventLoop: eventLoop)
    }

    /// The loop's timers. On the loop.
    public var timers: LoopTimers { state.value.timers }

    /// Runs `body` whenever a stream's channel has closed. On the loop.
    public func onStreamClosed(_ body: @escaping () -> Void) { state.value.onClosed = body }

    /// Streams whose channels are not closed yet. On the loop.
    public var openCount: Int { state.value.streams.count + state.value.ending.count }

    /// Closes every channel as it is. On the loop.
    public func abortAll() {
        for stream in Array(state.value.streams.values) { stream.abort() }
        for channel in Array(state.value.ending.values) { AbruptClose.close(channel) }
    }

    // MARK: opening

    /// Takes over a channel whose response head is written but perhaps not flushed, and whose HTTP handlers are gone.
    /// Called on the loop. The stream gets `:\n` at once, so that client and proxies see a byte; `first` follows.
    /// `hasFinished`: the client sends no more, so that the stream is over.
    public func adopt(
        _ channel: any Channel, as id: StreamID, ledger: StreamLedger, limits: StreamLimits, retry: Int?,
        first: ByteBuffer = ByteBuffer(), hasFinished: Bool = false
    ) {
        let expected = state.value.expected.removeValue(forKey: id)
        let stream = ChannelStream(
            id: id, channel: channel, ledger: ledger, limits: limits, loop: self, timers: state.value.timers)
        state.value.streams[id] = stream
        try? channel.syncOptions?.setOption(.socketOption(.so_sndbuf), value: .init(StreamLimits.kernelBuffer))
        do {
            // A channel that has closed will not say so again.
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            try channel.pipeline.syncOperations.addHandler(ChannelStream.Handler(stream))
        } catch {
            stream.lost(.client)
            hasEnded(channel)
            return
        }
        var opening = EventEncoder.heartbeat
        if let retry { EventEncoder.writeRetry(retry, to: &opening) }
        opening.writeImmutableBuffer(first)
        _ = ledger.admit(opening.readableBytes, isEvent: false)
        stream.write(StreamFrame(opening, isEvent: false))
        for call in expected?.calls ?? [] { perform(call, stream) }
        if hasFinished { stream.clientFinished() }
    }

    /// Tells that a stream's client was gone before its head could be written. On the loop.
    public func neverOpened(_ id: StreamID, ledger: StreamLedger) {
        ledger.close()
        let expected = state.value.expected.removeValue(forKey: id)
        state.value.observer.streamClosed(id, reason: expected?.end ?? .client)
    }

    // MARK: DeliveryLoop

    public func expect(_ stream: StreamID, ledger: StreamLedger, limits: StreamLimits) { post(.expect(stream)) }
    public func join(_ stream: StreamID, to group: GroupID, replay: [ByteBuffer]) {
        post(.one(stream, .join(group, replay: replay)))
    }
    public func leave(_ stream: StreamID, group: GroupID) { post(.one(stream, .leave(group))) }
    public func publish(_ frame: StreamFrame, to group: GroupID, members: Int) { post(.publish(frame, group)) }
    public func send(_ frame: StreamFrame, to stream: StreamID) { post(.one(stream, .send(frame))) }
    public func noteDropped(_ stream: StreamID) { post(.one(stream, .noteDropped)) }
    public func broadcast(_ frame: StreamFrame) { post(.broadcast(frame)) }
    public func close(_ stream: StreamID, reason: CloseReason) { post(.one(stream, .close(reason))) }
    public func overflow(_ stream: StreamID) { post(.one(stream, .overflow)) }
    public func closeAll(reason: CloseReason, retry: ClosedRange<Int>?) { post(.closeAll(reason, retry)) }

    /// Runs `body` on the loop, in order with the other calls of this thread.
    public func run(_ body: @escaping @Sendable () -> Void) { post(.run(body)) }

    private func post(_ command: Command) {
        if eventLoop.inEventLoop { return perform(command) }
        let isFirst = mailbox.withLock { commands in
            commands.append(command)
            return commands.count == 1
        }
        if isFirst { eventLoop.execute { self.emptyMailbox() } }
    }

    private func emptyMailbox() {
        let commands = mailbox.withLock { commands in
            defer { commands = [] }
            return commands
        }
        for command in commands { perform(command) }
    }

    private func perform(_ command: Command) {
        let state = state.value
        switch command {
        case .expect(let id): state.expected[id] = Expected()
        case .one(let id, let call):
            if let stream = state.streams[id] {
                perform(call, stream)
            } else {
                state.expected[id]?.append(call)
            }
        // Copies: a stream that overflows leaves the table while we walk.
        case .broadcast(let frame):
            for stream in Array(state.streams.values) { stream.offer(frame) }
            for id in state.expected.keys { state.expected[id]!.append(.offer(frame)) }
        case .publish(let frame, let group):
            for stream in Array((state.groups[group] ?? [:]).values) { stream.offer(frame) }
            for (id, expected) in state.expected where expected.groups.contains(group) {
                state.expected[id]!.append(.offer(frame))
            }
        case .closeAll(let reason, let retry):
            for stream in Array(state.streams.values) { perform(.end(reason, retry: retry), stream) }
            for id in state.expected.keys { state.expected[id]!.append(.end(reason, retry: retry)) }
        case .run(let body): body()
        }
    }

    private func perform(_ call: Call, _ stream: ChannelStream) {
        switch call {
        case .send(let frame): stream.write(frame)
        case .offer(let frame): stream.offer(frame)
        case .noteDropped: stream.noteDropped()
        case .join(let group, let replay):
            stream.replay(replay)
            // The connection may have failed under that.
            guard state.value.streams[stream.id] === stream else { return }
            stream.groups.insert(group)
            state.value.groups[group, default: [:]][stream.id] = stream
        case .leave(let group):
            stream.groups.remove(group)
            leave(stream.id, group)
        case .close(let reason): stream.close(reason)
        case .overflow: stream.overflowed()
        case .end(let reason, let retry):
            if let retry { stream.tellRetry(Int.random(in: retry)) }
            stream.ledger.close()
            stream.close(reason)
        }
    }

    // MARK: called by streams

    func scheduleFlush(of stream: ChannelStream) {
        let state = state.value
        state.unflushed.append(stream)
        guard !state.flushIsScheduled else { return }
        state.flushIsScheduled = true
        eventLoop.execute { self.flushAll() }
    }

    private func flushAll() {
        let state = state.value
        state.flushIsScheduled = false
        let streams = state.unflushed
        state.unflushed = []
        for stream in streams { stream.flush() }
    }

    private func leave(_ id: StreamID, _ group: GroupID) {
        state.value.groups[group]?[id] = nil
        if state.value.groups[group]?.isEmpty == true { state.value.groups[group] = nil }
    }

    func forget(_ stream: ChannelStream, reason: CloseReason) {
        for group in stream.groups { leave(stream.id, group) }
        state.value.streams[stream.id] = nil
        state.value.observer.streamClosed(stream.id, reason: reason)
    }

    func isEnding(_ channel: any Channel) { state.value.ending[ObjectIdentifier(channel)] = channel }

    func hasEnded(_ channel: any Channel) {
        state.value.ending[ObjectIdentifier(channel)] = nil
        state.value.onClosed()
    }

    func lagging(_ stream: ChannelStream) {
        state.value.observer.streamLagging(stream.id, bufferedBytes: stream.ledger.bufferedBytes)
    }

    func delivered(_ tally: DeliveryTally) {
        if tally != DeliveryTally() { state.value.observer.delivered(tally) }
    }

    func drained(_ stream: ChannelStream) { state.value.observer.streamDrained(stream.id) }
}
