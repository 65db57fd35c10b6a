#if os(Linux)
    import CSockets
    import EventStream
    import NIOCore

    extension SocketTable {
        /// After our side is shut down, what the client still sends is read and dropped for at most that long: closing over
        /// unread bytes would reset the connection, and the client might lose the end of the stream.
        private static let lingerTime = TimeAmount.seconds(2)

        func perform(_ action: StreamState.Action, _ index: Int) {
            switch action {
            case .none: break
            case .flushThenClose:
                slots[index].ledger?.close()
                watchClock(index)
            case .heartbeat: heartbeat(index)
            case .close(let reason):
                leave(index, reason)
                shutDown(index)
            case .reset(let reason):
                leave(index, reason)
                reset(index)
            }
        }

        private func heartbeat(_ index: Int) {
            guard slots[index].phase == .open, let frame = slots[index].state?.limits.heartbeat.bytes else { return }
            let sent = frame.withUnsafeReadableBytes { send(index, $0) }
            guard sent >= 0 else { return failed(index) }
            tally.wrote(sent, events: 0)
            guard sent < frame.readableBytes, let ledger = slots[index].ledger else { return }
            wait(StreamFrame(frame, isEvent: false), from: sent, .offered, index, ledger)
        }

        func close(_ index: Int, _ reason: CloseReason) {
            perform(slots[index].state!.close(reason, queueIsEmpty: slots[index].queue == nil, now: now), index)
        }

        func closeAll(_ reason: CloseReason, _ retry: ClosedRange<Int>?) {
            for index in slots.indices where slots[index].state?.isOpen == true {
                if let retry {
                    var frame = ByteBuffer()
                    EventEncoder.writeRetry(Int.random(in: retry), to: &frame)
                    add(StreamFrame(frame, isEvent: false), .free, to: index)
                }
                slots[index].ledger?.close()
                flush(index)
                if slots[index].state?.isOpen == true { close(index, reason) }
            }
        }

        func overflowed(_ index: Int) { perform(slots[index].state!.overflowed(), index) }

        /// The connection is gone.
        func failed(_ index: Int) {
            let isSlow = slots[index].queue != nil && csockets_has_timed_out(slots[index].descriptor)
            lose(index, isSlow ? .slow : .client)
        }

        func lose(_ index: Int, _ reason: CloseReason) {
            if let reason = slots[index].state?.lost(reason) { leave(index, reason) }
            release(index)
        }

        /// Ends a stream at once; where an event is half written, by a reset.
        func cut(_ index: Int, _ reason: CloseReason) {
            let isBetweenEvents = slots[index].queue == nil
            if let reason = slots[index].state?.lost(reason) { leave(index, reason) }
            if isBetweenEvents { release(index) } else { reset(index) }
        }

        func abortAll() {
            for index in slots.indices {
                switch slots[index].phase {
                case .open, .expected: cut(index, .shutdown)
                case .lingering: release(index)
                case .free: break
                }
            }
        }

        /// Tells that the stream is over; its socket is closed by whoever calls.
        private func leave(_ index: Int, _ reason: CloseReason) {
            leaveAll(index)
            slotOf[slots[index].id] = nil
            slots[index].ledger?.close()
            slots[index].ledger?.settle(slots[index].queue?.enteredBytes ?? 0)
            slots[index].queue = nil
            (slots[index].firstOfTurn, slots[index].lastOfTurn) = (-1, -1)
            observer.streamClosed(slots[index].id, reason: reason)
        }

        private func shutDown(_ index: Int) {
            slots[index].phase = .lingering
            csockets_finish(slots[index].descriptor)
            schedule(index, at: now + Self.lingerTime)
        }

        private func reset(_ index: Int) {
            if slots[index].descriptor >= 0 { csockets_reset(slots[index].descriptor) }
            slots[index].descriptor = -1
            release(index)
        }
    }
#endif
