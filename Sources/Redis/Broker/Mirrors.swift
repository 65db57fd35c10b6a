import Delivery
import Logging
import NIOCore
import PubSub

/// The channels that this node is subscribed to. Keeps a copy of what Redis keeps of each, so that replays are answered
/// here; after a break of the connection it reads what was missed and brings that first, in one order.
///
/// The moment of a reading is exact: the script that reads publishes a marker to this node, and what comes behind the marker
/// is later than what was read.
final class Mirrors {
    let link: ClusterLink
    let now: () -> NIODeadline
    weak var node: (any BrokerNode)?
    var rules = HistoryRules() { didSet { applyRules() } }
    /// After each connection: everything that was missed has been brought.
    var onLive: () -> Void = {}

    /// A channel was read for the first time.
    var onKnown: () -> Void = {}

    private(set) var mirrors: [ChannelName: Mirror] = [:]
    /// Those that were never read, by their numbers.
    private var unknown: Set<Int> = []
    private(set) var lastSubscription = 0
    /// How many confirmations of SUBSCRIBE are to come. The last counts: a channel may be left and entered again before
    /// the first has come.
    private(set) var unconfirmed: [ChannelName: Int] = [:]
    /// The numbers of publications that are kept here and bear an id of their own.
    private var ownIDs: [String: UInt64] = [:]
    var toRead: [Mirror] = []
    var reading: Reading?
    var lastReading = 0
    /// Whether messages come, and nothing is missing.
    var isLive = false
    /// Whether Redis has subscribed the connection to this node's own channel.
    private(set) var isSubscribed = false

    init(link: ClusterLink, now: @escaping () -> NIODeadline) {
        self.link = link
        self.now = now
    }

    var isEmpty: Bool { mirrors.isEmpty }

    /// The place of a publication that is kept here and bears this id itself.
    func place(ofOwnID id: String) -> UInt64? { ownIDs[id] }

    // MARK: subscriptions

    func subscribe(_ channel: ChannelName) {
        guard mirrors[channel] == nil else { return }
        lastSubscription += 1
        mirrors[channel] = Mirror(channel, number: lastSubscription)
        unknown.insert(lastSubscription)
        noteStart(of: channel)
        if link.messages.isConnected { ask([channel]) }
    }

    func unsubscribe(_ channel: ChannelName) {
        guard let mirror = mirrors.removeValue(forKey: channel) else { return }
        mirror.history?.clear()
        becameKnown([mirror])
        toRead.removeAll { $0 === mirror }
        if link.messages.isConnected { link.messages.unsubscribe([link.keys.channel(channel)]) }
        for answer in mirror.waiting { answer() }
    }

    /// A join holds from the call on, though Redis has to be asked for the channel first.
    private func noteStart(of channel: ChannelName) {
        guard link.isCommanding, let mirror = mirrors[channel] else { return }
        var command = RedisCommand("HGET")
        command.append(link.keys.state)
        command.append("seq")
        link.run(command) { result in
            if case .success(let value) = result { mirror.start = value.text.flatMap { UInt64($0) } ?? 0 }
        }
    }

    /// The first subscription that is not known to hold; nil when all do.
    var firstUnknown: Int? { unknown.min() }

    /// Redis does not let this node subscribe to channels: nobody waits for that.
    func refused(_ channels: [ByteBuffer]) {
        for channel in channels {
            guard case .channel(let name) = link.keys.use(of: channel), let mirror = mirrors[name] else { continue }
            unconfirmed[name] = nil
            becameKnown([mirror])
        }
        readNext()
    }

    func becameKnown(_ mirrors: [Mirror]) {
        let count = unknown.count
        for mirror in mirrors {
            unknown.remove(mirror.number)
            let unheard = mirror.unheard
            mirror.unheard = []
            for countdown in unheard { countdown.step() }
        }
        if unknown.count < count { onKnown() }
    }

    /// Nobody waits longer for a subscription.
    private static let patience = TimeAmount.seconds(1)

    /// Calls back, at once or in a turn of its own, when these channels have been read, or Redis is not there or not quick
    /// enough for that.
    func whenKnown(_ channels: [ChannelName], _ body: @escaping () -> Void) {
        let awaited = channels.compactMap { mirrors[$0] }.filter { unknown.contains($0.number) }
        guard !awaited.isEmpty, link.isCommanding, link.messages.isConnected else { return body() }
        let loop = link.loop.assumeIsolated()
        let countdown = Countdown(awaited.count, orAfter: Self.patience, link.timers) { loop.execute(body) }
        for mirror in awaited {
            mirror.unheard.removeAll { $0.isOver }
            mirror.unheard.append(countdown)
        }
    }

    private func ask(_ channels: [ChannelName]) {
        for channel in channels { unconfirmed[channel, default: 0] += 1 }
        link.messages.subscribe(channels.map { link.keys.channel($0) })
    }

    /// The connection for messages is there: everything is subscribed to again, and then read.
    func connected() {
        link.messages.subscribe([link.keys.control, link.keys.node])
        ask(Array(mirrors.keys))
    }

    func disconnected() {
        isLive = false
        isSubscribed = false
        unconfirmed = [:]
        toRead = []
        reading = nil
        for mirror in mirrors.values {
            mirror.phase = .subscribing
            mirror.buffer = []
        }
    }

    /// Redis has subscribed the connection to a channel.
    func confirmed(_ use: ClusterKeys.Use) {
        switch use {
        case .control: break
        case .node: isSubscribed = true
        case .channel(let channel):
            let left = (unconfirmed[channel] ?? 1) - 1
            unconfirmed[channel] = left > 0 ? left : nil
            guard left == 0, let mirror = mirrors[channel] else { break }
            mirror.phase = .reading
            toRead.append(mirror)
        }
        readNext()
    }

    // MARK: messages

    func received(_ buffer: ByteBuffer, on channel: ChannelName) {
        guard let mirror = mirrors[channel] else { return }
        guard let payload = PublicationPayload(buffer, channel: channel) else {
            return link.log.warning("Redis: a message that is no publication was left out")
        }
        switch mirror.phase {
        case .subscribing: break  // it will be read
        case .reading:
            if let reading, reading.hasMarker, mirror.reading == reading.id {
                reading.late.append(payload)
            } else {
                mirror.buffer.append(payload)
            }
        case .live: deliverLive(payload)
        }
    }

    func deliverLive(_ payload: PublicationPayload) {
        let id = payload.publication.id
        if id.epoch != link.epoch, link.note(epoch: id.epoch, sequence: id.sequence) { restart() }
        // A message may come that the reading has brought already.
        guard let history = mirrors[payload.publication.channel]?.history, id.sequence > history.last else { return }
        keep(payload, in: history, age: .zero)
        _ = link.note(epoch: id.epoch, sequence: id.sequence)
        node?.receive(payload.publication)
    }

    func keep(_ payload: PublicationPayload, in history: ChannelHistory, age: TimeAmount) {
        let publication = payload.publication
        if let own = publication.ownID { ownIDs[own] = publication.id.sequence }
        history.append(publication, now: now() - age)
    }

    /// The numbers begin anew: what was kept cannot be compared with what comes. What Redis kept is gone, so who comes back
    /// cannot have it any more, and who is here should know.
    /// - Parameter oldest: of channels that were just read, what is kept now.
    func restart(oldest: [ChannelName: PublicationID] = [:]) {
        node?.restarted()
        for mirror in mirrors.values where mirror.history != nil {
            mirror.history?.clear()
            mirror.history = makeHistory(mirror.name, last: 0)
            node?.missed(mirror.name, oldest: oldest[mirror.name])
        }
    }

    func makeHistory(_ channel: ChannelName, last: UInt64) -> ChannelHistory {
        ChannelHistory(rule: rules.rule(for: channel), last: last) { [unowned self] dropped in
            if let own = dropped.ownID, ownIDs[own] == dropped.id.sequence { ownIDs[own] = nil }
        }
    }

    // MARK: bounds

    private func applyRules() {
        for mirror in mirrors.values { mirror.history?.rule = rules.rule(for: mirror.name) }
        expire()
    }

    /// Drops what has grown too old.
    func expire() {
        for mirror in mirrors.values { mirror.history?.trim(now: now()) }
    }
}
