public import NIOCore

/// The life of one stream as a pure state machine: its loop names what happened and performs what is answered.
///
///     open --close--> flushing --flushed--> closed
///       \---------------cut-----------------^
public struct StreamState: Sendable {
    /// What the loop must do.
    public enum Action: Equatable, Sendable {
        case none
        /// Write a heartbeat.
        case heartbeat
        /// Write out what is queued, then close.
        case flushThenClose(CloseReason)
        /// Close at once: nothing is queued.
        case close(CloseReason)
        /// Reset the connection: an event may be half written, and no client may take it for a whole one.
        case reset(CloseReason)
    }

    private enum Phase { case open, flushing(CloseReason, NIODeadline), closed }

    /// How long a client that is being closed may take nothing of what is queued.
    public static let flushTime = TimeAmount.seconds(10)

    public let limits: StreamLimits
    private let openedAt: NIODeadline
    private var phase = Phase.open
    private var lastWrite: NIODeadline
    private var lastEvent: NIODeadline

    public init(limits: StreamLimits, now: NIODeadline) {
        self.limits = limits
        self.openedAt = now
        self.lastWrite = now
        self.lastEvent = now
    }

    public var isOpen: Bool { if case .open = phase { true } else { false } }
    public var isClosed: Bool { if case .closed = phase { true } else { false } }

    /// Bytes were handed to the connection.
    public mutating func wrote(isEvent: Bool, now: NIODeadline) {
        lastWrite = now
        if isEvent { lastEvent = now }
    }

    /// The queue cannot take what a sender gave.
    public mutating func overflowed() -> Action {
        guard !isClosed else { return .none }
        phase = .closed
        return .reset(.slow)
    }

    /// Somebody wants the stream closed, between events.
    public mutating func close(_ reason: CloseReason, queueIsEmpty: Bool, now: NIODeadline) -> Action {
        guard isOpen else { return .none }
        guard !queueIsEmpty else {
            phase = .closed
            return .close(reason)
        }
        phase = .flushing(reason, now + Self.flushTime)
        return .flushThenClose(reason)
    }

    /// The client has taken some of what is queued: one that is being closed has its time anew.
    public mutating func progressed(now: NIODeadline) {
        if case .flushing(let reason, _) = phase { phase = .flushing(reason, now + Self.flushTime) }
    }

    /// The queue has run empty.
    public mutating func flushed() -> Action {
        guard case .flushing(let reason, _) = phase else { return .none }
        phase = .closed
        return .close(reason)
    }

    /// The client is gone, or its connection failed. Returns the reason to tell, once.
    public mutating func lost(_ reason: CloseReason) -> CloseReason? {
        defer { phase = .closed }
        switch phase {
        case .open: return reason
        case .flushing(let reason, _): return reason
        case .closed: return nil
        }
    }

    /// Looks at the clock: `nextDeadline` has come.
    public mutating func timePassed(now: NIODeadline, queueIsEmpty: Bool) -> Action {
        switch phase {
        case .closed: return .none
        case .flushing(let reason, let deadline):
            guard deadline <= now else { return .none }
            phase = .closed
            return .reset(reason)
        case .open: break
        }
        if let lifetime = limits.lifetime, openedAt + lifetime <= now {
            return close(.lifetime, queueIsEmpty: queueIsEmpty, now: now)
        }
        if let inactivity = limits.inactivity, lastEvent + inactivity <= now {
            return close(.inactive, queueIsEmpty: queueIsEmpty, now: now)
        }
        if let ping = limits.pingInterval, lastWrite + ping <= now {
            lastWrite = now
            return queueIsEmpty ? .heartbeat : .none  // bytes are on their way already
        }
        return .none
    }

    /// When to look at the clock next; nil for never. It may come early, never late.
    public var nextDeadline: NIODeadline? {
        switch phase {
        case .closed: nil
        case .flushing(_, let deadline): deadline
        case .open:
            [
                limits.lifetime.map { openedAt + $0 }, limits.inactivity.map { lastEvent + $0 },
                limits.pingInterval.map { lastWrite + $0 },
            ]
            .compactMap { $0 }.min()
        }
    }
}
