import Delivery

/// One channel, as the hub of this node knows it.
final class HubChannel {
    let name: ChannelName
    /// Unique in the process, over all publishers.
    let group: GroupID
    /// The newest publication since it has members.
    var newest: UInt64?
    var members: Set<StreamID> = []
    /// Those that get nothing yet: the head has not gone out, or the past of another channel is awaited.
    var opening: Set<StreamID> = []
    /// Members whose stream is open, by loop.
    private(set) var loops: [(loop: any DeliveryLoop, count: Int)] = []

    init(_ name: ChannelName, group: GroupID) {
        self.name = name
        self.group = group
    }

    func add(_ loop: any DeliveryLoop) {
        if let index = loops.firstIndex(where: { $0.loop === loop }) {
            loops[index].count += 1
        } else {
            loops.append((loop, 1))
        }
    }

    func remove(_ loop: any DeliveryLoop) {
        guard let index = loops.firstIndex(where: { $0.loop === loop }) else { return }
        loops[index].count -= 1
        if loops[index].count == 0 { loops.remove(at: index) }
    }
}
