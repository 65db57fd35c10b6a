#if os(Linux)
    import EventStream
    import NIOCore

    extension SocketTable {
        /// A frame that one stream is to get in this turn.
        struct TurnEntry {
            enum Account {
                /// Its sender has entered it in the stream's ledger.
                case entered
                /// Published: entered only if the kernel does not take it.
                case offered
                /// Replayed: never entered.
                case free
            }

            let frame: StreamFrame
            let account: Account
            /// The stream's next; -1 for none.
            var next: Int32 = -1
        }

        /// Performs a command; returns how many writes it asked for.
        func perform(_ command: SocketLoop.Command) -> Int {
            switch command {
            case .expect(let id, let ledger, let limits, let opened): expect(id, ledger, limits, at: opened)
            case .adopt(let id, let descriptor, let hasFinished): adopt(id, descriptor, hasFinished: hasFinished)
            case .neverOpened(let id): if let index = index(of: id) { lose(index, .client) }
            case .send(let frame, let id): if let index = index(of: id) { add(frame, .entered, to: index) }
            case .noteDropped(let id):
                if let index = flushed(id) { noteDropped(index) }
            case .broadcast(let frame): return broadcast(frame)
            case .join(let id, let group, let replay):
                guard let index = index(of: id) else { break }
                for frame in replay { add(StreamFrame(frame), .free, to: index) }
                join(index, group)
            case .leave(let id, let group): if let index = index(of: id) { leave(index, group) }
            case .publish(let frame, let group, _): return publish(frame, group)
            case .close(let id, let reason):
                if let index = flushed(id) { close(index, reason) }
            case .overflow(let id): if let index = index(of: id) { overflowed(index) }
            case .closeAll(let reason, let retry): closeAll(reason, retry)
            case .abortAll: abortAll()
            case .timersAreDue: fireTimers()
            case .whenEmpty(let promise): awaitEmpty(promise)
            case .end: break
            }
            return 1
        }

        /// A stream that has been given what this turn has for it; nil when there is none, or it was lost over that.
        private func flushed(_ id: StreamID) -> Int? {
            guard let index = index(of: id) else { return nil }
            flush(index)
            return self.index(of: id)
        }

        private func broadcast(_ frame: StreamFrame) -> Int {
            for index in slots.indices where slots[index].state?.isOpen == true {
                add(frame, .offered, to: index)
            }
            return slots.count
        }

        // MARK: what a stream gets in this turn

        func add(_ frame: StreamFrame, _ account: TurnEntry.Account, to index: Int) {
            let entry = Int32(turn.count)
            turn.append(TurnEntry(frame: frame, account: account))
            if slots[index].lastOfTurn >= 0 {
                turn[Int(slots[index].lastOfTurn)].next = entry
            } else {
                slots[index].firstOfTurn = entry
                touched.append(Int32(index))
            }
            slots[index].lastOfTurn = entry
        }

        func flushTurn() {
            for index in touched { flush(Int(index)) }
            touched.removeAll(keepingCapacity: touched.capacity <= 4096)
            turn.removeAll(keepingCapacity: turn.capacity <= 4096)
        }

        /// Writes what the stream is to get in this turn, in one piece where it is small.
        func flush(_ index: Int) {
            let first = slots[index].firstOfTurn
            guard first >= 0 else { return }
            (slots[index].firstOfTurn, slots[index].lastOfTurn) = (-1, -1)
            if turn[Int(first)].next < 0 { return write(turn[Int(first)], to: index) }
            let isBehind = slots[index].queue != nil
            if !isBehind { slots[index].queue = StreamQueue() }
            var entry = first
            while entry >= 0, slots[index].queue != nil {
                if !isBehind { makeRoom(for: turn[Int(entry)].frame, index) }
                write(turn[Int(entry)], to: index)
                entry = turn[Int(entry)].next
            }
            if !isBehind { drain(index) }
        }

        /// Whether a client is slow shows only when the kernel was asked: before more is put together than it may be behind.
        private func makeRoom(for frame: StreamFrame, _ index: Int) {
            guard let ledger = slots[index].ledger, let limits = slots[index].state?.limits,
                ledger.bufferedBytes + frame.count > limits.maxBufferedBytes, slots[index].queue?.isEmpty == false
            else { return }
            drain(index)
            if slots[index].queue == nil, slots[index].state?.isOpen == true { slots[index].queue = StreamQueue() }
        }

        private func write(_ entry: TurnEntry, to index: Int) {
            guard let ledger = slots[index].ledger, slots[index].state?.isClosed == false else { return }
            let frame = entry.frame
            slots[index].state!.wrote(isEvent: frame.isEvent, now: now)
            if slots[index].queue != nil { return enqueue(frame, entry.account, index, ledger) }
            let sent = frame.bytes.withUnsafeReadableBytes { send(index, $0) }
            guard sent >= 0 else { return failed(index) }
            if entry.account == .offered, frame.isEvent { ledger.count(events: 1) }
            if entry.account == .entered { ledger.settle(sent) }
            tally.wrote(sent, events: frame.isEvent && sent == frame.count ? 1 : 0)
            if sent < frame.count { wait(frame, from: sent, entry.account, index, ledger) }
        }

        /// Puts a frame behind what waits already, as the stream's policy says.
        func enqueue(_ frame: StreamFrame, _ account: TurnEntry.Account, _ index: Int, _ ledger: StreamLedger) {
            guard let queue = slots[index].queue, let limits = slots[index].state?.limits else { return }
            let policy = limits.onSlow
            if account == .free { return queue.append(frame, .free) }
            if account == .offered {
                switch ledger.admit(frame.count, isEvent: frame.isEvent, evenIfClosed: true) {
                case .admitted, .closed: break
                case .full where policy == .disconnect: return overflowed(index)
                case .full:
                    tally.dropped += 1
                    return queue.noteDropped()
                }
            }
            if policy == .dropOldest || policy == .conflate {
                let room = queue.makeRoom(for: frame, limit: limits.maxBufferedBytes, policy: policy)
                ledger.settle(room.settled)
                tally.dropped += room.dropped
            }
            queue.append(frame, .entered)
            noteLag(index)
        }

        /// An event was dropped that its sender could not enter.
        private func noteDropped(_ index: Int) {
            guard slots[index].state?.isOpen == true else { return }
            if slots[index].queue == nil { slots[index].queue = StreamQueue() }
            slots[index].queue!.noteDropped()
            tally.dropped += 1
            if slots[index].phase == .open { drain(index) }
        }

        /// Keeps the rest of a frame, of which the kernel has a part, until it takes more.
        func wait(
            _ frame: StreamFrame, from offset: Int, _ account: TurnEntry.Account, _ index: Int, _ ledger: StreamLedger
        ) {
            var rest = frame.bytes
            rest.moveReaderIndex(forwardBy: offset)
            if account == .offered { ledger.enter(rest.readableBytes) }
            let queue = StreamQueue()
            queue.append(
                StreamFrame(rest, isEvent: frame.isEvent, key: frame.key), account == .free ? .free : .entered,
                isStarted: offset > 0)
            slots[index].queue = queue
            noteLag(index)
        }
    }
#endif
