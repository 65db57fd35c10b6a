import Delivery
import NIOCore

/// One timer for a deadline that is moved often, and mostly away: that costs nothing. The timer comes for an earlier
/// deadline then, and its owner sets it for what is left.
struct LazyTimer {
    private var armed: (token: LoopTimers.Token, deadline: NIODeadline)?

    /// Whether the timer would come too late for this deadline, or not at all.
    func misses(_ deadline: NIODeadline) -> Bool { armed.map { $0.deadline > deadline } ?? true }

    mutating func set(_ timers: LoopTimers, at deadline: NIODeadline, _ body: @escaping () -> Void) {
        cancel(timers)
        armed = (timers.schedule(at: deadline, body), deadline)
    }

    /// To be said when the timer comes.
    mutating func hasCome() { armed = nil }

    mutating func cancel(_ timers: LoopTimers) {
        if let armed { timers.cancel(armed.token) }
        armed = nil
    }
}
