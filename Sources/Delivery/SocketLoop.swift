#if os(Linux)
    import CSockets
    public import EventStream
    import Glibc
    public import NIOCore
    import Synchronization

    /// A delivery loop that owns the sockets of its streams: one thread with an epoll instance of its own, and for each
    /// stream a slot in flat arrays, no object, task or lock.
    ///
    /// What a stream is to get in one turn goes out in one write. After at most `SocketTable.slice` writes the loop looks
    /// at its sockets again, so that a fan-out to many does not hold up those who leave.
    ///
    /// To wake a thread takes longer than a few writes. So the first that one of the `helpers` asks for in a turn is done
    /// there and at once, if it is little and the thread waits for its sockets; all that follows is the thread's.
    public final class SocketLoop: SocketDelivery {
        enum Command {
            case expect(StreamID, StreamLedger, StreamLimits, at: NIODeadline)
            case adopt(StreamID, descriptor: Int32, hasFinished: Bool)
            case neverOpened(StreamID)
            case send(StreamFrame, StreamID)
            case noteDropped(StreamID)
            case broadcast(StreamFrame)
            case join(StreamID, GroupID, replay: [ByteBuffer])
            case leave(StreamID, GroupID)
            case publish(StreamFrame, GroupID, members: Int)
            case close(StreamID, CloseReason)
            case overflow(StreamID)
            case closeAll(CloseReason, ClosedRange<Int>?)
            case abortAll
            case timersAreDue
            case whenEmpty(EventLoopPromise<Void>)
            case end(EventLoopPromise<Void>)
        }

        /// The system has no epoll instance or event descriptor left.
        public struct Unavailable: Error {
            public let errno: Int32
        }

        /// A stream that has nothing to send may wait that long for its socket to be watched. Where many connect, the
        /// thread is woken for all of them at once.
        private static let soon = TimeAmount.milliseconds(10)

        /// Whoever holds it works: the thread, or for a moment a helper.
        private let work = Mutex<SocketWork?>(nil)
        /// A publication, and what comes behind it, take a turn each.
        private static let turnsOfHelp = 4
        private let mailbox = Mutex(SocketMailbox())
        private let clock: any MonotonicClock
        private let alarm: any EventLoop
        private let helpers: [any EventLoop]
        private let poll: Int32
        private let waker: Int32
        /// Given up when there are no descriptors left, so that a stream can still change hands.
        private let spare: Mutex<Int32>
        private let release = Mutex<(@Sendable (StreamID) -> Void)?>(nil)

        /// Starts the thread.
        /// - Parameters:
        ///   - alarm: on which the clock wakes.
        ///   - helpers: event loops that may do little things themselves.
        public init(
            clock: any MonotonicClock, alarm: any EventLoop, helpers: [any EventLoop] = [],
            observer: any StreamObserver
        ) throws(Unavailable) {
            self.clock = clock
            self.alarm = alarm
            self.helpers = helpers
            poll = csockets_poll()
            waker = csockets_waker()
            spare = Mutex(csockets_duplicate(waker))
            guard poll >= 0, waker >= 0, csockets_watch(poll, waker, SocketEvents.wakerTag) == 0 else {
                throw Unavailable(errno: errno)
            }
            work.withLock { work in
                work = SocketWork(
                    table: SocketTable(
                        poll: poll, clock: clock, alarm: alarm, observer: observer,
                        timersAreDue: { self.post(.timersAreDue) }, released: { self.released($0) }))
            }
            let start = ThreadStart { [self] in
                csockets_name_thread("mooncast-sse")
                run()
            }
            start.detach()
        }

        deinit {
            csockets_close(poll)
            csockets_close(waker)
            spare.withLock { if $0 >= 0 { csockets_close($0) } }
        }

        // MARK: opening

        public func expect(_ stream: StreamID, ledger: StreamLedger, limits: StreamLimits) {
            post(.expect(stream, ledger, limits, at: clock.now()))
        }

        public func adopt(_ stream: StreamID, socket: CInt, hasFinished: Bool) -> Bool {
            let descriptor = duplicate(socket)
            guard descriptor >= 0 else {
                neverOpened(stream)
                return false
            }
            post(.adopt(stream, descriptor: descriptor, hasFinished: hasFinished))
            return true
        }

        private func duplicate(_ socket: Int32) -> Int32 {
            spare.withLock { spare in
                if spare < 0 { spare = csockets_duplicate(waker) }
                let descriptor = csockets_duplicate(socket)
                guard descriptor < 0, spare >= 0 else { return descriptor }
                csockets_close(spare)
                spare = -1  // the one that the caller closes makes room for it again
                return csockets_duplicate(socket)
            }
        }

        public func onRelease(_ body: @escaping @Sendable (StreamID) -> Void) { release.withLock { $0 = body } }

        private func released(_ stream: StreamID) { release.withLock { $0 }?(stream) }

        public func neverOpened(_ stream: StreamID) { post(.neverOpened(stream)) }

        // MARK: DeliveryLoop

        public func send(_ frame: StreamFrame, to stream: StreamID) { post(.send(frame, stream)) }
        public func noteDropped(_ stream: StreamID) { post(.noteDropped(stream)) }
        public func broadcast(_ frame: StreamFrame) { post(.broadcast(frame)) }
        public func join(_ stream: StreamID, to group: GroupID, replay: [ByteBuffer]) {
            post(.join(stream, group, replay: replay))
        }
        public func leave(_ stream: StreamID, group: GroupID) { post(.leave(stream, group)) }
        public func publish(_ frame: StreamFrame, to group: GroupID, members: Int) {
            post(.publish(frame, group, members: members))
        }
        public func close(_ stream: StreamID, reason: CloseReason) { post(.close(stream, reason)) }
        public func overflow(_ stream: StreamID) { post(.overflow(stream)) }
        public func closeAll(reason: CloseReason, retry: ClosedRange<Int>?) { post(.closeAll(reason, retry)) }

        // MARK: ending

        public func abortAll() { post(.abortAll) }

        public func emptied(_ promise: EventLoopPromise<Void>) { post(.whenEmpty(promise)) }

        public func end(_ promise: EventLoopPromise<Void>) { post(.end(promise)) }

        // MARK: the thread

        private func post(_ command: Command) {
            let helper = helpers.first { $0.inEventLoop }
            let call: SocketMailbox.Call = mailbox.withLock { mailbox in
                if !mailbox.hasEnded { return mailbox.append(command, canHelp: helper != nil) }
                switch command {
                case .whenEmpty(let promise), .end(let promise): promise.succeed()
                case .adopt(_, let descriptor, _): csockets_close(descriptor)
                default: break
                }
                return .none
            }
            switch call {
            case .none: break
            case .help:
                help()
                helper?.execute { self.mailbox.withLock { $0.hasHelped = false } }
            case .soon: alarm.scheduleTask(in: Self.soon) { self.wakeForCommands() }
            case .now: csockets_wake(waker)
            }
        }

        private func wakeForCommands() {
            if mailbox.withLock({ $0.soonIsNow() }) { csockets_wake(waker) }
        }

        /// Does what was asked for, in place of the thread. It leaves while it still holds the lock, so that no
        /// other helper has begun meanwhile.
        private func help() {
            let mustWake = work.withLockIfAvailable { work in
                guard work != nil, mailbox.withLock({ $0.give(to: &work!, of: .helper) }) else { return false }
                var turns = 0
                while !work!.isDone, turns < Self.turnsOfHelp {
                    if work!.turn([]) != nil { break }
                    turns += 1
                }
                let isDone = work!.isDone
                return mailbox.withLock { $0.helperLeaves(isDone: isDone) }
            }
            if mustWake ?? mailbox.withLock({ $0.helperLeaves(isDone: false) }) { csockets_wake(waker) }
        }

        private func run() {
            let events = SocketEvents(poll: poll)
            while !work.withLock({ work(&$0!, events) }) { events.wait() }
            work.withLock { $0 = nil }  // it holds this loop
        }

        /// Works until nothing is left; true when the loop has ended.
        private func work(_ work: inout SocketWork, _ events: SocketEvents) -> Bool {
            mailbox.withLock { $0.attendance = .thread }
            while true {
                if work.isDone { _ = mailbox.withLock { $0.give(to: &work, of: .thread) } }
                if let promise = work.turn(events.found) {
                    end(work.table, promise)
                    return true
                }
                if work.isDone, mailbox.withLock({ $0.mayLeave(&work) }) { return false }
                events.look()
            }
        }

        private func end(_ table: SocketTable, _ promise: EventLoopPromise<Void>) {
            table.abortAll()
            table.forgetTimers()
            for case .whenEmpty(let promise) in mailbox.withLock({ $0.end() }) { promise.succeed() }
            promise.succeed()
        }
    }

    /// A closure on its way to a new thread.
    private final class ThreadStart {
        private let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }

        func detach() {
            var thread = pthread_t()
            let start = Unmanaged.passRetained(self)
            let result = pthread_create(
                &thread, nil,
                { start in
                    Unmanaged<ThreadStart>.fromOpaque(start!).takeRetainedValue().body()
                    return nil
                }, start.toOpaque())
            precondition(result == 0, "no thread can be started: error \(result)")
            pthread_detach(thread)
        }
    }
#endif
