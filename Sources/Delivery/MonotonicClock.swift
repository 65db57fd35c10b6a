public import NIOCore

/// Where time comes from. Every duration of ours is measured on one of these, so that tests move time by hand and a
/// jump of the wall clock changes nothing.
public protocol MonotonicClock: Sendable {
    func now() -> NIODeadline
    /// Runs `body` on the loop when the deadline has come. Returns what takes it back.
    func wake(_ loop: any EventLoop, at deadline: NIODeadline, _ body: @escaping @Sendable () -> Void) -> any WakeUp
}

/// A wake-up call that can be taken back.
public protocol WakeUp: Sendable {
    func cancel()
}

/// The machine's monotonic clock.
public struct SystemClock: MonotonicClock {
    public init() {}

    public func now() -> NIODeadline { .now() }

    public func wake(_ loop: any EventLoop, at deadline: NIODeadline, _ body: @escaping @Sendable () -> Void)
        -> any WakeUp
    {
        ScheduledWakeUp(task: loop.scheduleTask(deadline: deadline, body))
    }

    private struct ScheduledWakeUp: WakeUp {
        let task: Scheduled<Void>
        func cancel() { task.cancel() }
    }
}
