public import Delivery
public import Logging
public import NIOCore
public import PubSub

/// The broker of every node that shares a Redis and a prefix.
///
/// A publication is one step inside Redis: it gets the next number, goes into the history of its channel and to every node
/// that is subscribed to that. Lives on one event loop.
public final class RedisBroker: Broker {
    /// How long publications wait for a Redis that is away.
    public static let maxAge = TimeAmount.seconds(10)

    public weak var node: (any BrokerNode)? {
        didSet {
            mirrors.node = node
            presence.node = node
            removals.node = node
        }
    }
    public var rules: HistoryRules {
        get { mirrors.rules }
        set {
            mirrors.rules = newValue
            trim()
        }
    }
    /// Publications go to Redis and come back, and everything that was missed has come.
    public var onConnected: () -> Void = {}
    /// They do not, for this reason; it goes on trying.
    public var onDisconnected: (RedisError) -> Void = { _ in }
    public private(set) var isConnected = false
    public var url: RedisURL { link.commands.configuration.url }
    /// Why there is no connection.
    public private(set) var lastFailure: RedisError?

    let link: ClusterLink
    let mirrors: Mirrors
    private let presence: Presence
    private let removals: Removals
    private let now: () -> NIODeadline
    private var queue = PublishQueue()
    private var flushIsScheduled = false
    /// Whether Redis has refused what it was given last.
    private var wasRefused = false
    private var givingUp: LoopTimers.Token?
    /// What was given up and is still to be told.
    private var dropped = 0
    /// Since when commands cannot be sent; nil while they can.
    private var awaySince: NIODeadline?
    /// Questions that need Redis, asked while it was away.
    var pending: [() -> Void] = []
    /// Ids that it is asked for.
    var locations: [Int: Location] = [:]
    var lastLocation = 0
    private var isStarted = false
    private var commandsSince = NIODeadline.uptimeNanoseconds(0)
    /// Who has joined a channel gets what is published there later. So publications wait for what is being subscribed to,
    /// and so long for the connection for that.
    private static let messagesPatience = TimeAmount.seconds(3)

    /// - Parameters:
    ///   - prefix: of all keys and channels, 1 to 256 bytes.
    ///   - clockShift: milliseconds that are added to the clock of Redis; tests let time pass with it.
    public init(
        url: RedisURL, prefix: [UInt8], loop: any EventLoop, timers: LoopTimers, log: Logger,
        clockShift: @escaping () -> Int64 = { 0 }
    ) {
        now = { timers.now }
        link = ClusterLink(
            url: url, prefix: prefix, loop: loop, timers: timers, log: log, clockShift: clockShift)
        mirrors = Mirrors(link: link) { timers.now }
        presence = Presence(link: link) { [mirrors] in mirrors.isLive }
        removals = Removals(link: link)
        removals.beforeAnswer = { [presence] in presence.flush() }
        awaySince = timers.now
    }

    private func listen() {
        link.onCommanding = { [unowned self] in commandsFound() }
        link.onCommandsLost = { [unowned self] error in commandsLost(error) }
        link.messages.onConnected = { [unowned self] in
            mirrors.connected()
            link.commands.hurry()
        }
        link.messages.onDisconnected = { [unowned self] error in
            mirrors.disconnected()
            disconnected(error)
            askAgain()
            flushLater()
        }
        link.messages.onSubscribed = { [unowned self] channel in
            if let use = link.keys.use(of: channel) { mirrors.confirmed(use) }
        }
        link.messages.onSubscriptionRefused = { [unowned self] channels, error in
            mirrors.refused(channels)
            disconnected(.server(error))
        }
        link.messages.onMessage = { [unowned self] channel, payload in received(payload, on: channel) }
        mirrors.onLive = { [unowned self] in checkConnected() }
        mirrors.onKnown = { [unowned self] in flushLater() }
    }

    // MARK: life

    /// Looks for Redis from now on.
    public func start() {
        guard !isStarted else { return }
        isStarted = true
        lastFailure = nil
        awaySince = now()
        link.open { listen() }
    }

    /// Leaves Redis, and may be started again: what waits for it is given up. `done` is called when Redis knows, or cannot be
    /// told.
    public func stop(_ done: @escaping () -> Void = {}) {
        guard isStarted else { return done() }
        isStarted = false
        isConnected = false
        if let givingUp { link.timers.cancel(givingUp) }
        givingUp = nil
        presence.leave { [self] in
            guard !isStarted else {  // it was started again meanwhile
                if link.isCommanding { presence.connected() }
                checkConnected()
                return done()
            }
            link.close()
            mirrors.disconnected()
            awaySince = now()
            queue.rewind()
            for entry in queue.giveUp(before: .distantFuture) { entry.done?(.failure(.unreachable)) }
            done()
        }
    }

    private func commandsFound() {
        awaySince = nil
        link.messages.hurry()
        commandsSince = now()
        _ = link.timers.schedule(after: Self.messagesPatience) { [weak self] in self?.flush() }
        // What is too old by now must not be made.
        giveUp()
        queue.rewind()
        presence.connected()
        mirrors.readNext()
        flush()
        checkConnected()
    }

    private func commandsLost(_ error: RedisError) {
        queue.rewind()
        if awaySince == nil { awaySince = now() }
        giveUpLater()
        disconnected(error)
    }

    private func checkConnected() {
        guard isStarted, !isConnected, link.isCommanding, mirrors.isLive else { return }
        isConnected = true
        lastFailure = nil
        let questions = pending
        pending = []
        for question in questions { question() }
        onConnected()
    }

    /// Every attempt that fails is one more loss: only the first is told.
    private func disconnected(_ error: RedisError) {
        guard isStarted else { return }
        let isNews = isConnected || lastFailure == nil
        isConnected = false
        lastFailure = error
        if isNews { onDisconnected(error) }
    }

    // MARK: publishing

    public func publish(
        _ event: OutgoingEvent, to channel: ChannelName, done: ((Result<PublicationID, BrokerFailure>) -> Void)?
    ) -> BrokerFailure? {
        if let awaySince, now() - awaySince > Self.maxAge { return .unreachable }
        let entry = PublishQueue.Entry(
            event: event, channel: channel, rule: mirrors.rules.rule(for: channel), time: now(),
            subscription: mirrors.lastSubscription, done: done)
        guard queue.append(entry) else { return .queueFull }
        guard link.isCommanding else {
            giveUpLater()
            return nil
        }
        // The first of a turn does not wait for others, when Redis has answered for all before it.
        // Not when Redis may refuse it: what follows could not go behind it.
        if queue.isAnswered, !flushIsScheduled, !wasRefused {
            flush()
            link.commands.flush()
        }
        flushLater()
        return nil
    }

    /// What one turn of the loop publishes goes out together.
    private func flushLater() {
        guard !flushIsScheduled else { return }
        flushIsScheduled = true
        let bound = NIOLoopBound(self, eventLoop: link.loop)
        link.loop.execute {
            bound.value.flushIsScheduled = false
            bound.value.flush()
        }
    }

    private func flush() {
        let waits = link.messages.isConnected || now() - commandsSince < Self.messagesPatience
        let firstUnknown = waits ? mirrors.firstUnknown : nil
        while link.isCommanding, let (number, entries) = queue.nextBatch(firstUnknown: firstUnknown) {
            send(entries, number: number)
        }
    }

    private func send(_ entries: [PublishQueue.Entry], number: UInt64) {
        var command = link.command(.publish)
        command.append(link.node)
        command.append(number)
        link.appendEpoch(to: &command)
        command.append(queue.firstNumber)
        for entry in entries {
            command.append(entry.channel.bytes)
            command.append(min(entry.rule.count, Int(Int32.max)))
            command.append(max(1, entry.rule.maxAge.nanoseconds / 1_000_000))
            command.append(entry.event.id ?? "")
            command.append(PublicationPayload.tail(entry.event))
        }
        link.run(command) { [weak self] result in self?.answered(entries, result) }
    }

    private func answered(_ entries: [PublishQueue.Entry], _ result: Result<RESPValue, RedisError>) {
        switch result {
        case .failure(.connectionLost), .failure(.closed): break  // they are sent again
        case .failure(let error):
            queue.settle(entries.count)
            wasRefused = true
            link.log.error("Redis: \(entries.count) publication(s) were refused: \(error)")
            for entry in entries { entry.done?(.failure(error.failure)) }
        case .success(let value):
            queue.settle(entries.count)
            wasRefused = false
            guard case .array(let ids) = value, ids.count == entries.count else {
                for entry in entries { entry.done?(.failure(.refused("the answer is none of ours"))) }
                return
            }
            for (entry, value) in zip(entries, ids) {
                guard let done = entry.done else { continue }
                // One that is known to be made and not kept any more has no id that anybody could tell.
                let id = value.text.flatMap { PublicationID($0) }
                done(id.map { .success($0) } ?? .failure(.refused("the publication was made, its id is not known")))
            }
        }
    }

    // MARK: what waits too long

    private func giveUpLater() {
        guard givingUp == nil, let oldest = queue.oldest else { return }
        givingUp = link.timers.schedule(at: oldest + Self.maxAge) { [weak self] in
            guard let self else { return }
            givingUp = nil
            guard !link.isCommanding else { return }
            giveUp()
            giveUpLater()
        }
    }

    private func giveUp() {
        let old = queue.giveUp(before: now() - Self.maxAge)
        guard !old.isEmpty else { return }
        // One line for all of a second.
        if dropped == 0 { _ = link.timers.schedule(after: .seconds(1)) { [weak self] in self?.tellDropped() } }
        dropped += old.count
        for entry in old { entry.done?(.failure(.tooOld)) }
    }

    private func tellDropped() {
        let seconds = Self.maxAge.nanoseconds / 1_000_000_000
        link.log.error("Redis: \(dropped) publication(s) were dropped after \(seconds) s without it")
        dropped = 0
    }

    // MARK: messages

    private func received(_ payload: ByteBuffer, on channel: ByteBuffer) {
        switch link.keys.use(of: channel) {
        case .channel(let name): mirrors.received(payload, on: name)
        case .control: removals.asked(payload)
        case .node:
            let words = String(buffer: payload).split(separator: " ")
            guard words.count >= 2, let number = Int(words[1]) else { return }
            switch words[0] {
            case "read": mirrors.marked(number)
            case "located": locationMarked(number)
            case "beat": presence.heard(number)
            case "removed": removals.answered(number, isRemoved: words.last == "1")
            default: break
            }
        case nil: break
        }
    }

    // MARK: channels

    public func subscribe(_ channel: ChannelName) { mirrors.subscribe(channel) }
    public func unsubscribe(_ channel: ChannelName) { mirrors.unsubscribe(channel) }

    public func whenSubscribed(_ channels: [ChannelName], _ body: @escaping () -> Void) {
        mirrors.whenKnown(channels, body)
    }

    public func membersChanged(of channel: ChannelName, from old: Int, to new: Int) {
        presence.changed(channel, to: new)
    }

    public func count(of channel: ChannelName, here: Int, _ answer: @escaping (Result<Int, BrokerFailure>) -> Void) {
        presence.count(channel, answer)
    }

    public func remove(_ removal: Removal, _ answer: @escaping (Result<Bool, BrokerFailure>) -> Void) {
        removals.ask(removal, answer)
    }

    // MARK: bounds

    public var isEmpty: Bool { mirrors.isEmpty }

    public func expire() {
        mirrors.expire()
        presence.sweep("0")
    }

    /// Holds what Redis keeps to the rules, as soon as they change: a wider rule brings nothing back then.
    private func trim() {
        guard link.isCommanding else { return }
        var command = RedisCommand("HKEYS")
        command.append(link.keys.state)
        link.run(command) { [weak self] result in
            guard let self, case .success(.array(let fields)) = result else { return }
            var command = link.command(.trim)
            for field in fields {
                guard let bytes = field.bytes?.readableBytesView, bytes.starts(with: "channel:".utf8),
                    let name = try? ChannelName(bytes.dropFirst(8))
                else { continue }
                command.append(name.bytes)
                command.append(min(rules.rule(for: name).count, Int(Int32.max)))
            }
            link.run(command) { _ in }
        }
    }
}
