import NIOCore
import PubSub
import TestKit

/// A broker under test, its clock, and what it gave to its node.
final class BrokerBench {
    let broker: any Broker
    let clock: ManualClock
    private(set) var received: [Publication] = []

    init(_ makeBroker: BrokerContract.MakeBroker) {
        let clock = ManualClock()
        self.clock = clock
        broker = makeBroker { clock.now() }
        broker.receive = { [unowned self] in received.append($0) }
    }

    @discardableResult
    func publish(_ text: String = "x", to channel: String, id: String? = nil) -> PublicationID {
        broker.publish(OutgoingEvent(id: id, body: ByteBuffer(string: "data: \(text)\n\n")), to: name(channel))
    }

    /// Publishes once to each of these channels.
    @discardableResult
    func publish(toEach channels: [String]) -> [PublicationID] { channels.map { publish(to: $0) } }

    func subscribe(_ channels: String...) { for channel in channels { broker.subscribe(name(channel)) } }
    func unsubscribe(_ channels: String...) { for channel in channels { broker.unsubscribe(name(channel)) } }
    func replay(_ channel: String, _ point: ResumePoint) -> Replay { broker.replay(name(channel), from: point) }
    func replay(_ channel: String, after id: PublicationID) -> Replay { replay(channel, .after(id.description)) }
    func set(_ pattern: String, _ rule: HistoryRule) { broker.rules.set(Array(pattern.utf8), rule) }
    func kept(_ channel: String) -> [PublicationID] { broker.history(of: name(channel), newest: .max).map(\.id) }
}

/// The channel of a name that is known to be good.
func name(_ text: String) -> ChannelName { try! ChannelName(text) }

extension Replay {
    var ids: [PublicationID] { publications.map(\.id) }
}
