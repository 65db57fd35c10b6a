import NIOCore
import PubSub
import TestKit
import Testing

/// Clients that are cut off and come back while others publish. What they got is held against everything that was ever
/// published, in a plain array.
final class RandomResumes {
    struct Bounds: Sendable {
        var rule = HistoryRule(count: 10_000)
        /// Whether time passes, and old channels are forgotten.
        var forgets = false

        static let roomy = Bounds()
        static let narrow = Bounds(rule: HistoryRule(count: 4))
        static let forgetful = Bounds(rule: HistoryRule(count: 6, maxAge: .seconds(20)), forgets: true)
    }

    private struct Client {
        let channels: [String]
        /// The sequence number of the newest that it had seen when it first came.
        let start: UInt64
        var lastID: PublicationID
        var got: [UInt64] = []
        var isHere = true
        var hadGap = false
    }

    private static let channels = ["a", "b", "c", "d", "e"]

    private let bench: BrokerBench
    private let bounds: Bounds
    private var random: SplitMix64
    private var log: [(channel: String, id: PublicationID)] = []
    private var clients: [Client] = []
    private var taken = 0

    init(_ contract: BrokerContract, _ bounds: Bounds, seed: UInt64) {
        bench = contract.makeBench()
        self.bounds = bounds
        random = SplitMix64(seed: seed)
        bench.set("*", bounds.rule)
    }

    func run(steps: Int) {
        publish()
        for _ in 0..<steps {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<11: publish()
            case 11: if clients.count < 12 { arrive() }
            case 12..<15: if let index = pick(here: true) { cut(index) }
            case 15..<19: if let index = pick(here: false) { comeBack(index) }
            default: if bounds.forgets { pass() }
            }
        }
        while let index = pick(here: false) { comeBack(index) }
        for client in clients { check(client) }
    }

    // MARK: steps

    private func publish() {
        let channel = Self.channels.randomElement(using: &random)!
        let previous = log.last { $0.channel == channel }?.id.sequence ?? 0
        let id = bench.publish(to: channel)
        log.append((channel, id))
        let isExpected = clients.contains { $0.isHere && $0.channels.contains(channel) }
        let received = bench.received[taken...]
        taken = bench.received.count
        #expect(received.map(\.id) == (isExpected ? [id] : []))
        for publication in received {
            #expect(publication.previous >= previous && publication.previous < id.sequence)
            if !bounds.forgets { #expect(publication.previous == previous) }
        }
        for index in clients.indices where clients[index].isHere && clients[index].channels.contains(channel) {
            take(id, index)
        }
    }

    private func arrive() {
        let channels = Array(Self.channels.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
        for channel in channels {
            bench.subscribe(channel)
            #expect(bench.replay(channel, .now).ids == [])
        }
        let last = log[log.count - 1].id
        clients.append(Client(channels: channels, start: last.sequence, lastID: last))
    }

    private func cut(_ index: Int) {
        clients[index].isHere = false
        for channel in clients[index].channels
        where !clients.contains(where: { $0.isHere && $0.channels.contains(channel) }) {
            bench.unsubscribe(channel)
        }
    }

    private func comeBack(_ index: Int) {
        let last = clients[index].lastID
        var missed: [PublicationID] = []
        for channel in clients[index].channels {
            bench.subscribe(channel)
            let replay = bench.replay(channel, after: last)
            let expected = log.filter { $0.channel == channel && $0.id.sequence > last.sequence }.map(\.id)
            if replay.hasGap {
                #expect(replay.ids == Array(expected.suffix(replay.ids.count)))
                if !bounds.forgets { #expect(replay.ids.count < expected.count, "a gap with nothing missing") }
            } else {
                #expect(replay.ids == expected)
            }
            clients[index].hadGap = clients[index].hadGap || replay.hasGap
            missed += replay.ids
        }
        for id in missed.sorted(by: { $0.sequence < $1.sequence }) { take(id, index) }
        clients[index].isHere = true
    }

    private func pass() {
        bench.clock.advance(by: .seconds(Int64.random(in: 1...30, using: &random)))
        bench.expire()
    }

    // MARK: the clients

    private func take(_ id: PublicationID, _ index: Int) {
        clients[index].got.append(id.sequence)
        clients[index].lastID = id
    }

    private func pick(here: Bool) -> Int? {
        clients.indices.filter { clients[$0].isHere == here }.randomElement(using: &random)
    }

    private func check(_ client: Client) {
        let all = log.filter { client.channels.contains($0.channel) && $0.id.sequence > client.start }
        if client.hadGap {
            #expect(zip(client.got, client.got.dropFirst()).allSatisfy { $0 < $1 }, "something came twice")
        } else {
            #expect(client.got == all.map(\.id.sequence))
        }
    }
}
