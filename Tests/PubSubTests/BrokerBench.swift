import NIOCore
import PubSub
import TestKit

/// A broker under test, its clock, and what it gave to its node.
class BrokerBench {
    let clock: ManualClock
    private(set) var received: [Publication] = []
    /// Channels of which something was lost.
    private(set) var missed: [ChannelName] = []

    init(clock: ManualClock) { self.clock = clock }

    // MARK: the broker, wherever it lives

    /// Calls the broker where it lives.
    func run(_ body: @escaping (any Broker) -> Void) { fatalError("who has a broker says how it is called") }
    /// Asks the broker and waits for the answer.
    func ask<Answer>(_ body: @escaping (any Broker, @escaping (Answer) -> Void) -> Void) -> Answer {
        fatalError("who has a broker says how it is asked")
    }
    /// Whether no channel is known any more.
    var isEmpty: Bool { fatalError("who has a broker says what it knows") }
    /// How exactly the broker tells time.
    var precision: TimeAmount { .nanoseconds(1) }
    /// Waits until what was published has come.
    func settle() {}

    // MARK: what tests do with it

    @discardableResult
    func publish(_ text: String = "x", to channel: String, id: String? = nil) -> PublicationID {
        let event = OutgoingEvent(id: id, body: ByteBuffer(string: "data: \(text)\n\n"))
        let result: Result<PublicationID, BrokerFailure> = ask { broker, answer in
            if let failure = broker.publish(event, to: name(channel), done: answer) { answer(.failure(failure)) }
        }
        settle()
        return try! result.get()
    }

    /// Publishes once to each of these channels.
    @discardableResult
    func publish(toEach channels: [String]) -> [PublicationID] { channels.map { publish(to: $0) } }

    func subscribe(_ channels: String...) { for channel in channels { run { $0.subscribe(name(channel)) } } }
    func unsubscribe(_ channels: String...) { for channel in channels { run { $0.unsubscribe(name(channel)) } } }
    func replay(_ channel: String, _ point: ResumePoint) -> Replay {
        ask { broker, answer in broker.replay(name(channel), from: point, answer) }
    }
    func replay(_ channel: String, after id: PublicationID) -> Replay { replay(channel, .after(id.description)) }
    func set(_ pattern: String, _ rule: HistoryRule) { run { $0.rules.set(Array(pattern.utf8), rule) } }
    func kept(_ channel: String, newest count: Int = .max) -> [PublicationID] {
        let result: Result<[Publication], BrokerFailure> = ask { broker, answer in
            broker.history(of: name(channel), newest: count, answer)
        }
        return try! result.get().map(\.id)
    }
    func expire() { run { $0.expire() } }
    func count(_ channel: String, here: Int) -> Int {
        let result: Result<Int, BrokerFailure> = ask { broker, answer in
            broker.count(of: name(channel), here: here, answer)
        }
        return try! result.get()
    }
}

extension BrokerBench: BrokerNode {
    func receive(_ publication: Publication) { received.append(publication) }
    func catchUp(_ publications: [Publication]) { received += publications }
    func missed(_ channel: ChannelName, oldest: PublicationID?) { missed.append(channel) }
    func restarted() {}
    func occupied(_ channel: ChannelName) {}
    func vacated(_ channel: ChannelName) {}
    func remove(_ removal: Removal) -> Bool { false }
}

/// A memory broker under test.
final class MemoryBench: BrokerBench {
    let broker: MemoryBroker

    init(epoch: String? = nil) {
        let clock = ManualClock()
        broker = if let epoch { MemoryBroker(epoch: epoch) { clock.now() } } else { MemoryBroker { clock.now() } }
        super.init(clock: clock)
        broker.node = self
    }

    override func run(_ body: @escaping (any Broker) -> Void) { body(broker) }
    override func ask<Answer>(_ body: @escaping (any Broker, @escaping (Answer) -> Void) -> Void) -> Answer {
        var answer: Answer?
        body(broker) { answer = $0 }
        return answer!
    }
    override var isEmpty: Bool { broker.isEmpty }
}

/// The channel of a name that is known to be good.
func name(_ text: String) -> ChannelName { try! ChannelName(text) }

extension Replay {
    var ids: [PublicationID] { publications.map(\.id) }
}
