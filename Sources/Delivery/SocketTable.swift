#if os(Linux)
    import CSockets
    import EventStream
    import NIOCore

    /// The streams of one socket loop, used by who holds its work. What it does in one turn is in `SocketTable+Turn.swift`, groups in
    /// `SocketTable+Groups.swift`, ends in `SocketTable+Ending.swift`.
    final class SocketTable {
        /// Writes in one turn before the loop looks at its sockets again.
        static let slice = 1024

        let poll: Int32
        let observer: any StreamObserver
        private let clock: any MonotonicClock
        private let alarm: any EventLoop
        private let timersAreDue: @Sendable () -> Void
        private let released: @Sendable (StreamID) -> Void
        private let start: NIODeadline
        private var wakeUp: (tick: UInt64, wakeUp: any WakeUp)?
        private var wheel = TimingWheel<Int>()

        var slots: [SocketSlot] = []
        private var free: [Int32] = []
        var slotOf: [StreamID: Int32] = [:]
        var groups: [GroupID: SocketGroup] = [:]
        /// Groups with frames that not every member has.
        var dirty: [GroupID] = []
        var fanOut: FanOut?
        /// Frames of this turn, chained by stream.
        var turn: [TurnEntry] = []
        var touched: [Int32] = []
        var scratch = ByteBuffer()
        /// Of this turn.
        var tally = DeliveryTally()
        /// Read once a turn.
        private(set) var now: NIODeadline
        private var whenEmpty: [EventLoopPromise<Void>] = []

        init(
            poll: Int32, clock: any MonotonicClock, alarm: any EventLoop, observer: any StreamObserver,
            timersAreDue: @escaping @Sendable () -> Void, released: @escaping @Sendable (StreamID) -> Void
        ) {
            self.released = released
            self.poll = poll
            self.clock = clock
            self.alarm = alarm
            self.observer = observer
            self.timersAreDue = timersAreDue
            now = clock.now()
            start = now
        }

        // MARK: slots

        func expect(_ id: StreamID, _ ledger: StreamLedger, _ limits: StreamLimits, at opened: NIODeadline) {
            let index: Int32
            if let reused = free.popLast() {
                index = reused
            } else {
                index = Int32(slots.count)
                slots.append(SocketSlot())
            }
            slots[Int(index)].phase = .expected
            slots[Int(index)].id = id
            slots[Int(index)].ledger = ledger
            slots[Int(index)].state = StreamState(limits: limits, now: opened)
            slots[Int(index)].queue = StreamQueue()
            slotOf[id] = index
        }

        func adopt(_ id: StreamID, _ descriptor: Int32, hasFinished: Bool) {
            // Ended while its head was on the way: nothing of the stream has been sent.
            guard let index = slotOf[id].map(Int.init) else {
                csockets_reset(descriptor)
                return released(id)
            }
            slots[index].descriptor = descriptor
            slots[index].phase = .open
            csockets_cap_send_buffer(descriptor, StreamLimits.kernelBuffer)
            let tag = UInt64(slots[index].generation) << 32 | UInt64(index)
            guard csockets_watch(poll, descriptor, tag) == 0 else { return cut(index, .error) }
            drain(index)
            guard slots[index].phase == .open, slots[index].id == id else { return }
            if hasFinished { return cut(index, .client) }
            flush(index)
            guard slots[index].phase == .open, slots[index].id == id else { return }
            // What was due while the socket was on its way.
            if let deadline = slots[index].state?.nextDeadline, deadline <= now {
                let isIdle = slots[index].queue == nil
                perform(slots[index].state!.timePassed(now: now, queueIsEmpty: isIdle), index)
            }
            if slots[index].phase == .open { watchClock(index) }
        }

        func release(_ index: Int) {
            if slots[index].descriptor >= 0 { csockets_close(slots[index].descriptor) }
            if let timer = slots[index].timer { wheel.cancel(timer) }
            switch slots[index].phase {
            case .open, .lingering: released(slots[index].id)
            case .free, .expected: break
            }
            let generation = slots[index].generation &+ 1
            slots[index] = SocketSlot()
            slots[index].generation = generation & 0x7FFF_FFFF  // no tag is the waker's
            free.append(Int32(index))
            noteEmpty()
        }

        func awaitEmpty(_ promise: EventLoopPromise<Void>) {
            whenEmpty.append(promise)
            noteEmpty()
        }

        private func noteEmpty() {
            guard free.count == slots.count else { return }
            for promise in whenEmpty { promise.succeed() }
            whenEmpty = []
        }

        func index(of id: StreamID) -> Int? { slotOf[id].map(Int.init) }

        // MARK: sockets

        func handle(_ event: CSocketEvent) {
            let index = Int(UInt32(truncatingIfNeeded: event.tag))
            guard slots.indices.contains(index), slots[index].generation == UInt32(event.tag >> 32) else { return }
            switch slots[index].phase {
            case .open:
                if event.failed { return failed(index) }
                let isOver = event.readable && !csockets_drop_input(slots[index].descriptor)
                if event.ended || isOver { return cut(index, .client) }
                if event.writable, slots[index].queue != nil { drain(index) }
            case .lingering:
                let isOver = event.readable && !csockets_drop_input(slots[index].descriptor)
                if event.ended || isOver { release(index) }
            case .free, .expected: break
            }
        }

        func send(_ index: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
            csockets_send(slots[index].descriptor, bytes.baseAddress!, bytes.count)
        }

        /// Gives the kernel what waits, until it takes no more.
        func drain(_ index: Int) {
            guard let queue = slots[index].queue, let ledger = slots[index].ledger else { return }
            while !queue.isEmpty {
                let progress = queue.sendFront(&scratch) { send(index, $0) }
                guard progress.sent >= 0 else { return failed(index) }
                tally.wrote(progress.sent, events: progress.events)
                ledger.settle(progress.settled)
                if progress.sent > 0 { slots[index].state!.progressed(now: now) }
                if progress.sent < progress.offered { return noteLag(index) }
            }
            slots[index].queue = nil
            if slots[index].isLagging {
                slots[index].isLagging = false
                observer.streamDrained(slots[index].id)
            }
            perform(slots[index].state!.flushed(), index)
        }

        func noteLag(_ index: Int) {
            guard !slots[index].isLagging, let ledger = slots[index].ledger, ledger.isLagging else { return }
            slots[index].isLagging = true
            observer.streamLagging(slots[index].id, bufferedBytes: ledger.bufferedBytes)
        }

        // MARK: time

        func beginTurn() { now = clock.now() }

        private static let tick = TimeAmount.milliseconds(1)
        private func ticks(_ time: NIODeadline) -> UInt64 {
            UInt64(max(0, (time - start).nanoseconds) / Self.tick.nanoseconds)
        }
        /// The first tick that is not before the deadline.
        private func tick(of deadline: NIODeadline) -> UInt64 { ticks(deadline + Self.tick - .nanoseconds(1)) }

        /// Keeps one timer for the stream's earliest deadline; it may come early and looks again.
        func watchClock(_ index: Int) {
            guard let deadline = slots[index].state?.nextDeadline else { return }
            schedule(index, at: deadline)
        }

        func schedule(_ index: Int, at deadline: NIODeadline) {
            if wheel.count == 0 { wheel.move(to: ticks(now)) }
            if let timer = slots[index].timer { wheel.cancel(timer) }
            slots[index].timer = wheel.schedule(at: tick(of: deadline), index)
            arm()
        }

        private func arm() {
            guard let next = wheel.nextExpiry else { return }
            if let wakeUp, wakeUp.tick <= next { return }
            wakeUp?.wakeUp.cancel()
            let deadline = start + Self.tick * Int64(next)
            wakeUp = (next, clock.wake(alarm, at: deadline, timersAreDue))
        }

        func fireTimers() {
            wakeUp = nil
            wheel.move(to: ticks(now))
            while let index = wheel.popDue() {
                slots[index].timer = nil
                switch slots[index].phase {
                case .lingering: release(index)
                case .open, .expected:
                    // What this turn has for the stream comes first; and the kernel tells of room only when there is much.
                    if slots[index].phase == .open {
                        flush(index)
                        drain(index)
                    }
                    guard slots[index].state != nil else { continue }
                    let isIdle = slots[index].queue == nil
                    perform(slots[index].state!.timePassed(now: now, queueIsEmpty: isIdle), index)
                    if slots[index].phase == .open { watchClock(index) }
                case .free: break
                }
            }
            arm()
        }

        func forgetTimers() { wakeUp?.wakeUp.cancel() }
    }
#endif
