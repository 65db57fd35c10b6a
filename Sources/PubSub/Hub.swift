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
    /// Another node wants a stream out of a channel. False when it is not here, or not in it.
    func remove(_ removal: Removal) -> Bool
}

/// The members of a publisher's channels on this node: brings each publication, encoded once, to the delivery loops that
/// have members, and to those who come back what they missed.
///
/// A stream joins in one moment of the sequence, the one in which the broker answers: what was published before it is
/// replayed, what comes after it is live. Lives on one event loop.
public final class Hub {
    public let broker: any Broker
    public weak var observer: (any HubObserver)?
    private let newGroup: () -> GroupID
    private var channels: [ChannelName: HubChannel] = [:]
    private var members: [StreamID: HubMember] = [:]
    /// Channels whose publications somebody wants to hear of though nobody may be in them.
    private var watched: Set<ChannelName> = []

    /// `newGroup` gives numbers that no other hub of the process uses.
    public init(broker: any Broker, newGroup: @escaping () -> GroupID) {
        self.broker = broker
        self.newGroup = newGroup
        broker.node = self
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
    /// The members on this node.
    public func count(_ channel: ChannelName) -> Int { channels[channel]?.members.count ?? 0 }
    public func channels(of stream: StreamID) -> [ChannelName] {
        members[stream]?.memberships.map(\.channel.name) ?? []
    }

    /// Adds a stream to a channel. False when it is a member already.
    ///
    /// While its head has not gone out (`isOpening`) the past waits for `opened`, and what is published is held. A stream
    /// that is open gets the past as soon as the broker gives it. Publications older than the newest that it has had come
    /// without ids then: the browser must come back with the newest. `first`, asked for in the moment in which the stream
    /// joins, comes before the past.
    public func join(
        _ handle: StreamHandle, to name: ChannelName, from point: ResumePoint, isOpening: Bool,
        first: @escaping () -> [ByteBuffer] = { [] }
    ) -> Bool {
        let channel = channels[name] ?? makeChannel(name)
        let count = channel.members.count
        guard channel.members.insert(handle.id).inserted else { return false }
        if count == 0 { broker.subscribe(name) }
        broker.membersChanged(of: name, from: count, to: count + 1)
        let member = members[handle.id] ?? HubMember(handle.loop, isOpening: isOpening)
        members[handle.id] = member
        member.memberships.append(HubMember.Membership(channel: channel))
        let stream = handle.id
        let had = member.left[name]
        var from = point
        // One that has left the channel has missed nothing by that.
        if had != nil, case .after = point { from = .now }
        broker.replay(name, from: from) { [weak self, weak member] replay in
            // The stream may have gone meanwhile, or left and come again.
            guard let self, let member, members[stream] === member, member.isAwaiting(channel) else { return }
            let first = first()
            guard members[stream] === member, member.isAwaiting(channel) else { return }
            joined(stream, member, channel, replay.without(upTo: had), first: first)
        }
        observer?.subscribed(stream, name)
        return true
    }

    private func joined(
        _ stream: StreamID, _ member: HubMember, _ channel: HubChannel, _ replay: Replay, first: [ByteBuffer]
    ) {
        guard let index = member.index(of: channel) else { return }
        let had = member.had
        member.memberships[index].joinedAt = channel.newest ?? 0
        member.memberships[index].past = max(
            member.left[channel.name] ?? 0, replay.publications.last?.id.sequence ?? 0)
        if replay.hasGap { observer?.gap(stream, channel.name) }
        if member.missed == nil {
            member.memberships[index].state = .live
            let reset = replay.hasGap ? [Self.reset(oldest: replay.oldest)] : []
            let missed = replay.publications.map { $0.id.sequence > had ? $0.frame.bytes : $0.frameWithoutID }
            channel.add(member.loop)
            member.loop.join(stream, to: channel.group, replay: reset + first + missed)
        } else {
            member.memberships[index].state = .collected
            channel.opening.insert(stream)
            member.missed![channel.name] = HubMember.Missed(first: first, replay: replay)
            if member.isReady { goLive(stream, member) }
        }
    }

    /// Calls back when what any node publishes from then on to the stream's channels comes here: its head may go out. At once
    /// where the broker is out of reach, and soon where it is slow.
    public func whenSubscribed(_ stream: StreamID, _ body: @escaping () -> Void) {
        guard let member = members[stream] else { return body() }
        broker.whenSubscribed(member.memberships.map(\.channel.name), body)
    }

    /// The stream's head is on its way: it gets what it missed, as soon as all of that is known, and from then on its
    /// channels are live. Before anything else is sent to it.
    public func opened(_ stream: StreamID) {
        guard let member = members[stream], !member.isOpen else { return }
        member.isOpen = true
        if member.isReady { goLive(stream, member) }
    }

    private func goLive(_ stream: StreamID, _ member: HubMember) {
        var frames = member.takePast()
        for index in member.memberships.indices {
            let channel = member.memberships[index].channel
            member.memberships[index].state = .live
            channel.opening.remove(stream)
            channel.add(member.loop)
            member.loop.join(stream, to: channel.group, replay: frames)
            frames = []
        }
    }

    /// Takes a stream out of a channel. False when it is no member.
    public func leave(_ stream: StreamID, _ name: ChannelName) -> Bool {
        guard let channel = channels[name], let member = members[stream], let index = member.index(of: channel) else {
            return false
        }
        let membership = member.memberships.remove(at: index)
        switch membership.state {
        case .awaited: break
        case .collected:
            member.missed?[name] = nil
            member.held.removeAll { $0.channel === channel }
            if !member.isOpen { observer?.letGo(of: name, for: stream) }
        case .live:
            member.left[name] = membership.had
            member.loop.leave(stream, group: channel.group)
        }
        remove(stream, member, membership)
        if member.missed != nil, member.isReady { goLive(stream, member) }
        return true
    }

    /// The stream is over.
    public func closed(_ stream: StreamID) {
        guard let member = members.removeValue(forKey: stream) else { return }
        for membership in member.memberships { remove(stream, member, membership) }
    }

    private func remove(_ stream: StreamID, _ member: HubMember, _ membership: HubMember.Membership) {
        let channel = membership.channel
        channel.members.remove(stream)
        channel.opening.remove(stream)
        if case .live = membership.state { channel.remove(member.loop) }
        observer?.unsubscribed(stream, channel.name)
        if channel.members.isEmpty, channels[channel.name] === channel {
            channels[channel.name] = nil
            if !watched.contains(channel.name) { broker.unsubscribe(channel.name) }
        }
        let count = channel.members.count
        broker.membersChanged(of: channel.name, from: count + 1, to: count)
    }

    private func makeChannel(_ name: ChannelName) -> HubChannel {
        let channel = HubChannel(name, group: newGroup())
        channels[name] = channel
        return channel
    }

    /// Said before anything else to a stream that has missed what nobody can give it: no id, so that the browser keeps
    /// its own.
    static func reset(oldest: PublicationID?) -> ByteBuffer {
        ByteBuffer(string: "event: stream-reset\ndata:\(oldest.map { " \($0)" } ?? "")\n\n")
    }
}

// MARK: what the broker tells

extension Hub: BrokerNode {
    public func receive(_ publication: Publication) {
        if let channel = channels[publication.channel] {
            channel.newest = publication.id.sequence
            for (loop, count) in channel.loops {
                loop.publish(publication.frame, to: channel.group, members: count)
            }
            hold(publication, of: channel)
        }
        observer?.published(publication)
    }

    /// For those who get nothing of the channel yet.
    private func hold(_ publication: Publication, of channel: HubChannel) {
        for stream in channel.opening {
            if let member = members[stream], member.isOpen {
                member.held.append(HubMember.Held(channel: channel, publication: publication))
            } else {
                observer?.hold(publication.frame, of: channel.name, for: stream)
            }
        }
    }

    /// Each stream gets all that it missed as a replay, which is paced by what its client reads.
    public func catchUp(_ publications: [Publication]) {
        let missed = Dictionary(grouping: publications, by: \.channel)
        let frames = missed.mapValues { $0.map(\.frame.bytes) }
        var streams: Set<StreamID> = []
        for (name, publications) in missed {
            guard let channel = channels[name] else { continue }
            channel.newest = publications[publications.count - 1].id.sequence
            streams.formUnion(channel.members)
        }
        for stream in streams {
            guard let member = members[stream] else { continue }
            let live = member.memberships.filter {
                if case .live = $0.state { missed[$0.channel.name] != nil } else { false }
            }
            guard let first = live.first?.channel else { continue }
            var replay = frames[first.name] ?? []
            if live.count > 1 {
                let all = live.flatMap { missed[$0.channel.name] ?? [] }
                replay = all.sorted { $0.id.sequence < $1.id.sequence }.map(\.frame.bytes)
            }
            member.loop.leave(stream, group: first.group)
            member.loop.join(stream, to: first.group, replay: replay)
        }
        for publication in publications {
            if let channel = channels[publication.channel] { hold(publication, of: channel) }
            observer?.published(publication)
        }
    }

    public func missed(_ name: ChannelName, oldest: PublicationID?) {
        guard let channel = channels[name] else { return }
        let frame = StreamFrame(Self.reset(oldest: oldest))
        for (loop, count) in channel.loops { loop.publish(frame, to: channel.group, members: count) }
        for stream in channel.members.sorted() {
            guard let member = members[stream], let index = member.index(of: channel) else { continue }
            if case .awaited = member.memberships[index].state { continue }
            member.missed?[name]?.replay.hasGap = true
            observer?.gap(stream, name)
        }
    }

    public func restarted() {
        for channel in channels.values { channel.newest = nil }
        for member in members.values {
            member.left = [:]
            for index in member.memberships.indices {
                member.memberships[index].joinedAt = 0
                member.memberships[index].past = 0
            }
        }
    }

    public func occupied(_ channel: ChannelName) { observer?.channelOccupied(channel) }
    public func vacated(_ channel: ChannelName) { observer?.channelVacated(channel) }
    public func remove(_ removal: Removal) -> Bool { observer?.remove(removal) ?? false }
}
