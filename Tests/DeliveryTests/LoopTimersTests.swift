import Delivery
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import TestClock
import Testing

@Suite(.timeLimit(.minutes(5))) struct LoopTimersTests {
    let loop = EmbeddedEventLoop()
    let clock = ManualClock()
    let timers: LoopTimers

    init() { timers = LoopTimers(loop: loop, clock: clock) }

    private func pass(_ amount: TimeAmount) {
        clock.advance(by: amount)
        loop.run()
    }

    @Test func `a timer comes when its time has come, once`() {
        var fired = 0
        _ = timers.schedule(after: .milliseconds(5)) { fired += 1 }
        #expect(timers.count == 1)
        pass(.nanoseconds(4_999_999))
        #expect(fired == 0)
        pass(.nanoseconds(1))
        #expect(fired == 1)
        #expect(timers.count == 0)
        pass(.seconds(100))
        #expect(fired == 1)
    }

    @Test(arguments: [TimeAmount.zero, .seconds(-5)])
    func `what is due already comes with the next tick`(_ amount: TimeAmount) {
        var fired = 0
        _ = timers.schedule(after: amount) { fired += 1 }
        #expect(fired == 0)
        pass(.milliseconds(1))
        #expect(fired == 1)
    }

    @Test(arguments: 0..<50) func `never early, and at most a tick late`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var open: [Int: NIODeadline] = [:]
        let clock = clock
        for id in 0..<200 {
            let reach: Int64 = [3_000_000, 300_000_000, 100_000_000_000].randomElement(using: &random)!
            let deadline = clock.now() + .nanoseconds(Int64.random(in: 0...reach, using: &random))
            open[id] = deadline
            _ = timers.schedule(at: deadline) {
                #expect(clock.now() >= deadline)
                #expect(open.removeValue(forKey: id) != nil)
            }
            if Bool.random(using: &random) { pass(.nanoseconds(Int64.random(in: 0...reach / 8, using: &random))) }
            #expect(open.values.allSatisfy { $0 + .milliseconds(1) > clock.now() })
            #expect(timers.count == open.count)
        }
        pass(.seconds(101))
        #expect(open.isEmpty)
        #expect(timers.count == 0)
    }

    @Test func `timers come in the order of their ticks, then of their scheduling`() {
        var order: [Int] = []
        for (id, milliseconds) in [30, 10, 20, 10, 300, 10].enumerated() {
            _ = timers.schedule(after: .milliseconds(Int64(milliseconds))) { order.append(id) }
        }
        pass(.seconds(1))
        #expect(order == [1, 3, 5, 2, 0, 4])
    }

    @Test func `a cancelled timer does not come`() {
        var fired: [Int] = []
        let first = timers.schedule(after: .milliseconds(5)) { fired.append(1) }
        _ = timers.schedule(after: .milliseconds(6)) { fired.append(2) }
        timers.cancel(first)
        timers.cancel(first)
        #expect(timers.count == 1)
        pass(.milliseconds(10))
        #expect(fired == [2])
        timers.cancel(first)
    }

    @Test func `a timer may take back another that is due at the same moment`() {
        var fired: [Int] = []
        var later: LoopTimers.Token?
        _ = timers.schedule(after: .milliseconds(5)) { [timers] in
            fired.append(1)
            if let later { timers.cancel(later) }
        }
        _ = timers.schedule(after: .milliseconds(5)) { fired.append(2) }
        later = timers.schedule(after: .milliseconds(5)) { fired.append(3) }
        pass(.milliseconds(10))
        #expect(fired == [1, 2])
    }

    @Test func `a cancelled timer lets go of what it holds`() {
        final class Thing {}
        weak var held: Thing?
        do {
            let thing = Thing()
            held = thing
            let token = timers.schedule(after: .seconds(5)) { _ = thing }
            timers.cancel(token)
        }
        #expect(held == nil)
    }

    @Test func `a timer may schedule the next`() {
        var fired: [Int64] = []
        let clock = clock
        let start = clock.now()
        func again() {
            _ = timers.schedule(after: .milliseconds(10)) {
                fired.append((clock.now() - start).nanoseconds / 1_000_000)
                if fired.count < 5 { again() }
            }
        }
        again()
        for _ in 0..<100 { pass(.milliseconds(1)) }
        #expect(fired == [10, 20, 30, 40, 50])
    }

    @Test func `a timer scheduled in a timer for now waits for the next tick`() {
        var fired = 0
        _ = timers.schedule(after: .milliseconds(1)) { [timers, clock] in
            _ = timers.schedule(at: clock.now()) { fired += 1 }
        }
        pass(.milliseconds(1))
        #expect(fired == 0)
        pass(.milliseconds(1))
        #expect(fired == 1)
    }

    @Test func `the loop is woken for the earliest timer`() throws {
        let start = clock.now()
        _ = timers.schedule(after: .milliseconds(200)) {}
        #expect(try #require(clock.nextDeadline) <= start + .milliseconds(200))
        let early = timers.schedule(after: .milliseconds(3)) {}
        #expect(try #require(clock.nextDeadline) == start + .milliseconds(3))
        timers.cancel(early)
        pass(.milliseconds(3))
        #expect(try #require(clock.nextDeadline) > clock.now())
        pass(.milliseconds(197))
        #expect(clock.nextDeadline == nil)
    }

    @Test func `a timer after a long rest is not late`() {
        var fired: [Int] = []
        pass(.hours(1000))
        _ = timers.schedule(after: .milliseconds(2)) { fired.append(1) }
        pass(.milliseconds(2))
        #expect(fired == [1])
    }

    @Test func `a timer for the end of time does no harm`() {
        var fired = 0
        _ = timers.schedule(at: .distantFuture) { fired += 1 }
        _ = timers.schedule(at: .distantPast) { fired += 10 }
        pass(.hours(24))
        #expect(fired == 10)
        #expect(timers.count == 1)
    }

    @Test func `on the machine's clock a timer comes on its loop and not early`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let fired = loop.makePromise(of: Bool.self)
        loop.execute {
            let timers = LoopTimers(loop: loop, clock: SystemClock())
            let deadline = timers.now + .milliseconds(2)
            _ = timers.schedule(at: deadline) { fired.succeed(loop.inEventLoop && NIODeadline.now() >= deadline) }
        }
        #expect(try await fired.futureResult.get())
        try await group.shutdownGracefully()
    }
}
