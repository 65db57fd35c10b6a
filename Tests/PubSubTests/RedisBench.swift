import Delivery
import Dispatch
import Logging
import NIOCore
import NIOPosix
import PubSub
import TestKit

@testable import Redis

/// A broker over a real Redis under test, with keys of its own there. Time passes for both when the clock is moved.
final class RedisBench: BrokerBench {
    /// What is touched on the loop, or while nothing runs there.
    private final class Place: @unchecked Sendable {
        let loop: any EventLoop
        var broker: RedisBroker!
        var results: [String: Any] = [:]

        init(_ loop: any EventLoop) { self.loop = loop }
    }

    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let place: Place

    init(_ redis: TestRedis, prefix: String = String(UInt64.random(in: 0 ... .max), radix: 36)) throws {
        let clock = ManualClock()
        let start = clock.now()
        place = Place(Self.group.next())
        super.init(clock: clock)
        let url = try RedisURL(redis.url)
        let node = NodeBox(self)
        onLoop { place in
            let timers = LoopTimers(loop: place.loop, clock: clock)
            let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            place.broker = RedisBroker(
                url: url, prefix: Array(prefix.utf8), loop: place.loop, timers: timers, log: log
            ) { (clock.now() - start).nanoseconds / 1_000_000 }
            place.broker.node = node.bench
        }
        startAgain()
    }

    /// Looks for Redis, and waits until everything that was missed has come.
    func startAgain() {
        let isConnected = DispatchSemaphore(value: 0)
        onLoop { place in
            place.broker.onConnected = { isConnected.signal() }
            place.broker.start()
        }
        Self.wait(isConnected)
    }

    func stop() {
        let hasLeft = DispatchSemaphore(value: 0)
        onLoop { $0.broker.stop { hasLeft.signal() } }
        Self.wait(hasLeft)
    }

    private struct NodeBox: @unchecked Sendable {
        unowned let bench: RedisBench
        init(_ bench: RedisBench) { self.bench = bench }
    }

    deinit { onLoop { $0.broker.stop() } }

    private func onLoop(_ body: @escaping @Sendable (Place) -> Void) {
        let (place, done) = (place, DispatchSemaphore(value: 0))
        place.loop.execute {
            body(place)
            done.signal()
        }
        Self.wait(done)
    }

    private static func wait(_ semaphore: DispatchSemaphore) {
        guard semaphore.wait(timeout: .now() + 30) == .success else {
            fatalError("the broker has not answered for 30 s")
        }
    }

    private struct Body<Answer>: @unchecked Sendable {
        let call: (any Broker, @escaping (Answer) -> Void) -> Void
    }

    private final class Slot<Answer>: @unchecked Sendable {
        var answer: Answer?
    }

    override func run(_ body: @escaping (any Broker) -> Void) {
        ask { broker, answer in
            body(broker)
            answer(())
        }
        settle()
    }

    override func ask<Answer>(_ body: @escaping (any Broker, @escaping (Answer) -> Void) -> Void) -> Answer {
        let (body, slot, answered) = (Body(call: body), Slot<Answer>(), DispatchSemaphore(value: 0))
        onLoop { place in
            body.call(place.broker) { answer in
                slot.answer = answer
                answered.signal()
            }
        }
        Self.wait(answered)
        return slot.answer!
    }

    /// Redis has a clock of its own, which goes on while the test runs.
    override var precision: TimeAmount { .milliseconds(1500) }

    /// An id that nobody knows makes Redis be asked, and the answer comes behind everything that was published before.
    override func settle() { _ = replay("settled", .after("nobody knows this id")) }

    override var isEmpty: Bool {
        let fields: RESPValue = ask { broker, answer in
            let broker = broker as! RedisBroker
            var command = RedisCommand("HKEYS")
            command.append(broker.link.keys.state)
            broker.link.run(command) { answer((try? $0.get()) ?? .null) }
        }
        guard case .array(let fields) = fields else { return false }
        return !fields.contains { $0.text?.hasPrefix("channel:") == true }
    }
}
