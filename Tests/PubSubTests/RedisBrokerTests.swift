import NIOCore
import PubSub
import TestKit
import Testing

/// One Redis for all of them; each bench has keys of its own.
@Suite(.serialized) final class RedisBrokerTests {
    static let redis = Task { try await TestRedis.start() }

    static func contract() async throws -> BrokerContract {
        let redis = try await redis.value
        return BrokerContract { try! RedisBench(redis) }
    }

    @Test(arguments: BrokerContract.promises)
    func `it keeps the contract`(_ promise: BrokerContract.Promise) async throws {
        try await Self.contract().check(promise)
    }

    // MARK: replay and receive together

    @Test(arguments: 0..<4) func `who comes back has lost nothing and gets nothing twice`(_ seed: UInt64) async throws {
        RandomResumes(try await Self.contract(), .roomy, seed: seed).run(steps: 150)
    }

    @Test(arguments: 0..<4) func `what a short history has lost is told, and nothing else is`(_ seed: UInt64)
        async throws
    {
        RandomResumes(try await Self.contract(), .narrow, seed: seed).run(steps: 150)
    }

    @Test(arguments: 0..<4) func `nothing is lost silently when channels are forgotten`(_ seed: UInt64) async throws {
        RandomResumes(try await Self.contract(), .forgetful, seed: seed).run(steps: 150)
    }

    // MARK: several nodes

    @Test func `what one node publishes another receives, in one order, and an id of one resumes on the other`()
        async throws
    {
        let redis = try await Self.redis.value
        let (one, other) = (try RedisBench(redis, prefix: "nodes"), try RedisBench(redis, prefix: "nodes"))
        one.subscribe("a", "b")
        other.subscribe("a", "b")
        var ids: [PublicationID] = []
        for number in 0..<50 {
            ids.append((number % 3 == 0 ? one : other).publish("\(number)", to: number % 2 == 0 ? "a" : "b"))
        }
        one.settle()
        other.settle()
        #expect(one.received.map(\.id) == ids)
        #expect(other.received.map(\.id) == ids)
        #expect(other.replay("a", after: ids[10]).ids == ids.indices.filter { $0 > 10 && $0 % 2 == 0 }.map { ids[$0] })
        let late = try RedisBench(redis, prefix: "nodes")
        #expect(late.replay("b", after: ids[40]).ids == [ids[41], ids[43], ids[45], ids[47], ids[49]])
    }

    @Test func `from the moment on in which a subscription is said to hold, what any node publishes comes`()
        async throws
    {
        let redis = try await Self.redis.value
        let (one, other) = (try RedisBench(redis, prefix: "holds"), try RedisBench(redis, prefix: "holds"))
        for bench in [one, other] { bench.set("*", HistoryRule(count: 0)) }
        var ids: [PublicationID] = []
        for number in 0..<50 {
            let channels = [name("a\(number)"), name("b\(number)")]
            let _: Void = one.ask { broker, answer in
                for channel in channels { broker.subscribe(channel) }
                broker.whenSubscribed(channels) { answer(()) }
            }
            ids += [other.publish(to: "a\(number)"), other.publish(to: "b\(number)")]
        }
        one.settle()
        #expect(one.received.map(\.id) == ids)
    }

    @Test func `who stops and starts again gets what it has missed, and publishes as before`() async throws {
        let redis = try await Self.redis.value
        let (one, other) = (try RedisBench(redis, prefix: "again"), try RedisBench(redis, prefix: "again"))
        one.subscribe("a", "b")
        var ids = [one.publish(to: "a"), other.publish(to: "b")]
        one.stop()
        ids += other.publish(toEach: ["b", "a", "b"])
        one.startAgain()
        ids += [one.publish(to: "a"), other.publish(to: "b")]
        one.settle()
        #expect(one.received.map(\.id) == ids)
        #expect(one.replay("b", after: ids[1]).ids == [ids[2], ids[4], ids[6]])
    }

    @Test func `members are counted over all nodes, and those of one that leaves are gone`() async throws {
        let redis = try await Self.redis.value
        let (one, other) = (try RedisBench(redis, prefix: "count"), try RedisBench(redis, prefix: "count"))
        one.run { $0.membersChanged(of: name("a"), from: 0, to: 3) }
        other.run { $0.membersChanged(of: name("a"), from: 0, to: 2) }
        #expect(one.count("a", here: 3) >= 3)
        #expect(other.count("a", here: 2) == 5)
        other.run { $0.membersChanged(of: name("a"), from: 2, to: 1) }
        #expect(other.count("a", here: 1) == 4)
        one.stop()
        #expect(other.count("a", here: 1) == 1)
        one.startAgain()
        #expect(one.count("a", here: 3) == 4)
    }

    @Test(arguments: [true, false])
    func `a state that is gone is told to every channel, whoever finds it out`(isFoundByReading: Bool) async throws {
        let redis = try await TestRedis.start()
        let bench = try RedisBench(redis)
        bench.subscribe("a", "b")
        let old = bench.publish(toEach: ["a", "b"])
        try await redis.answer(to: "FLUSHALL")
        if isFoundByReading { bench.subscribe("c") }
        let new = bench.publish(to: "a")
        #expect(new.epoch != old[0].epoch)
        #expect(Set(bench.missed) == [name("a"), name("b")])
        #expect(bench.missed.count == 2)
        #expect(bench.received.map(\.id) == old + [new])
        #expect(bench.replay("a", after: old[0]).hasGap)
    }

    @Test func `publishers with other prefixes know nothing of one another`() async throws {
        let redis = try await Self.redis.value
        let (one, other) = (try RedisBench(redis, prefix: "p1"), try RedisBench(redis, prefix: "p2"))
        other.subscribe("a")
        one.publish(to: "a")
        #expect(other.received.isEmpty)
        #expect(other.kept("a") == [])
    }
}
