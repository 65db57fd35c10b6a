import NIOCore
import Testing

@testable import Redis

@Suite struct RedisConnectionStateTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    private func connected() -> RedisConnectionState {
        var state = RedisConnectionState()
        #expect(state.open() == true)
        #expect(state.opened(state.attempt) == true)
        state.greeted()
        return state
    }

    @Test func `it opens once, greets, and is connected`() {
        var state = RedisConnectionState()
        #expect(state.phase == .idle)
        #expect(state.open() == true)
        #expect(state.open() == false)
        #expect(state.phase == .opening)
        #expect(state.opened(state.attempt) == true)
        #expect(state.opened(state.attempt) == false)
        #expect(state.phase == .greeting)
        state.greeted()
        #expect(state.phase == .connected)
    }

    @Test func `failures in a row wait longer each time, and a connection begins anew`() {
        var state = RedisConnectionState()
        _ = state.open()
        for (delay, failures) in [(500, 1), (750, 2), (1125, 3)] {
            let loss = state.lost(state.attempt, now: start, jitter: 0)
            #expect(loss?.delay == .milliseconds(Int64(delay)))
            #expect(loss?.failures == failures)
            #expect(state.phase == .waiting)
            #expect(state.retry() == true)
            #expect(state.retry() == false)
        }
        _ = state.opened(state.attempt)
        state.greeted()
        #expect(state.lost(state.attempt, now: start, jitter: 0)?.delay == .milliseconds(500))
    }

    @Test func `the first failure of a row is news, and then one a minute`() {
        var state = RedisConnectionState()
        _ = state.open()
        var news: [Int64] = []
        for second in stride(from: 0, through: 200, by: 10) as StrideThrough<Int64> {
            if state.lost(state.attempt, now: at(second), jitter: 0)!.isNews { news.append(second) }
            _ = state.retry()
        }
        #expect(news == [0, 60, 120, 180])
        _ = state.opened(state.attempt)
        state.greeted()
        #expect(state.lost(state.attempt, now: at(201), jitter: 0)?.isNews == true)
    }

    @Test func `a Redis that loads its data is asked again soon`() {
        var state = RedisConnectionState()
        _ = state.open()
        for _ in 0..<3 {
            state.loads()
            #expect(state.lost(state.attempt, now: start, jitter: 0)?.delay == .milliseconds(500))
            _ = state.retry()
        }
    }

    @Test func `what comes of an attempt that is over is void`() {
        var state = connected()
        let old = state.attempt
        #expect(state.lost(old, now: start, jitter: 0) != nil)
        #expect(state.lost(old, now: start, jitter: 0) == nil)
        #expect(state.retry() == true)
        #expect(!state.isCurrent(old))
        #expect(state.opened(old) == false)
        #expect(state.lost(old, now: start, jitter: 0) == nil)
        #expect(state.phase == .opening)
    }

    @Test func `a dropped connection comes back at once, but not twice in a second`() {
        var state = connected()
        func again() {
            #expect(state.retry() == true)
            #expect(state.opened(state.attempt) == true)
            state.greeted()
        }
        #expect(state.drop(now: at(0), jitter: 0)?.delay == .zero)
        #expect(state.drop(now: at(0), jitter: 0) == nil)
        again()
        #expect(state.drop(now: at(0) + .milliseconds(999), jitter: 0)?.delay == .milliseconds(500))
        again()
        #expect(state.drop(now: at(2), jitter: 0)?.delay == .zero)
    }

    @Test func `closed, it does nothing any more`() {
        var state = connected()
        let attempt = state.attempt
        #expect(state.close() == true)
        #expect(state.close() == false)
        #expect(state.phase == .closed)
        #expect(!state.isCurrent(attempt))
        #expect(state.lost(attempt, now: start, jitter: 0) == nil)
        #expect(state.drop(now: start, jitter: 0) == nil)
        #expect(state.retry() == false)
        #expect(state.open() == false)
    }
}
