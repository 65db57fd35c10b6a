public import EventStream
public import NIOCore

/// Names an open stream in this process: its connection id.
public typealias StreamID = Int

/// Names a group of streams in this process: the members of one channel.
public typealias GroupID = Int

/// One loop that delivers frames to open streams. The rest of the program does not know which kind serves a stream.
///
/// Every function may be called from any thread; calls from one thread take effect in their order. A stream that is
/// gone takes nothing and answers nothing: its `StreamHandle` says so.
public protocol DeliveryLoop: AnyObject, Sendable {
    /// Announces a stream whose connection is on its way: what is sent to it from now on waits for that. Before any
    /// other call for the stream, from the same thread.
    func expect(_ stream: StreamID, ledger: StreamLedger, limits: StreamLimits)
    /// Writes a frame that the stream's ledger has admitted.
    func send(_ frame: StreamFrame, to stream: StreamID)
    /// Notes that an event was dropped because the stream's ledger admits no more (`SlowPolicy.dropNewest`).
    func noteDropped(_ stream: StreamID)
    /// Gives one event, encoded once, to every open stream of this loop.
    func broadcast(_ frame: StreamFrame)
    /// From now on the stream gets what is published to the group. The frames of `replay` come first; they wait in the
    /// stream's queue without counting as its buffer, because others hold them anyway.
    func join(_ stream: StreamID, to group: GroupID, replay: [ByteBuffer])
    func leave(_ stream: StreamID, group: GroupID)
    /// Gives one event, encoded once, to every member of the group on this loop.
    /// - Parameter members: how many that are, as far as the caller knows: what is little may be done at once.
    func publish(_ frame: StreamFrame, to group: GroupID, members: Int)
    /// Ends a stream after what is queued for it.
    func close(_ stream: StreamID, reason: CloseReason)
    /// Ends a stream whose ledger admits no more.
    func overflow(_ stream: StreamID)
    /// Ends every stream. With `retry`, each is first told when to come back, spread over that range.
    func closeAll(reason: CloseReason, retry: ClosedRange<Int>?)
}

/// A delivery loop that takes over the sockets of its streams from the HTTP server.
public protocol SocketDelivery: DeliveryLoop {
    /// Takes over a socket to which the response head is written: the caller then closes its descriptor, without shutting
    /// the socket down. False when there is no descriptor to be had; the stream is over then. `hasFinished`: the client
    /// sends no more.
    func adopt(_ stream: StreamID, socket: CInt, hasFinished: Bool) -> Bool
    /// Calls `body`, on the loop or one that helps it, whenever a socket that was taken over is closed.
    func onRelease(_ body: @escaping @Sendable (StreamID) -> Void)
    /// Tells that a stream's client was gone before its head could be written.
    func neverOpened(_ stream: StreamID)
    /// Closes every stream as it is.
    func abortAll()
    /// Done when no stream is left.
    func emptied(_ promise: EventLoopPromise<Void>)
    /// Ends the loop; streams that are left are closed as they are.
    func end(_ promise: EventLoopPromise<Void>)
}

/// Hears what becomes of streams. Called on the delivery loop, or on a loop that helps it, in the middle of its work: what
/// it does must be short. Each stream is closed exactly once.
public protocol StreamObserver: Sendable {
    func streamClosed(_ stream: StreamID, reason: CloseReason)
    /// The stream has fallen behind by half its budget.
    func streamLagging(_ stream: StreamID, bufferedBytes: Int)
    /// A stream that lagged has caught up.
    func streamDrained(_ stream: StreamID)
    /// What was done in a turn of the loop.
    func delivered(_ tally: DeliveryTally)
}

/// A stream as its sender holds it: a value that may cross threads, and answers "closed" once the stream is gone.
public struct StreamHandle: Sendable {
    public let id: StreamID
    public let ledger: StreamLedger
    public let loop: any DeliveryLoop

    public init(id: StreamID, ledger: StreamLedger, loop: any DeliveryLoop) {
        self.id = id
        self.ledger = ledger
        self.loop = loop
    }

    /// Enters a frame into the stream's account. What is admitted must be delivered.
    public func admit(_ frame: StreamFrame) -> StreamLedger.Admission {
        ledger.admit(frame.count, isEvent: frame.isEvent)
    }

    /// Queues a frame that was admitted.
    public func deliver(_ frame: StreamFrame) { loop.send(frame, to: id) }

    /// A frame was not admitted: ends the stream, or drops the frame, as the stream's policy says.
    public func refuse(_ policy: SlowPolicy) {
        if policy != .disconnect { return loop.noteDropped(id) }
        overflow()
    }

    /// Ends a stream that is too slow for its budget.
    public func overflow() {
        ledger.close()
        loop.overflow(id)
    }

    /// Ends the stream after what is queued.
    public func close(_ reason: CloseReason) {
        ledger.close()
        loop.close(id, reason: reason)
    }
}
