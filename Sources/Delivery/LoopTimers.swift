public import NIOCore

/// The timers of one event loop: one timing wheel, one wake-up of the loop for the earliest of them.
///
/// Used on its loop only. A timer comes at most a tick (1 ms) late and never early.
public final class LoopTimers {
    /// Names one timer.
    public struct Token {
        fileprivate let token: TimingWheel<() -> Void>.Token
    }

    private static let tick = TimeAmount.milliseconds(1)

    private let loop: any EventLoop
    private let clock: any MonotonicClock
    private let start: NIODeadline
    private var wheel = TimingWheel<() -> Void>()
    private var armed: (tick: UInt64, wakeUp: any WakeUp)?

    public init(loop: any EventLoop, clock: any MonotonicClock) {
        self.loop = loop
        self.clock = clock
        self.start = clock.now()
    }

    public var now: NIODeadline { clock.now() }
    public var count: Int { wheel.count }

    /// Runs `body` on the loop once `deadline` has come.
    public func schedule(at deadline: NIODeadline, _ body: @escaping () -> Void) -> Token {
        loop.assertInEventLoop()
        if wheel.count == 0 { wheel.move(to: elapsedTicks) }
        let nanoseconds = max(0, (deadline - start).nanoseconds)
        let ticks = (nanoseconds + Self.tick.nanoseconds - 1) / Self.tick.nanoseconds
        let token = Token(token: wheel.schedule(at: UInt64(ticks), body))
        arm()
        return token
    }

    public func schedule(after amount: TimeAmount, _ body: @escaping () -> Void) -> Token {
        schedule(at: clock.now() + amount, body)
    }

    /// Takes a timer back; one that has come already is left alone.
    public func cancel(_ token: Token) {
        loop.assertInEventLoop()
        wheel.cancel(token.token)
    }

    private var elapsedTicks: UInt64 { UInt64(max(0, (clock.now() - start).nanoseconds) / Self.tick.nanoseconds) }

    private func arm() {
        guard let next = wheel.nextExpiry else { return }
        if let armed, armed.tick <= next { return }
        armed?.wakeUp.cancel()
        let bound = NIOLoopBound(self, eventLoop: loop)
        let deadline = start + TimeAmount.nanoseconds(Int64(next) * Self.tick.nanoseconds)
        armed = (next, clock.wake(loop, at: deadline) { bound.value.fire() })
    }

    private func fire() {
        armed = nil
        wheel.move(to: elapsedTicks)
        while let body = wheel.popDue() { body() }
        arm()
    }
}
