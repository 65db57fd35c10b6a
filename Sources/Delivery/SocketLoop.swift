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
            case publish(StreamFrame, GroupID)
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

        private struct Mailbox {
            var commands: [Command] = []
            /// Whether the thread may be waiting for its sockets, so that the first command must wake it.
            var isWaiting = false
            /// Whether it will be woken soon, for what is in no hurry.
            var willWake = false
            /// Streams whose socket has not come, and whether something waits for it that the client is to get.
            var expected: [StreamID: Bool] = [:]
            var hasEnded = false

            /// Takes a command, and says when the thread must see it. Waking it costs more than the command itself.
            mutating func append(_ command: Command) -> Haste {
                commands.append(command)
                switch command {
                case .expect(let stream, _, _, _):
                    expected[stream] = false
                    return .none
                case .send(_, let stream):
                    return wait(for: stream, withBytes: true)
                case .join(let stream, _, let replay):
                    return wait(for: stream, withBytes: !replay.isEmpty)
                case .adopt(let stream, _, let hasFinished):
                    let hasBytes = expected.removeValue(forKey: stream) ?? true
                    return hasBytes || hasFinished ? .now : .soon
                case .neverOpened(let stream):
                    expected[stream] = nil
                    return .now
                default: return .now
                }
            }

            /// What is for a stream whose socket has not come can wait for that.
            private mutating func wait(for stream: StreamID, withBytes: Bool) -> Haste {
                guard let hasBytes = expected[stream] else { return .now }
                if withBytes, !hasBytes { expected[stream] = true }
                return .none
            }
        }

        private enum Haste { case none, soon, now }

        /// A stream that has nothing to send may wait that long for its socket to be watched. Where many connect, the
        /// thread is woken for all of them at once.
        private static let soon = TimeAmount.milliseconds(10)

        private let mailbox = Mutex(Mailbox())
        private let clock: any MonotonicClock
        private let alarm: any EventLoop
        private let poll: Int32
        private let waker: Int32
        /// Given up when there are no descriptors left, so that a stream can still change hands.
        private let spare: Mutex<Int32>
        private let release = Mutex<(@Sendable (StreamID) -> Void)?>(nil)

        /// Starts the thread. `alarm` is the event loop on which the clock wakes.
        public init(clock: any MonotonicClock, alarm: any EventLoop, observer: any StreamObserver) throws(Unavailable) {
            self.clock = clock
            self.alarm = alarm
            poll = csockets_poll()
            waker = csockets_waker()
            spare = Mutex(csockets_duplicate(waker))
            guard poll >= 0, waker >= 0, csockets_watch(poll, waker, Self.wakerTag) == 0 else {
                throw Unavailable(errno: errno)
            }
            let start = ThreadStart { [self] in
                csockets_name_thread("mooncast-sse")
                run(
                    SocketTable(
                        poll: poll, clock: clock, alarm: alarm, observer: observer,
                        timersAreDue: { self.post(.timersAreDue) }, released: { self.released($0) }))
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
        public func publish(_ frame: StreamFrame, to group: GroupID) { post(.publish(frame, group)) }
        public func close(_ stream: StreamID, reason: CloseReason) { post(.close(stream, reason)) }
        public func overflow(_ stream: StreamID) { post(.overflow(stream)) }
        public func closeAll(reason: CloseReason, retry: ClosedRange<Int>?) { post(.closeAll(reason, retry)) }

        // MARK: ending

        public func abortAll() { post(.abortAll) }

        public func emptied(_ promise: EventLoopPromise<Void>) { post(.whenEmpty(promise)) }

        public func end(_ promise: EventLoopPromise<Void>) { post(.end(promise)) }

        // MARK: the thread

        private static let wakerTag = UInt64.max

        private func post(_ command: Command) {
            let haste: Haste = mailbox.withLock { mailbox in
                if mailbox.hasEnded {
                    switch command {
                    case .whenEmpty(let promise), .end(let promise): promise.succeed()
                    case .adopt(_, let descriptor, _): csockets_close(descriptor)
                    default: break
                    }
                    return .none
                }
                let haste = mailbox.append(command)
                guard mailbox.isWaiting else { return .none }
                switch haste {
                case .none: break
                case .soon:
                    if mailbox.willWake { return .none }
                    mailbox.willWake = true
                case .now: mailbox.isWaiting = false
                }
                return haste
            }
            switch haste {
            case .none: break
            case .soon: alarm.scheduleTask(in: Self.soon) { self.wakeForCommands() }
            case .now: csockets_wake(waker)
            }
        }

        private func wakeForCommands() {
            let mustWake = mailbox.withLock { mailbox in
                mailbox.willWake = false
                defer { mailbox.isWaiting = mailbox.isWaiting && mailbox.commands.isEmpty }
                return mailbox.isWaiting && !mailbox.commands.isEmpty
            }
            if mustWake { csockets_wake(waker) }
        }

        private func run(_ table: SocketTable) {
            let capacity = 512
            let events = UnsafeMutablePointer<CSocketEvent>.allocate(capacity: capacity)
            defer { events.deallocate() }
            var commands: [Command] = []
            var next = 0
            while true {
                if next == commands.count, !table.hasWork {
                    next = 0
                    commands.removeAll(keepingCapacity: commands.capacity <= 4096)
                    mailbox.withLock { mailbox in
                        swap(&mailbox.commands, &commands)
                        mailbox.isWaiting = commands.isEmpty
                    }
                }
                let isIdle = next == commands.count && !table.hasWork
                let count = csockets_wait(poll, events, Int32(capacity), isIdle)
                table.beginTurn()
                for event in UnsafeBufferPointer(start: events, count: Int(max(0, count))) {
                    if event.tag == Self.wakerTag { csockets_take_wake(waker) } else { table.handle(event) }
                }
                var room = SocketTable.slice
                while next < commands.count, room > 0, !table.mustFanOut(before: commands[next]) {
                    if case .end(let promise) = commands[next] { return end(table, promise) }
                    room -= table.perform(commands[next])
                    next += 1
                }
                table.endTurn()
            }
        }

        private func end(_ table: SocketTable, _ promise: EventLoopPromise<Void>) {
            table.abortAll()
            table.forgetTimers()
            let rest = mailbox.withLock { mailbox in
                mailbox.hasEnded = true
                defer { mailbox.commands = [] }
                return mailbox.commands
            }
            for case .whenEmpty(let promise) in rest { promise.succeed() }
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
