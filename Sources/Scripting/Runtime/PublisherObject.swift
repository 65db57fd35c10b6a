import Delivery
import Lua
import NIOCore
import PubSub
import Redis

/// What scripts see as `SSEPublisher`.
final class PublisherObject {
    let hub: Hub
    /// Its broker, where that is a Redis.
    let remote: RedisBroker?
    /// The client that it was made of.
    let redis: RedisObject?
    /// The memory publishers need no start.
    var isStarted: Bool
    var pin: LuaReference?
    private var channels: [ChannelName: WeakChannel] = [:]
    private(set) var snapshots: [(pattern: [UInt8], callback: LuaReference)] = []

    private struct WeakChannel {
        weak var channel: ChannelObject?
    }

    init(hub: Hub, redis: RedisObject?) {
        self.hub = hub
        self.redis = redis
        remote = hub.broker as? RedisBroker
        isStarted = remote == nil
    }

    /// The one object of a name, as long as somebody holds it.
    func channel(_ name: ChannelName) -> ChannelObject {
        if let channel = channels[name]?.channel { return channel }
        let channel = ChannelObject(name: name, publisher: self)
        channels[name] = WeakChannel(channel: channel)
        return channel
    }

    /// The object of a name on which a script has hung signals.
    func pinned(_ name: ChannelName) -> ChannelObject? {
        guard let channel = channels[name]?.channel, channel.pin != nil else { return nil }
        return channel
    }

    func setSnapshot(_ pattern: [UInt8], _ callback: LuaReference?) {
        snapshots.removeAll { $0.pattern == pattern }
        if let callback { snapshots.append((pattern, callback)) }
    }

    func snapshot(for name: ChannelName) -> LuaReference? {
        snapshots.first { HistoryRules.matches(name.bytes, $0.pattern) }?.callback
    }

    /// Drops what has grown too old, and names that nobody holds.
    func expire() {
        hub.broker.expire()
        channels = channels.filter { $0.value.channel != nil }
    }
}

/// What scripts see as `Channel`.
final class ChannelObject {
    let name: ChannelName
    let publisher: PublisherObject
    /// Keeps the Lua value, once a script has asked for one of its signals.
    var pin: LuaReference?

    init(name: ChannelName, publisher: PublisherObject) {
        self.name = name
        self.publisher = publisher
    }
}
