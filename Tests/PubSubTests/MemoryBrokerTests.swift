import NIOCore
import PubSub
import TestKit
import Testing

@Suite struct MemoryBrokerTests {
    static let contract = BrokerContract { MemoryBench() }

    @Test(arguments: BrokerContract.promises) func `it keeps the contract`(_ promise: BrokerContract.Promise) throws {
        try Self.contract.check(promise)
    }

    // MARK: replay and receive together

    @Test(arguments: 0..<40) func `who comes back has lost nothing and gets nothing twice`(_ seed: UInt64) {
        RandomResumes(Self.contract, .roomy, seed: seed).run(steps: 400)
    }

    @Test(arguments: 0..<40) func `what a short history has lost is told, and nothing else is`(_ seed: UInt64) {
        RandomResumes(Self.contract, .narrow, seed: seed).run(steps: 400)
    }

    @Test(arguments: 0..<40) func `nothing is lost silently when channels are forgotten`(_ seed: UInt64) {
        RandomResumes(Self.contract, .forgetful, seed: seed).run(steps: 400)
    }

    // MARK: its own

    @Test func `numbers begin at one and leave none out`() {
        let bench = MemoryBench(epoch: "e")
        #expect(bench.publish(toEach: ["a", "b", "a"]).map(\.description) == ["e-1", "e-2", "e-3"])
    }

    @Test func `each run has an epoch of its own, that an id can bear`() {
        let epochs = (0..<50).map { _ in MemoryBench().publish(to: "a").epoch }
        #expect(Set(epochs).count == 50)
        for epoch in epochs { #expect(PublicationID("\(epoch)-1") == PublicationID(epoch: epoch, sequence: 1)) }
    }

    @Test func `an id of another run is a gap, though its number is known`() {
        let before = MemoryBench(epoch: "before")
        let after = MemoryBench(epoch: "after")
        let old = before.publish(to: "a")
        let new = after.publish(to: "a")
        #expect(old.sequence == new.sequence)
        let replay = after.replay("a", after: old)
        #expect(replay.hasGap)
        #expect(replay.ids == [new])
    }

    /// Of a channel that is forgotten not even the name is kept, so any channel may have been it.
    @Test func `after forgetting, a channel that is not known is a gap up to the last that was forgotten`() {
        let bench = MemoryBench()
        bench.set("*", HistoryRule(maxAge: .seconds(1)))
        let ids = bench.publish(toEach: ["a", "b", "a"])
        bench.clock.advance(by: .seconds(2))
        bench.expire()
        #expect(ids.map { bench.replay("c", after: $0).hasGap } == [true, true, false])
        #expect(bench.replay("c", .after("nonsense")).hasGap)
        let first = bench.publish(to: "c")
        #expect(ids.map { bench.replay("c", after: $0).hasGap } == [true, true, false])
        #expect(bench.replay("c", after: ids[2]).ids == [first])
    }

    @Test func `a channel that is subscribed to is not forgotten, so its last stays known`() {
        let bench = MemoryBench()
        bench.set("*", HistoryRule(maxAge: .seconds(1)))
        bench.subscribe("a")
        let ids = bench.publish(toEach: ["a", "b", "b"])
        bench.clock.advance(by: .seconds(2))
        bench.expire()
        #expect(bench.kept("a") == [])
        #expect(!bench.replay("a", after: ids[0]).hasGap)
        #expect(bench.replay("b", after: ids[0]).hasGap)
        bench.unsubscribe("a")
        bench.expire()
        #expect(bench.isEmpty)
    }

    @Test func `looking and subscribing leave nothing behind`() {
        let bench = MemoryBench()
        for number in 0..<1000 {
            _ = bench.replay("\(number)", .after("x-1"))
            _ = bench.kept("\(number)")
            bench.subscribe("\(number)")
            bench.unsubscribe("\(number)")
        }
        #expect(bench.isEmpty)
    }
}
