import EventStream
import NIOCore
import PubSub
import Testing

/// What `Broker` promises, to be run against every broker.
struct BrokerContract: Sendable {
    /// One sentence of the contract, and how it is checked on a new broker.
    struct Promise: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let check: @Sendable (BrokerBench) throws -> Void

        init(_ sentence: String, _ check: @escaping @Sendable (BrokerBench) throws -> Void) {
            testDescription = sentence
            self.check = check
        }
    }

    static var promises: [Promise] { numbering + delivery + replays + gaps + rules }

    let makeBench: @Sendable () -> BrokerBench

    func check(_ promise: Promise) throws { try promise.check(makeBench()) }

    // MARK: numbers

    private static let numbering: [Promise] = [
        Promise("publications get one rising sequence over all channels") { bench in
            bench.subscribe("b")
            let ids = bench.publish(toEach: ["a", "b", "a", "c", "c", "b", "a"])
            #expect(ids[0].sequence >= 1)
            for (earlier, later) in zip(ids, ids.dropFirst()) {
                #expect(earlier.sequence < later.sequence)
                #expect(earlier.epoch == later.epoch)
            }
        },
        Promise("each publication knows its channel's previous one") { bench in
            bench.subscribe("a", "b", "c")
            let ids = bench.publish(toEach: ["a", "b", "a", "c", "c", "b", "a"]).map(\.sequence)
            #expect(bench.received.map(\.previous) == [0, 0, ids[0], 0, ids[3], ids[1], ids[2]])
            #expect(bench.replay("a", .newest(3)).publications.map(\.previous) == [0, ids[0], ids[2]])
        },
        Promise("an id reads back as what it was") { bench in
            let id = bench.publish(to: "a")
            #expect(PublicationID(id.description) == id)
        },
        Promise("a publication bears its id, or the one that it brought") { bench in
            bench.subscribe("a")
            let first = bench.publish("1", to: "a")
            bench.publish("2", to: "a", id: "mine")
            #expect(
                bench.received.map { String(buffer: $0.frame.bytes) } == [
                    "id: \(first)\ndata: 1\n\n", "id: mine\ndata: 2\n\n",
                ])
            #expect(bench.received.map(\.ownID) == [nil, "mine"])
            #expect(bench.received.map(\.channel) == [name("a"), name("a")])
        },
    ]

    // MARK: delivery

    private static let delivery: [Promise] = [
        Promise("nothing is received of a channel that nobody subscribed to") { bench in
            bench.publish(toEach: ["a", "b"])
            #expect(bench.received.isEmpty)
            bench.subscribe("c")
            bench.publish(toEach: ["a", "b"])
            #expect(bench.received.isEmpty)
        },
        Promise("what is subscribed to is received once, in order") { bench in
            bench.subscribe("a", "c")
            let ids = bench.publish(toEach: ["a", "b", "c", "c", "b", "a"])
            #expect(bench.received.map(\.id) == [ids[0], ids[2], ids[3], ids[5]])
        },
        Promise("a channel that is subscribed to twice is received once") { bench in
            bench.subscribe("a", "a")
            let id = bench.publish(to: "a")
            #expect(bench.received.map(\.id) == [id])
        },
        Promise("from a subscription on, and until its end") { bench in
            bench.publish(to: "a")
            bench.subscribe("a")
            let second = bench.publish(to: "a")
            bench.unsubscribe("a")
            bench.publish(to: "a")
            bench.subscribe("a")
            let fourth = bench.publish(to: "a")
            #expect(bench.received.map(\.id) == [second, fourth])
        },
        Promise("an unsubscription from nothing does nothing") { bench in
            bench.unsubscribe("a")
            bench.subscribe("b")
            bench.unsubscribe("a")
            let id = bench.publish(to: "b")
            #expect(bench.received.map(\.id) == [id])
        },
        Promise("a publication that is not kept is received all the same") { bench in
            bench.set("a", HistoryRule(count: 0))
            bench.subscribe("a")
            let ids = bench.publish(toEach: ["a", "a"])
            #expect(bench.received.map(\.id) == ids)
            #expect(bench.received.last?.previous == ids[0].sequence)
        },
    ]
}
