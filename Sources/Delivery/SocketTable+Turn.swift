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

            let frame: ByteBuffer
            let account: Account
            let isEvent: Bool
            /// The stream's next; -1 for none.
            var next: Int32 = -1
        }

        /// Performs a command; returns how many writes it asked for.
        func perform(_ command: SocketLoop.Command) -> Int {
            switch command {
            case .expect(let id, let ledger, let limits, let opened): expect(id, ledger, limits, at: opened)
            case .adopt(let id, let descriptor, let hasFinished): adopt(id, descriptor, hasFinished: hasFinished)
            case .neverOpened(let id): if let index = index(of: id) { lose(index, .client) }
            case .send(let frame, let isEvent, let id):
                if let index = index(of: id) { add(frame, .entered, isEvent: isEvent, to: index) }
            case .broadcast(let frame): return broadcast(frame)
            case .join(let id, let group, let replay):
                guard let index = index(of: id) else { break }
                for frame in replay { add(frame, .free, isEvent: true, to: index) }
                join(index, group)
            case .leave(let id, let group): if let index = index(of: id) { leave(index, group) }
            case .publish(let frame, let group): return publish(frame, group)
            case .close(let id, let reason):
                if let index = index(of: id) {
                    flush(index)
                    close(index, reason)
                }
            case .overflow(let id): if let index = index(of: id) { overflowed(index) }
            case .closeAll(let reason, let retry): closeAll(reason, retry)
            case .abortAll: abortAll()
            case .timersAreDue: fireTimers()
            case .whenEmpty(let promise): awaitEmpty(promise)
            case .end: break
            }
            return 1
        }

        private func broadcast(_ frame: ByteBuffer) -> Int {
            for index in slots.indices where slots[index].state?.isOpen == true {
                add(frame, .offered, isEvent: true, to: index)
            }
            return slots.count
        }

        // MARK: what a stream gets in this turn

        func add(_ frame: ByteBuffer, _ account: TurnEntry.Account, isEvent: Bool, to index: Int) {
            let entry = Int32(turn.count)
            turn.append(TurnEntry(frame: frame, account: account, isEvent: isEvent))
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
            guard slots[index].queue == nil else { return writeEach(first, to: index) }
            let queue = StreamQueue()
            slots[index].queue = queue
            writeEach(first, to: index)
            drain(index)
        }

        private func writeEach(_ first: Int32, to index: Int) {
            var entry = first
            while entry >= 0, slots[index].queue != nil {
                write(turn[Int(entry)], to: index)
                entry = turn[Int(entry)].next
            }
        }

        private func write(_ entry: TurnEntry, to index: Int) {
            guard let ledger = slots[index].ledger, slots[index].state?.isClosed == false else { return }
            let size = entry.frame.readableBytes
            slots[index].state!.wrote(isEvent: entry.isEvent, now: now)
            guard let queue = slots[index].queue else {
                let sent = entry.frame.withUnsafeReadableBytes { send(index, $0) }
                guard sent >= 0 else { return failed(index) }
                if entry.account == .offered, entry.isEvent { ledger.count(events: 1) }
                if entry.account == .entered { ledger.settle(sent) }
                if sent < size { wait(entry.frame, from: sent, entry.account, index, ledger) }
                return
            }
            switch entry.account {
            case .entered: queue.append(entry.frame, .entered)
            case .free: return queue.append(entry.frame, .free)
            case .offered:
                switch ledger.admit(size, isEvent: entry.isEvent, evenIfClosed: true) {
                case .admitted: queue.append(entry.frame, .entered)
                case .full: return overflowed(index)
                case .closed: return
                }
            }
            noteLag(index)
        }

        /// Keeps the rest of a frame, of which the kernel has a part, until it takes more.
        func wait(
            _ frame: ByteBuffer, from offset: Int, _ account: TurnEntry.Account, _ index: Int, _ ledger: StreamLedger
        ) {
            var rest = frame
            rest.moveReaderIndex(forwardBy: offset)
            if account == .offered { ledger.enter(rest.readableBytes) }
            let queue = StreamQueue()
            queue.append(rest, account == .free ? .free : .entered)
            slots[index].queue = queue
            noteLag(index)
        }
    }
#endif
