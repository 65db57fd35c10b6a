import TestClock
import Testing

@testable import Delivery

@Suite struct TimingWheelTests {
    @Test(arguments: 0..<60) func `it behaves like a sorted list`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var timers = SortedTimers(now: seed % 3 == 0 ? 0 : UInt64.random(in: 0...(1 << 34), using: &random))
        for _ in 0..<300 {
            switch Int.random(in: 0...9, using: &random) {
            case 0...4: timers.schedule(at: timers.wheel.now + distance(&random))
            case 5: timers.schedule(at: UInt64.random(in: 0...timers.wheel.now, using: &random))
            case 6: timers.cancel(using: &random)
            default: timers.advance(to: timers.wheel.now + distance(&random) / 2)
            }
        }
        timers.advance(to: timers.wheel.now + 1 << 36)
        #expect(timers.faults == [])
        #expect(timers.isEmpty)
    }

    /// A loop sleeps until the next expiry.
    @Test(arguments: 0..<20) func `stepping from expiry to expiry brings out everything at its tick`(_ seed: UInt64) {
        var random = SplitMix64(seed: ~seed)
        var timers = SortedTimers(now: UInt64.random(in: 0...100_000, using: &random))
        for _ in 0..<50 { timers.schedule(at: timers.wheel.now + distance(&random)) }
        while let next = timers.wheel.nextExpiry { timers.advance(to: next) }
        #expect(timers.faults == [])
        #expect(timers.isEmpty)
    }

    /// Near, at the edges of the wheels, and beyond the last of them.
    private func distance(_ random: inout SplitMix64) -> UInt64 {
        let edge = UInt64(1) << UInt64.random(in: 0...34, using: &random)
        switch Int.random(in: 0...3, using: &random) {
        case 0: return UInt64.random(in: 0...3, using: &random)
        case 1: return edge + UInt64.random(in: 0...2, using: &random) - 1
        default: return UInt64.random(in: 0...edge, using: &random)
        }
    }

    @Test(arguments: [
        1, 2, 255, 256, 257, 65_535, 65_536, 65_537, 1 << 24, (1 << 24) + 1, (1 << 32) - 1, 1 << 32, 1 << 33,
    ])
    func `an entry comes out at its tick and not before`(_ distance: UInt64) {
        for start in [0, 1, 255, 256, 65_535, 70_000, 1 << 24] as [UInt64] {
            var wheel = TimingWheel<Int>(now: start)
            _ = wheel.schedule(at: start + distance, 1)
            #expect(drawn(from: &wheel, to: start + distance - 1) == [])
            #expect(drawn(from: &wheel, to: start + distance) == [1])
            #expect(wheel.count == 0)
        }
    }

    @Test func `entries of one tick keep the order in which they were scheduled`() {
        var wheel = TimingWheel<Int>()
        // From far and near into the same tick, so that they sit in different wheels.
        _ = wheel.schedule(at: 70_000, 1)
        #expect(drawn(from: &wheel, to: 69_000) == [])
        _ = wheel.schedule(at: 70_000, 2)
        #expect(drawn(from: &wheel, to: 69_999) == [])
        _ = wheel.schedule(at: 70_000, 3)
        _ = wheel.schedule(at: 5, 4)
        #expect(drawn(from: &wheel, to: 70_000) == [1, 2, 3, 4])
    }

    @Test func `a tick that has passed comes out at the next one`() {
        var wheel = TimingWheel<Int>(now: 100)
        _ = wheel.schedule(at: 100, 1)
        _ = wheel.schedule(at: 0, 2)
        #expect(drawn(from: &wheel, to: 100) == [])
        #expect(wheel.nextExpiry == 101)
        #expect(drawn(from: &wheel, to: 101) == [1, 2])
    }

    @Test func `time does not go back`() {
        var wheel = TimingWheel<Int>(now: 100)
        #expect(drawn(from: &wheel, to: 50) == [])
        #expect(wheel.now == 100)
    }

    @Test func `a token does not touch the entry that took its place`() {
        var wheel = TimingWheel<Int>()
        let first = wheel.schedule(at: 5, 1)
        #expect(cancelled(first, of: &wheel))
        #expect(!cancelled(first, of: &wheel))
        let second = wheel.schedule(at: 5, 2)
        #expect(!cancelled(first, of: &wheel))
        #expect(drawn(from: &wheel, to: 5) == [2])
        #expect(!cancelled(second, of: &wheel))
    }

    @Test func `a payload is let go with its entry`() {
        final class Thing {}
        var wheel = TimingWheel<Thing>()
        weak var cancelled: Thing?
        weak var expired: Thing?
        do {
            let things = (Thing(), Thing())
            (cancelled, expired) = things
            let token = wheel.schedule(at: 1, things.0)
            _ = wheel.schedule(at: 2, things.1)
            wheel.cancel(token)
            _ = wheel.advance(to: 2)
        }
        #expect(cancelled == nil)
        #expect(expired == nil)
    }

    // A mutating call cannot stand within an expectation.
    private func drawn(from wheel: inout TimingWheel<Int>, to tick: UInt64) -> [Int] { wheel.advance(to: tick) }

    private func cancelled(_ token: TimingWheel<Int>.Token, of wheel: inout TimingWheel<Int>) -> Bool {
        wheel.cancel(token)
    }
}
