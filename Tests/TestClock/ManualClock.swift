public import Delivery
public import NIOCore
import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualClock: MonotonicClock {
    private struct State {
        var now: NIODeadline
        var next = 0
        var wakeUps: [Int: (deadline: NIODeadline, loop: any EventLoop, body: @Sendable () -> Void)] = [:]
    }

    private let state = Mutex(State(now: .uptimeNanoseconds(1_000_000_000)))

    public init() {}

    public func now() -> NIODeadline { state.withLock { $0.now } }

    public func wake(_ loop: any EventLoop, at deadline: NIODeadline, _ body: @escaping @Sendable () -> Void)
        -> any WakeUp
    {
        let number = state.withLock { state in
            state.next += 1
            state.wakeUps[state.next] = (deadline, loop, body)
            return state.next
        }
        fire()
        return ManualWakeUp(clock: self, number: number)
    }

    /// Moves time on. What has become due runs on its loop, in order of deadlines; await a later task of the loop to
    /// see its effect.
    public func advance(by amount: TimeAmount) {
        state.withLock { $0.now = $0.now + amount }
        fire()
    }

    /// The earliest wake-up that somebody waits for.
    public var nextDeadline: NIODeadline? { state.withLock { $0.wakeUps.values.map(\.deadline).min() } }

    private func fire() {
        let due = state.withLock { state in
            let due = state.wakeUps.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.wakeUps[number] = nil }
            return due.values.sorted { $0.deadline < $1.deadline }
        }
        for wakeUp in due { wakeUp.loop.execute(wakeUp.body) }
    }

    private struct ManualWakeUp: WakeUp {
        let clock: ManualClock
        let number: Int
        func cancel() { _ = clock.state.withLock { $0.wakeUps.removeValue(forKey: number) } }
    }
}
