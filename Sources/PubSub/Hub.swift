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
    func hold(_ frame: StreamFrame, of channel: ChannelName, for stream: StreamID)
    /// Such a stream leaves the channel before it has had any of that.
    func letGo(of channel: ChannelName, for stream: StreamID)
}

/// The members of a publisher's channels on this node: brings each publication, encoded once, to the delivery loops that
/// have members, and to those who come back what they missed.
///
/// A stream joins in one moment of the sequence: what was published before it is replayed, what comes after it is live.
/// Lives on one event loop.
public final class Hub {
    private final class Channel {
        let name: ChannelName
        /// Unique in the process, over all publishers.
        let group: GroupID
        /// The newest publication since it has members.
        var newest: UInt64?
        var members: Set<StreamID> = []
        /// Those whose head has not gone out.
        var opening: Set<StreamID> = []
        /// Members whose stream is open, by loop.
        var loops: [(loop: any DeliveryLoop, count: Int)] = []

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

    /// A stream in a channel.
    private struct Membership {
        let channel: Channel
        /// The newest publication of the channel when the stream joined it.
        let joinedAt: UInt64
        /// The newest that was replayed to it, or that it had when it was in the channel before.
        let past: UInt64

        /// The newest publication of the channel that the stream has had; 0 for none.
        var had: UInt64 {
            let newest = channel.newest ?? 0
            return newest > joinedAt ? newest : past
        }
    }

    /// What a stream gets of a channel before all that is live.
    private struct Missed {
        let first: [ByteBuffer]
        let replay: Replay

        var isEmpty: Bool { first.isEmpty && replay.publications.isEmpty && !replay.hasGap }
    }

    private final class Member {
        let loop: any DeliveryLoop
        var memberships: [Membership] = []
        /// While its head has not gone out: what it missed waits, so that all its channels are replayed in one order.
        var missed: [ChannelName: Missed]?
        /// What it had of channels that it has left: that does not come again.
        var left: [ChannelName: UInt64] = [:]

        init(_ loop: any DeliveryLoop, isOpening: Bool) {
            self.loop = loop
            missed = isOpening ? [:] : nil
        }

        /// The newest publication that it has had: what its client comes back with.
        var had: UInt64 { max(memberships.map(\.had).max() ?? 0, left.values.max() ?? 0) }
    }

    public let broker: any Broker
    public weak var observer: (any HubObserver)?
    private let newGroup: () -> GroupID
    private var channels: [ChannelName: Channel] = [:]
    private var members: [StreamID: Member] = [:]
    /// Channels whose publications somebody wants to hear of though nobody may be in them.
    private var watched: Set<ChannelName> = []

    /// `newGroup` gives numbers that no other hub of the process uses.
    public init(broker: any Broker, newGroup: @escaping () -> GroupID) {
        self.broker = broker
        self.newGroup = newGroup
        broker.receive = { [unowned self] in deliver($0) }
    }

    /// From now on `published` is told of every publication of the channel, also while it has no members.
    public func watch(_ channel: ChannelName) {
        if watched.insert(channel).inserted { broker.subscribe(channel) }
    }

    // MARK: members

    public func isMember(_ stream: StreamID, of channel: ChannelName) -> Bool {
        channels[channel]?.members.contains(stream) ?? false
    }

    public func members(of channel: ChannelName) -> [StreamID] { channels[channel]?.members.sorted() ?? [] }
    public func count(_ channel: ChannelName) -> Int { channels[channel]?.members.count ?? 0 }
    public func channels(of stream: StreamID) -> [ChannelName] {
        members[stream]?.memberships.map(\.channel.name) ?? []
    }

    /// Adds a stream to a channel. False when it is a member already.
    ///
    /// While its head has not gone out (`isOpening`) the past waits for `opened`, and what is published is held. A stream
    /// that is open gets the past at once. Publications older than the newest that it has had come without ids then: the
    /// browser must come back with the newest. `first` comes before the past.
    public func join(
        _ handle: StreamHandle, to name: ChannelName, from point: ResumePoint, isOpening: Bool, first: [ByteBuffer] = []
    ) -> Bool {
        let channel = channels[name] ?? makeChannel(name)
        guard channel.members.insert(handle.id).inserted else { return false }
        if channel.members.count == 1 {
            broker.subscribe(name)
            observer?.channelOccupied(name)
        }
        let member = members[handle.id] ?? Member(handle.loop, isOpening: isOpening)
        members[handle.id] = member
        let replay = replay(name, from: point, had: member.left[name])
        let had = member.had
        let past = max(member.left[name] ?? 0, replay.publications.last?.id.sequence ?? 0)
        member.memberships.append(Membership(channel: channel, joinedAt: channel.newest ?? 0, past: past))
        if member.missed != nil {
            channel.opening.insert(handle.id)
            member.missed![name] = Missed(first: first, replay: replay)
        } else {
            let reset = replay.hasGap ? [Self.reset(oldest: replay.oldest)] : []
            let missed = replay.publications.map { $0.id.sequence > had ? $0.frame.bytes : $0.frameWithoutID }
            channel.add(member.loop)
            member.loop.join(handle.id, to: channel.group, replay: reset + first + missed)
        }
        if replay.hasGap { observer?.gap(handle.id, name) }
        observer?.subscribed(handle.id, name)
        return true
    }

    /// What a stream gets of the past. One that has left the channel has missed nothing by that; where it asks for the
    /// newest it gets those that are newer than what it had.
    private func replay(_ name: ChannelName, from point: ResumePoint, had: UInt64?) -> Replay {
        guard let had else { return broker.replay(name, from: point) }
        if case .after = point { return Replay() }
        var replay = broker.replay(name, from: point)
        replay.publications.removeAll { $0.id.sequence <= had }
        return replay
    }

    /// The stream's head is on its way: it gets what it missed, and from now its channels are live. Before anything else
    /// is sent to it.
    public func opened(_ stream: StreamID) {
        guard let member = members[stream], let pasts = member.missed else { return }
        var frames = pasts.values.allSatisfy(\.isEmpty) ? [] : Self.frames(of: pasts, to: member)
        for channel in member.memberships.map(\.channel) {
            channel.opening.remove(stream)
            channel.add(member.loop)
            member.loop.join(stream, to: channel.group, replay: frames)
            frames = []
        }
        member.missed = nil
    }

    /// What a stream gets of all its channels before what is live: in one order.
    private static func frames(of pasts: [ChannelName: Missed], to member: Member) -> [ByteBuffer] {
        let replays = pasts.values.map(\.replay)
        let gaps = replays.filter(\.hasGap)
        let oldest = gaps.compactMap(\.oldest).min { $0.sequence < $1.sequence }
        var frames = gaps.isEmpty ? [] : [reset(oldest: oldest)]
        frames += member.memberships.flatMap { pasts[$0.channel.name]?.first ?? [] }
        let missed = replays.flatMap(\.publications).sorted { $0.id.sequence < $1.id.sequence }
        return frames + missed.map(\.frame.bytes)
    }

    /// Takes a stream out of a channel. False when it is no member.
    public func leave(_ stream: StreamID, _ name: ChannelName) -> Bool {
        guard let member = members[stream],
            let index = member.memberships.firstIndex(where: { $0.channel.name == name })
        else { return false }
        let membership = member.memberships.remove(at: index)
        let channel = membership.channel
        if member.missed != nil {
            member.missed![name] = nil
            observer?.letGo(of: name, for: stream)
        } else {
            member.left[name] = membership.had
            member.loop.leave(stream, group: channel.group)
        }
        remove(stream, member, from: channel)
        return true
    }

    /// The stream is over.
    public func closed(_ stream: StreamID) {
        guard let member = members.removeValue(forKey: stream) else { return }
        for membership in member.memberships { remove(stream, member, from: membership.channel) }
    }

    private func remove(_ stream: StreamID, _ member: Member, from channel: Channel) {
        channel.members.remove(stream)
        if channel.opening.remove(stream) == nil { channel.remove(member.loop) }
        observer?.unsubscribed(stream, channel.name)
        guard channel.members.isEmpty, channels[channel.name] === channel else { return }
        channels[channel.name] = nil
        if !watched.contains(channel.name) { broker.unsubscribe(channel.name) }
        observer?.channelVacated(channel.name)
    }

    private func makeChannel(_ name: ChannelName) -> Channel {
        let channel = Channel(name, group: newGroup())
        channels[name] = channel
        return channel
    }

    // MARK: publications

    private func deliver(_ publication: Publication) {
        if let channel = channels[publication.channel] {
            channel.newest = publication.id.sequence
            for (loop, _) in channel.loops { loop.publish(publication.frame, to: channel.group) }
            for stream in channel.opening {
                observer?.hold(publication.frame, of: channel.name, for: stream)
            }
        }
        observer?.published(publication)
    }

    /// Said before anything else to a stream that has missed what nobody can give it: no id, so that the browser keeps
    /// its own.
    static func reset(oldest: PublicationID?) -> ByteBuffer {
        ByteBuffer(string: "event: stream-reset\ndata:\(oldest.map { " \($0)" } ?? "")\n\n")
    }
}
