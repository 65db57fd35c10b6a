public import Delivery
public import EventStream
public import NIOCore

/// Hears what happens in channels. Called on the hub's loop.
public protocol HubObserver: AnyObject {
    func channelOccupied(_ channel: ChannelName)
    func channelVacated(_ channel: ChannelName)
    func subscribed(_ stream: StreamID, _ channel: ChannelName)
    func unsubscribed(_ stream: StreamID, _ channel: ChannelName)
    func published(_ publication: Publication)
    /// The stream has missed publications that the history no longer gives.
    func gap(_ stream: StreamID, _ channel: ChannelName)
    /// A publication for a stream whose head has not gone out.
    func hold(_ frame: StreamFrame, for stream: StreamID)
}

/// The members of a publisher's channels on this node: brings each publication, encoded once, to the delivery loops that
/// have members, and to those who come back what they missed.
///
/// A stream joins in one moment of the sequence: what was published before it is replayed, what comes after it is live.
/// Lives on one event loop.
public final class Hub {
    private final class Channel {
        /// Unique in the process, over all publishers.
        let group: GroupID
        var members: Set<StreamID> = []
        /// Those whose head has not gone out.
        var opening: Set<StreamID> = []
        /// Members whose stream is open, by loop.
        var loops: [(loop: any DeliveryLoop, count: Int)] = []

        init(group: GroupID) { self.group = group }

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

    private struct Member {
        let handle: StreamHandle
        /// Its head has not gone out: what it missed waits, so that all its channels are replayed in one order.
        var isOpening: Bool
        var channels: [ChannelName] = []
        var missed: [ChannelName: Replay] = [:]
    }

    public let broker: any Broker
    public weak var observer: (any HubObserver)?
    private let newGroup: () -> GroupID
    private var channels: [ChannelName: Channel] = [:]
    private var members: [StreamID: Member] = [:]

    /// `newGroup` gives numbers that no other hub of the process uses.
    public init(broker: any Broker, newGroup: @escaping () -> GroupID) {
        self.broker = broker
        self.newGroup = newGroup
        broker.receive = { [unowned self] in deliver($0) }
    }

    // MARK: members

    public func isMember(_ stream: StreamID, of channel: ChannelName) -> Bool {
        channels[channel]?.members.contains(stream) ?? false
    }

    public func members(of channel: ChannelName) -> [StreamID] { channels[channel]?.members.sorted() ?? [] }
    public func count(_ channel: ChannelName) -> Int { channels[channel]?.members.count ?? 0 }
    public func channels(of stream: StreamID) -> [ChannelName] { members[stream]?.channels ?? [] }

    /// Adds a stream to a channel. False when it is a member already.
    ///
    /// While its head has not gone out (`isOpening`) the past waits for `opened`, and what is published is held. A stream
    /// that is open gets the past at once; where it is in other channels already, without ids: those it has are newer,
    /// and the browser must come back with the newest. `first` comes before everything else.
    public func join(
        _ handle: StreamHandle, to name: ChannelName, from point: ResumePoint, isOpening: Bool, first: [ByteBuffer] = []
    ) -> Bool {
        let channel = channels[name] ?? makeChannel(name)
        guard channel.members.insert(handle.id).inserted else { return false }
        if channel.members.count == 1 {
            broker.subscribe(name)
            observer?.channelOccupied(name)
        }
        let replay = broker.replay(name, from: point)
        var member = members[handle.id] ?? Member(handle: handle, isOpening: isOpening)
        let isFirst = member.channels.isEmpty
        member.channels.append(name)
        if isOpening {
            channel.opening.insert(handle.id)
            member.missed[name] = replay
            for frame in first { observer?.hold(StreamFrame(frame), for: handle.id) }
        } else {
            let reset = replay.hasGap ? [Self.reset(oldest: replay.oldest)] : []
            let missed = replay.publications.map { isFirst ? $0.frame.bytes : $0.frameWithoutID }
            channel.add(handle.loop)
            handle.loop.join(handle.id, to: channel.group, replay: reset + first + missed)
        }
        members[handle.id] = member
        if replay.hasGap { observer?.gap(handle.id, name) }
        observer?.subscribed(handle.id, name)
        return true
    }

    /// The stream's head is on its way: it gets what it missed, and from now its channels are live. Before anything else
    /// is sent to it.
    public func opened(_ stream: StreamID) {
        guard var member = members[stream], member.isOpening else { return }
        let gaps = member.missed.values.filter(\.hasGap)
        let oldest = gaps.compactMap(\.oldest).min { $0.sequence < $1.sequence }
        var frames = gaps.isEmpty ? [] : [Self.reset(oldest: oldest)]
        let missed = member.missed.values.flatMap(\.publications)
        frames += missed.sorted { $0.id.sequence < $1.id.sequence }.map(\.frame.bytes)
        for name in member.channels {
            guard let channel = channels[name] else { continue }
            channel.opening.remove(stream)
            channel.add(member.handle.loop)
            member.handle.loop.join(stream, to: channel.group, replay: frames)
            frames = []
        }
        member.isOpening = false
        member.missed = [:]
        members[stream] = member
    }

    /// Takes a stream out of a channel. False when it is no member.
    public func leave(_ stream: StreamID, _ name: ChannelName) -> Bool {
        guard var member = members[stream], let index = member.channels.firstIndex(of: name) else { return false }
        member.channels.remove(at: index)
        member.missed[name] = nil
        members[stream] = member.channels.isEmpty ? nil : member
        remove(stream, member, from: name, tellsLoop: true)
        return true
    }

    /// The stream is over.
    public func closed(_ stream: StreamID) {
        guard let member = members.removeValue(forKey: stream) else { return }
        for name in member.channels { remove(stream, member, from: name, tellsLoop: false) }
    }

    private func remove(_ stream: StreamID, _ member: Member, from name: ChannelName, tellsLoop: Bool) {
        guard let channel = channels[name] else { return }
        channel.members.remove(stream)
        if channel.opening.remove(stream) == nil {
            channel.remove(member.handle.loop)
            if tellsLoop { member.handle.loop.leave(stream, group: channel.group) }
        }
        observer?.unsubscribed(stream, name)
        guard channel.members.isEmpty, channels[name] === channel else { return }
        channels[name] = nil
        broker.unsubscribe(name)
        observer?.channelVacated(name)
    }

    private func makeChannel(_ name: ChannelName) -> Channel {
        let channel = Channel(group: newGroup())
        channels[name] = channel
        return channel
    }

    // MARK: publications

    private func deliver(_ publication: Publication) {
        if let channel = channels[publication.channel] {
            for (loop, _) in channel.loops { loop.publish(publication.frame, to: channel.group) }
            for stream in channel.opening { observer?.hold(publication.frame, for: stream) }
        }
        observer?.published(publication)
    }

    /// Said before anything else to a stream that has missed what nobody can give it: no id, so that the browser keeps
    /// its own.
    static func reset(oldest: PublicationID?) -> ByteBuffer {
        ByteBuffer(string: "event: stream-reset\ndata:\(oldest.map { " \($0)" } ?? "")\n\n")
    }
}
