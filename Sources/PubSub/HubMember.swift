import Delivery
import EventStream
import NIOCore

/// A stream that is in channels.
final class HubMember {
    struct Membership {
        enum State {
            /// The broker has not said yet what the stream missed: nothing of the channel is for it.
            case awaited
            /// What it missed is known, and it is not live yet.
            case collected
            case live
        }

        let channel: HubChannel
        var state = State.awaited
        /// The newest publication of the channel when the stream joined it.
        var joinedAt: UInt64 = 0
        /// The newest that was replayed to it, or that it had when it was in the channel before.
        var past: UInt64 = 0

        /// The newest publication of the channel that the stream has had; 0 for none.
        var had: UInt64 {
            if case .awaited = state { return 0 }
            let newest = channel.newest ?? 0
            return newest > joinedAt ? newest : past
        }
    }

    /// What a stream gets of a channel before all that is live.
    struct Missed {
        let first: [ByteBuffer]
        var replay: Replay

        var isEmpty: Bool { first.isEmpty && replay.publications.isEmpty && !replay.hasGap }
    }

    /// What is published while the past of another of its channels is awaited.
    struct Held {
        let channel: HubChannel
        let publication: Publication
    }

    let loop: any DeliveryLoop
    var memberships: [Membership] = []
    /// Until it is live: what it missed waits, so that all its channels are replayed in one order.
    var missed: [ChannelName: Missed]?
    var held: [Held] = []
    /// Whether it was opened: its head goes out now, or soon.
    var isOpen: Bool
    /// What it had of channels that it has left: that does not come again.
    var left: [ChannelName: UInt64] = [:]

    init(_ loop: any DeliveryLoop, isOpening: Bool) {
        self.loop = loop
        isOpen = !isOpening
        missed = isOpening ? [:] : nil
    }

    /// The newest publication that it has had: what its client comes back with.
    var had: UInt64 { max(memberships.lazy.map(\.had).max() ?? 0, left.values.max() ?? 0) }

    /// Whether everything that it waits for is there.
    var isReady: Bool { isOpen && memberships.allSatisfy { if case .awaited = $0.state { false } else { true } } }

    /// Whether the broker is still asked what it missed of a channel.
    func isAwaiting(_ channel: HubChannel) -> Bool {
        guard let index = index(of: channel), case .awaited = memberships[index].state else { return false }
        return true
    }

    func index(of channel: HubChannel) -> Int? { memberships.firstIndex { $0.channel === channel } }

    /// Everything that it is to get before its channels are live, in one order: what is missing is said first.
    func takePast() -> [ByteBuffer] {
        let missed = missed ?? [:]
        self.missed = nil
        if held.isEmpty, missed.values.allSatisfy(\.isEmpty) { return [] }
        let replays = missed.values.map(\.replay)
        let gaps = replays.filter(\.hasGap)
        let oldest = gaps.compactMap(\.oldest).min { $0.sequence < $1.sequence }
        var frames = gaps.isEmpty ? [] : [Hub.reset(oldest: oldest)]
        frames += memberships.flatMap { missed[$0.channel.name]?.first ?? [] }
        let publications = replays.flatMap(\.publications) + held.map(\.publication)
        frames += publications.sorted { $0.id.sequence < $1.id.sequence }.map(\.frame.bytes)
        held = []
        return frames
    }
}

extension Replay {
    /// What is newer than what the stream has had of the channel.
    func without(upTo had: UInt64?) -> Replay {
        guard let had else { return self }
        var replay = self
        replay.publications.removeAll { $0.id.sequence <= had }
        return replay
    }
}
