import Delivery
import EventStream
import NIOCore
import Synchronization

/// A delivery loop that only writes down what it is told.
final class RecordingLoop: DeliveryLoop {
    enum Call: Equatable {
        case join(StreamID, GroupID, [String])
        case leave(StreamID, GroupID)
        case publish(String, GroupID)
        /// One that a hub has no reason for.
        case other(String)
    }

    private let log = Mutex<[Call]>([])

    /// What was told since this was last asked.
    func calls() -> [Call] {
        log.withLock { log in
            defer { log = [] }
            return log
        }
    }

    func handle(_ stream: StreamID) -> StreamHandle {
        StreamHandle(id: stream, ledger: StreamLedger(maxBufferedBytes: 1000), loop: self)
    }

    private func note(_ call: Call) { log.withLock { $0.append(call) } }

    func join(_ stream: StreamID, to group: GroupID, replay: [ByteBuffer]) {
        note(.join(stream, group, replay.map { String(buffer: $0) }))
    }
    func leave(_ stream: StreamID, group: GroupID) { note(.leave(stream, group)) }
    func publish(_ frame: StreamFrame, to group: GroupID, members: Int) {
        note(.publish(String(buffer: frame.bytes), group))
    }

    func expect(_ stream: StreamID, ledger: StreamLedger, limits: StreamLimits) { note(.other("expect")) }
    func send(_ frame: StreamFrame, to stream: StreamID) { note(.other("send")) }
    func noteDropped(_ stream: StreamID) { note(.other("noteDropped")) }
    func broadcast(_ frame: StreamFrame) { note(.other("broadcast")) }
    func close(_ stream: StreamID, reason: CloseReason) { note(.other("close")) }
    func overflow(_ stream: StreamID) { note(.other("overflow")) }
    func closeAll(reason: CloseReason, retry: ClosedRange<Int>?) { note(.other("closeAll")) }
}
