import NIOCore
import PubSub
import TestKit
import Testing

extension BrokerContract {
    private static let channels = ["a", "b", "a", "c", "c", "b", "a", "a"]

    /// Ids that no broker has given, or not yet.
    private static func unknown(_ last: PublicationID) -> [String] {
        let epoch = last.epoch
        return [
            "", "-", "nonsense", "1", "-1", "x-", "\0", "\u{FFFD}", "elsewhere-1", "elsewhere-\(last.sequence)",
            "\(epoch)", "\(epoch)-", "\(epoch)-0", "\(epoch)-01", "\(epoch)-+1", "\(epoch)-1 ", " \(epoch)-1",
            "\(epoch)--1", "\(epoch)-1.0", "\(epoch)-0x1", "\(epoch)-\u{661}", "\(epoch)-1-1x", "\(epoch)x-1",
            "\(epoch)-\(last.sequence + 1)", "\(epoch)-\(UInt64.max)", "\(epoch)-18446744073709551616",
            "\(epoch)-18446744073709551617", String(repeating: "9", count: 10_000),
            "\(epoch)-" + String(repeating: "0", count: 10_000) + "1",
        ]
    }

    static let replays: [Promise] = [
        Promise("who is new gets nothing and has missed nothing") { bench in
            let first = bench.publish(to: "a")
            bench.publish(to: "a")
            let replay = bench.replay("a", .now)
            #expect(replay.ids == [])
            #expect(!replay.hasGap)
            #expect(replay.oldest == first)
        },
        Promise("the newest so many come in order of publication") { bench in
            let ids = bench.publish(toEach: Self.channels)
            let all = [ids[0], ids[2], ids[6], ids[7]]
            for count in [0, 1, 2, 3, 4, 5, 1000, Int.max] {
                let replay = bench.replay("a", .newest(count))
                #expect(replay.ids == Array(all.suffix(count)))
                #expect(!replay.hasGap)
                #expect(replay.oldest == ids[0])
                #expect(bench.kept("a", newest: count) == replay.ids)
            }
        },
        Promise("after any id that is known comes exactly what is later, in every channel") { bench in
            let ids = bench.publish(toEach: Self.channels)
            for (place, id) in ids.enumerated() {
                for channel in ["a", "b", "c", "never"] {
                    let replay = bench.replay(channel, after: id)
                    #expect(
                        replay.ids == ids.indices.filter { $0 > place && Self.channels[$0] == channel }.map { ids[$0] })
                    #expect(!replay.hasGap)
                }
            }
        },
        Promise("a channel that has nothing gives nothing, which may be too little for who comes back") { bench in
            for point in [ResumePoint.now, .newest(5), .after("nonsense"), .after("")] {
                let replay = bench.replay("a", point)
                #expect(replay.ids == [])
                if case .after = point { #expect(replay.hasGap) } else { #expect(!replay.hasGap) }
                #expect(replay.oldest == nil)
            }
            #expect(bench.isEmpty)
        },
        Promise("an id that is unknown is a gap, and all that is kept follows") { bench in
            let ids = bench.publish(toEach: Self.channels)
            for text in Self.unknown(ids[7]) {
                let replay = bench.replay("b", .after(text))
                #expect(replay.ids == [ids[1], ids[5]], "\(text.prefix(50))")
                #expect(replay.hasGap, "\(text.prefix(50))")
                #expect(replay.oldest == ids[1])
                #expect(bench.replay("never", .after(text)).hasGap, "\(text.prefix(50))")
            }
        },
        Promise("an id of the future stays one until it is given") { bench in
            let first = bench.publish(to: "a")
            let text = "\(first.epoch)-\(first.sequence + 1)"
            #expect(bench.replay("a", .after(text)).hasGap)
            bench.publish(to: "b")
            #expect(!bench.replay("a", .after(text)).hasGap)
        },
        Promise("an id of its own resumes too") { bench in
            bench.publish(to: "a", id: "mine")
            let second = bench.publish(to: "a", id: "elsewhere-1")
            let third = bench.publish(to: "a", id: "mine")
            let fourth = bench.publish(to: "a")
            for (text, expected) in [
                ("mine", [fourth]), ("elsewhere-1", [third, fourth]), (second.description, [third, fourth]),
            ] {
                let replay = bench.replay("a", .after(text))
                #expect(replay.ids == expected, "\(text)")
                #expect(!replay.hasGap, "\(text)")
            }
        },
        Promise("but only as long as the history has its event") { bench in
            bench.set("a", HistoryRule(count: 2))
            bench.publish(to: "a", id: "mine")
            let later = bench.publish(toEach: ["a", "a"])
            let replay = bench.replay("a", .after("mine"))
            #expect(replay.ids == later)
            #expect(replay.hasGap)
        },
        Promise("a replay changes nothing") { bench in
            let ids = bench.publish(toEach: ["a", "a"])
            bench.subscribe("a")
            for _ in 0..<3 { #expect(bench.replay("a", after: ids[0]).ids == [ids[1]]) }
            #expect(bench.received.isEmpty)
        },
    ]

    // MARK: gaps

    static let gaps: [Promise] = [
        Promise("what is over the count is a gap for those who have not seen it, and for no other") { bench in
            bench.set("a", HistoryRule(count: 3))
            let ids = bench.publish(toEach: ["a", "b", "a", "b", "a", "a", "b", "a", "a"])
            let kept = [ids[5], ids[7], ids[8]]
            for (id, isGap) in zip(ids, [true, true, true, true, false, false, false, false, false]) {
                let replay = bench.replay("a", after: id)
                #expect(replay.hasGap == isGap, "\(id)")
                #expect(replay.ids == kept.filter { $0.sequence > id.sequence })
                #expect(replay.oldest == kept[0])
                #expect(!bench.replay("b", after: id).hasGap)
            }
        },
        Promise("a channel that keeps nothing is a gap for all but those who have its last") { bench in
            bench.set("a", HistoryRule(count: 0))
            let ids = bench.publish(toEach: ["b", "a", "b"])
            #expect(ids.map { bench.replay("a", after: $0).hasGap } == [true, false, false])
            #expect(bench.replay("a", after: ids[0]).ids == [])
            #expect(bench.replay("a", after: ids[0]).oldest == nil)
            #expect(bench.replay("a", .after("nonsense")).hasGap)
        },
        Promise("what is too old is a gap, though nobody has told the broker to look") { bench in
            bench.set("a", HistoryRule(count: 10, maxAge: .seconds(10)))
            let ids = [bench.publish(to: "b"), bench.publish(to: "a")]
            bench.clock.advance(by: .seconds(4))
            let late = bench.publish(to: "a")
            bench.clock.advance(by: TimeAmount.seconds(6) - bench.precision)
            #expect(!bench.replay("a", after: ids[0]).hasGap)
            #expect(bench.kept("a") == [ids[1], late])
            bench.clock.advance(by: bench.precision * 2)
            let replay = bench.replay("a", after: ids[0])
            #expect(replay.hasGap)
            #expect(replay.ids == [late])
            #expect(replay.oldest == late)
            #expect(!bench.replay("a", after: ids[1]).hasGap)
            #expect(bench.kept("a") == [late])
            bench.clock.advance(by: .seconds(4))
            #expect(bench.replay("a", after: ids[1]).hasGap)
            #expect(!bench.replay("a", after: late).hasGap)
            #expect(bench.replay("a", .newest(5)).ids == [])
            #expect(bench.kept("a") == [])
        },
    ]
}
