import Synchronization

/// What a stream has been given and not yet written: shared by the loop that writes and the one that sends, so that
/// a sender learns at once whether the stream takes an event.
public final class StreamLedger: Sendable {
    private let buffered = Atomic<Int>(0)
    private let events = Atomic<Int>(0)
    private let open = Atomic<Bool>(true)
    private let maxBufferedBytes: Int
    private let limit: Int

    /// Where the loop makes room by dropping older events, the ledger admits every new one.
    public init(maxBufferedBytes: Int, onSlow: SlowPolicy = .disconnect) {
        self.maxBufferedBytes = maxBufferedBytes
        switch onSlow {
        case .disconnect, .dropNewest: limit = maxBufferedBytes
        case .dropOldest, .conflate:
            limit = .max
        }
    }

    /// What became of bytes that were to enter the queue.
    public enum Admission: Sendable { case admitted, full, closed }

    /// Enters bytes into the queue, if the stream is open and they fit. An event may always enter an empty queue,
    /// whatever its size. The loop, which knows when a close takes effect, admits what came before it though the
    /// stream is closed to senders.
    public func admit(_ bytes: Int, isEvent: Bool, evenIfClosed: Bool = false) -> Admission {
        guard isOpen || evenIfClosed else { return .closed }
        let before = buffered.add(bytes, ordering: .relaxed).oldValue
        guard before <= 0 || bytes <= limit - before else {
            buffered.subtract(bytes, ordering: .relaxed)
            return .full
        }
        if isEvent { events.add(1, ordering: .relaxed) }
        return .admitted
    }

    /// Notes events that went straight to the kernel.
    public func count(events count: Int) { events.add(count, ordering: .relaxed) }

    /// Enters what the kernel has left of something that was on its way, whether or not it fits.
    public func enter(_ bytes: Int) { buffered.add(bytes, ordering: .relaxed) }

    /// Takes bytes that the kernel has, or that will never be written, out of the queue.
    public func settle(_ bytes: Int) { buffered.subtract(bytes, ordering: .relaxed) }

    /// From now on nothing is admitted. Returns false when it was closed already.
    @discardableResult
    public func close() -> Bool { open.exchange(false, ordering: .acquiringAndReleasing) }

    public var isOpen: Bool { open.load(ordering: .acquiring) }
    /// Bytes that wait for the client.
    public var bufferedBytes: Int { max(0, buffered.load(ordering: .relaxed)) }
    /// Events admitted since the stream was opened.
    public var eventsSent: Int { events.load(ordering: .relaxed) }
    /// Whether the stream has fallen behind by half its budget.
    public var isLagging: Bool { bufferedBytes * 2 > maxBufferedBytes }
}
