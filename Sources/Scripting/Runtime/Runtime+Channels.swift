import Delivery
import EventStream
import Lua
import NIOCore
import PubSub

/// Channels: publishers, and what their hubs tell.
extension Runtime {
    func makePublisher() -> PublisherObject {
        let timers = scheduler.timers
        return makePublisher(MemoryBroker { timers.now })
    }

    /// - Parameter redis: the client that it was made of.
    func makePublisher(_ broker: any Broker, redis: RedisObject? = nil) -> PublisherObject {
        let hub = Hub(broker: broker) { [unowned self] in newGroup() }
        let publisher = PublisherObject(hub: hub, redis: redis)
        let relay = ChannelSignals(runtime: self, publisher: publisher)
        hub.observer = relay
        publishers.append((publisher, relay))
        return publisher
    }

    private static let expiryInterval = TimeAmount.seconds(30)

    private func expireLater() {
        expiry = scheduler.timers.schedule(after: Self.expiryInterval) { [unowned self] in
            expiry = nil
            for (publisher, _) in publishers { publisher.expire() }
            if publishers.contains(where: { !$0.0.hub.broker.isEmpty }) { expireLater() }
        }
    }

    // MARK: members

    /// How a stream joins channels.
    struct Joining {
        enum Past: Equatable { case missed, none, newest(Int) }
        var past = Past.missed

        /// Where the connection goes on in a channel.
        func point(_ connection: ConnectionObject) -> ResumePoint {
            switch past {
            case .none: .now
            case .missed: connection.lastEventID.isEmpty ? .now : .after(connection.lastEventID)
            case .newest(let count):
                connection.lastEventID.isEmpty ? .newest(count) : .after(connection.lastEventID)
            }
        }
    }

    /// Adds a connection to a channel.
    /// - Throws: what the channel's snapshot raised.
    func join(_ connection: ConnectionObject, _ channel: ChannelObject, _ joining: Joining) throws(LuaError)
        -> ErrorConstants
    {
        guard connection.isActive, channel.publisher.isStarted, let handle = connection.handle else {
            return .unconfigured
        }
        let hub = channel.publisher.hub
        guard !hub.isMember(connection.id, of: channel.name) else { return .alreadyExists }
        let point = joining.point(connection)
        var snapshot: LuaReference?
        switch point {
        case .after: break  // it has had one
        case .now, .newest: snapshot = channel.publisher.snapshot(for: channel.name)
        }
        var isOpening = false
        if case .opening = connection.phase { isOpening = true }
        // The snapshot is asked for when the broker has answered: at once, or when the caller is long gone.
        var isHere = true
        var fault: LuaError?
        let first = { [unowned self] () -> [ByteBuffer] in
            guard let snapshot else { return [] }
            enter()
            do throws(LuaError) {
                return try frames(of: snapshot, connection, channel)
            } catch {
                if isHere { fault = error } else { noteSnapshotFault(error, channel.name) }
                return []
            }
        }
        let hasJoined = hub.join(handle, to: channel.name, from: point, isOpening: isOpening, first: first)
        isHere = false
        if let fault {
            _ = hub.leave(connection.id, channel.name)
            throw fault
        }
        return hasJoined ? .ok : .alreadyExists
    }

    private func noteSnapshotFault(_ error: LuaError, _ channel: ChannelName) {
        let name = String(decoding: channel.bytes, as: UTF8.self)
        let report = reporter.report(message: error.description)
        scheduler.onFault(report, .callback("the snapshot of channel '\(name)'", nil))
    }

    /// What a newcomer gets first: the event, or list of events, that the script's function returns.
    private func frames(of snapshot: LuaReference, _ connection: ConnectionObject, _ channel: ChannelObject)
        throws(LuaError) -> [ByteBuffer]
    {
        let stack = state.stack
        let top = stack.count
        defer { stack.truncate(to: top) }
        stack.push(snapshot)
        classes.connection.push(connection, on: stack)
        classes.channel.push(channel, on: stack)
        try state.call(arguments: 2, results: 1)
        guard !stack.isNil(at: -1) else { return [] }
        guard stack.type(at: -1) == .table else {
            throw .message("a snapshot must return an event or a list of events, got \(stack.kind(at: -1))")
        }
        let result = stack.count
        let count = stack.length(of: result)
        var frames: [ByteBuffer] = []
        for index in 0..<max(1, count) {
            if count > 0 { stack.pushElement(index + 1, of: result) } else { stack.pushCopy(of: result) }
            guard stack.type(at: -1) == .table else {
                throw .message("a snapshot must return an event or a list of events, got \(stack.kind(at: -1)) in it")
            }
            let call = LuaCall(stack: stack, state: state)
            do {
                frames.append(try EventArguments(call: call, json: json).frame(table: stack.count).bytes)
            } catch {
                if case .misuse(let error) = error { throw error }
                throw .message("the type and id of a snapshot's event must not hold CR, LF or NUL")
            }
        }
        return frames
    }

    /// Takes a stream of this node out of a channel. False when it is not here, or not in it.
    func remove(_ removal: Removal, from publisher: PublisherObject) -> Bool {
        guard let id = streams.id(ofUUID: removal.uuid) else { return false }
        return remove(id, from: removal.channel, of: publisher, closes: removal.closes)
    }

    func remove(_ id: StreamID, from channel: ChannelName, of publisher: PublisherObject, closes: Bool) -> Bool {
        guard publisher.hub.leave(id, channel) else { return false }
        if closes, !publishers.contains(where: { !$0.0.hub.channels(of: id).isEmpty }) {
            _ = streams.stream(id)?.close(.server)
        }
        return true
    }

    /// Publishes. Returns why that was not done; `done` is not called then.
    func publish(
        _ event: OutgoingEvent, to channel: ChannelName, of publisher: PublisherObject,
        done: ((Result<PublicationID, BrokerFailure>) -> Void)? = nil
    ) -> ErrorConstants? {
        guard publisher.isStarted else { return .unconfigured }
        if expiry == nil { expireLater() }
        statistics.published += 1
        guard let failure = publisher.hub.broker.publish(event, to: channel, done: done) else { return nil }
        statistics.published -= 1
        return failure.error
    }

    // MARK: events as scripts see them

    /// Pushes publications as a list of `SSEEvent`s.
    func pushEvents(_ publications: [Publication], on stack: LuaStack) {
        stack.pushTable(array: publications.count)
        for (index, publication) in publications.enumerated() {
            pushEvent(publication, on: stack)
            stack.setElement(index + 1, of: -2)
        }
    }

    /// Pushes a publication as an `SSEEvent`.
    func pushEvent(_ publication: Publication, on stack: LuaStack) {
        var parser = EventParser()
        let event = parser.feed(publication.frame.bytes.readableBytesView).first
        let main = state.stack
        main.push(prelude.newEvent)
        main.pushTable(fields: 3)
        for (name, value) in [("id", publication.ownID ?? publication.id.description), ("data", event?.data ?? "")] {
            main.push(value)
            main.setField(name, of: -2)
        }
        if let type = event?.type, !type.isEmpty, type != "message" {
            main.push(type)
            main.setField("type", of: -2)
        }
        guard (try? state.call(arguments: 1, results: 1)) != nil else { return stack.pushNil() }
        if main.thread != stack.thread { main.move(1, to: stack) }
    }
}

/// Turns what a hub tells into the signals of its channels.
final class ChannelSignals: HubObserver {
    private unowned let runtime: Runtime
    private unowned let publisher: PublisherObject

    init(runtime: Runtime, publisher: PublisherObject) {
        self.runtime = runtime
        self.publisher = publisher
    }

    func channelOccupied(_ channel: ChannelName) { emit("occupied", channel) { _ in 0 } }
    func channelVacated(_ channel: ChannelName) { emit("vacated", channel) { _ in 0 } }
    func subscribed(_ stream: StreamID, _ channel: ChannelName) { emit("subscribed", channel, stream) }
    func unsubscribed(_ stream: StreamID, _ channel: ChannelName) { emit("unsubscribed", channel, stream) }
    func gap(_ stream: StreamID, _ channel: ChannelName) { emit("gap", channel, stream) }

    func published(_ publication: Publication) {
        emit("published", publication.channel) { [runtime] stack in
            runtime.pushEvent(publication, on: stack)
            return 1
        }
    }

    func hold(_ frame: StreamFrame, of channel: ChannelName, for stream: StreamID) {
        _ = runtime.streams.stream(stream)?.send(frame, from: channel)
    }

    func remove(_ removal: Removal) -> Bool { runtime.remove(removal, from: publisher) }

    func letGo(of channel: ChannelName, for stream: StreamID) {
        runtime.streams.stream(stream)?.letGo(of: channel)
    }

    private func emit(_ name: String, _ channel: ChannelName, _ stream: StreamID) {
        guard publisher.pinned(channel) != nil, let connection = runtime.streams.stream(stream) else { return }
        emit(name, channel) { [runtime] stack in
            runtime.classes.connection.push(connection, on: stack)
            return 1
        }
    }

    /// In a turn of its own: it may be noticed while a script runs.
    private func emit(_ name: String, _ channel: ChannelName, push: @escaping (LuaStack) -> Int) {
        guard let object = publisher.pinned(channel) else { return }
        runtime.scheduler.nextTurn { [unowned runtime] in
            runtime.emit(name, of: object, runtime.classes.channel, push: push)
        }
    }
}
