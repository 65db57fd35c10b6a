import Delivery
import NIOCore
import PubSub

/// A hub with what stands around it. Publications are `p-1`, `p-2` and so on; groups count from 101.
final class HubBench {
    let broker = MemoryBroker(epoch: "p") { .uptimeNanoseconds(1) }
    let observer = RecordingHubObserver()
    let loop = RecordingLoop()
    let otherLoop = RecordingLoop()
    let hub: Hub

    init() {
        var group = 100
        hub = Hub(broker: broker) {
            group += 1
            return group
        }
        hub.observer = observer
    }

    /// The number of each publication is its data.
    func publish(to channels: String...) {
        for channel in channels { publish(to: channel, id: nil) }
    }

    func publish(to channel: String, id: String?) {
        number += 1
        _ = broker.publish(
            OutgoingEvent(id: id, body: ByteBuffer(string: "data: \(number)\n\n")), to: name(channel), done: nil)
    }

    private var number = 0

    @discardableResult
    func join(
        _ stream: StreamID, _ channel: String, _ point: ResumePoint = .now, isOpening: Bool = false,
        on loop: RecordingLoop? = nil, first: [String] = []
    ) -> Bool {
        hub.join(
            (loop ?? self.loop).handle(stream), to: name(channel), from: point, isOpening: isOpening,
            first: { first.map { ByteBuffer(string: $0) } })
    }

    /// Forgets what was told so far.
    func clear() {
        _ = (loop.calls(), otherLoop.calls(), observer.calls())
    }
}

/// Publication `number` as its members get it.
func frame(_ number: Int) -> String { "id: p-\(number)\ndata: \(number)\n\n" }
