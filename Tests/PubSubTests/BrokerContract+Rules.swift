import NIOCore
import PubSub
import TestKit
import Testing

extension BrokerContract {
    /// What bounds a history, and what is left when it is forgotten.
    static let rules: [Promise] = [
        Promise("without a rule a hundred of the last hour are kept") { bench in
            let ids = bench.publish(toEach: Array(repeating: "a", count: 101))
            #expect(bench.kept("a") == Array(ids.dropFirst()))
            bench.clock.advance(by: TimeAmount.hours(1) - bench.precision)
            #expect(bench.kept("a").count == 100)
            bench.clock.advance(by: bench.precision * 2)
            #expect(bench.kept("a") == [])
        },
        Promise("the first pattern that fits rules") { bench in
            bench.set("a*", HistoryRule(count: 2))
            bench.set("ab", HistoryRule(count: 5))
            bench.set("*b", HistoryRule(count: 3))
            for (channel, count) in [("a", 2), ("ab", 2), ("abc", 2), ("b", 3), ("cb", 3), ("c", 7)] {
                let ids = bench.publish(toEach: Array(repeating: channel, count: 7))
                #expect(bench.kept(channel) == Array(ids.suffix(count)), "\(channel)")
            }
        },
        Promise("a rule that is made narrower holds at once, a wider one brings nothing back") { bench in
            bench.set("a*", HistoryRule(count: 5))
            let ids = bench.publish(toEach: Array(repeating: "a1", count: 6))
            bench.set("a*", HistoryRule(count: 2))
            #expect(bench.kept("a1") == Array(ids.suffix(2)))
            bench.set("a*", HistoryRule(count: 4))
            #expect(bench.kept("a1") == Array(ids.suffix(2)))
            #expect(bench.replay("a1", after: ids[2]).hasGap)
            #expect(!bench.replay("a1", after: ids[3]).hasGap)
            let later = bench.publish(toEach: Array(repeating: "a1", count: 3))
            #expect(bench.kept("a1") == Array(ids.suffix(1)) + later)
        },
        Promise("an age that is made shorter holds at once") { bench in
            let old = bench.publish(to: "a")
            bench.clock.advance(by: .seconds(20))
            let young = bench.publish(to: "a")
            bench.set("*", HistoryRule(maxAge: .seconds(10)))
            #expect(bench.kept("a") == [young])
            #expect(!bench.replay("a", after: old).hasGap)
        },
        Promise("a rule that is set again keeps its place") { bench in
            bench.set("a*", HistoryRule(count: 1))
            bench.set("*", HistoryRule(count: 2))
            bench.set("a*", HistoryRule(count: 3))
            bench.publish(toEach: Array(repeating: "a", count: 5) + Array(repeating: "b", count: 5))
            #expect(bench.kept("a").count == 3)
            #expect(bench.kept("b").count == 2)
        },

        // MARK: forgetting

        Promise("looking for what is old leaves what is young") { bench in
            bench.set("b", HistoryRule(maxAge: .seconds(1)))
            let ids = bench.publish(toEach: ["a", "b", "a"])
            bench.clock.advance(by: .seconds(2))
            bench.expire()
            #expect(!bench.isEmpty)
            #expect(bench.kept("a") == [ids[0], ids[2]])
            #expect(bench.kept("b") == [])
        },
        Promise("what is forgotten is a gap for those who have not seen it") { bench in
            bench.set("*", HistoryRule(maxAge: .seconds(1)))
            let ids = bench.publish(toEach: ["a", "a"])
            bench.clock.advance(by: .seconds(2))
            bench.expire()
            #expect(bench.isEmpty)
            for text in [ids[0].description, "nonsense", ""] {
                let replay = bench.replay("a", .after(text))
                #expect(replay.hasGap, "\(text)")
                #expect(replay.ids == [])
                #expect(replay.oldest == nil)
            }
            #expect(!bench.replay("a", after: ids[1]).hasGap)
            #expect(!bench.replay("a", .now).hasGap)
        },
        Promise("and stays one when the channel goes on") { bench in
            bench.set("*", HistoryRule(maxAge: .seconds(1)))
            let ids = bench.publish(toEach: ["a", "a"])
            bench.clock.advance(by: .seconds(2))
            bench.expire()
            let next = bench.publish(to: "a")
            #expect(next.epoch == ids[1].epoch)
            #expect(next.sequence > ids[1].sequence)
            let replay = bench.replay("a", after: ids[0])
            #expect(replay.hasGap)
            #expect(replay.ids == [next])
            let complete = bench.replay("a", after: ids[1])
            #expect(!complete.hasGap)
            #expect(complete.ids == [next])
        },
        Promise("forgetting ends no subscription") { bench in
            bench.set("*", HistoryRule(maxAge: .seconds(1)))
            bench.subscribe("a")
            let first = bench.publish(to: "a")
            bench.clock.advance(by: .seconds(2))
            bench.expire()
            let second = bench.publish(to: "a")
            #expect(bench.received.map(\.id) == [first, second])
            #expect(bench.received[1].previous == first.sequence)
            #expect(!bench.replay("a", after: first).hasGap)
        },
    ]
}
