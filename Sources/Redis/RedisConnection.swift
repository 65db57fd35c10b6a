public import Delivery
public import Logging
public import NIOCore

/// Keeps one connection to a Redis open: resolves, connects, TLS, AUTH, SELECT, CLIENT SETNAME; comes back after a loss.
///
/// Used on its event loop only, which also calls back; never from within a call of the owner's, but for `send` and the
/// like inside a callback. It lives until it is closed, whoever holds it.
///
/// A Redis that is silent for `patience` is given up, also when a command takes that long: blocking commands do not
/// belong here. Once it has subscribed to a channel, a connection takes no commands but `PING` (RESP2).
public final class RedisConnection {
    public struct Configuration: Sendable {
        public var url: RedisURL
        /// Which servers TLS may lead to; what the URL says, until it is changed.
        public var trust: RedisTrust
        /// What Redis calls the connection (CLIENT SETNAME); without spaces.
        public var name: String
        /// Whether a replica is refused.
        public var requiresPrimary = false
        /// For TCP and TLS together, and then again for the handshake of Redis.
        public var connectTimeout = TimeAmount.seconds(5)
        /// How long Redis may be silent before it is asked for a word, and then again before it is given up.
        public var patience = TimeAmount.seconds(5)

        public init(url: RedisURL, name: String) {
            self.url = url
            self.name = name
            trust = url.trust
        }
    }

    /// The handshake is over, and commands go out from now on. Called again after each reconnect.
    public var onConnected: () -> Void = {}
    /// The connection is gone, or an attempt failed; every outstanding reply has failed before.
    public var onDisconnected: (RedisError) -> Void = { _ in }
    /// A message of a channel that is subscribed to.
    public var onMessage: (_ channel: ByteBuffer, _ payload: ByteBuffer) -> Void = { _, _ in }
    /// Redis has subscribed the connection to a channel.
    public var onSubscribed: (_ channel: ByteBuffer) -> Void = { _ in }
    /// Redis refuses a batch of subscriptions, because its user may not have one of them.
    public var onSubscriptionRefused: (_ channels: [ByteBuffer], _ error: RESPError) -> Void = { _, _ in }

    public let configuration: Configuration
    public var isConnected: Bool { state.phase == .connected }
    /// Whether it was closed for good.
    public var isClosed: Bool { state.phase == .closed }

    /// The channels of one SUBSCRIBE.
    private static let batch = 1000

    private let loop: any EventLoop
    private let timers: LoopTimers
    private let log: Logger
    private var connector: RedisConnector
    private var state = RedisConnectionState()
    private var handshake: RedisHandshake
    private var replies = ReplyQueue()
    private var liveness: Liveness
    private var channel: (any Channel)?
    /// What this turn of the loop has written.
    private var outbox = ByteBuffer()
    private var isFlushScheduled = false
    private var isFlushing = false
    /// Of the present phase: the end of its time.
    private var timer: LoopTimers.Token?
    /// The reasons of this row of failures that the log has.
    private var told: Set<String> = []

    public init(_ configuration: Configuration, loop: any EventLoop, timers: LoopTimers, log: Logger) {
        self.configuration = configuration
        self.loop = loop
        self.timers = timers
        self.log = log
        connector = RedisConnector(configuration)
        handshake = RedisHandshake(configuration)
        liveness = Liveness(patience: configuration.patience, now: timers.now)
    }

    // MARK: the owner's calls

    /// Starts. Never fails: it goes on trying.
    public func open() {
        loop.assertInEventLoop()
        if state.open() { connect() }
    }

    /// Ends for good, after what was sent. Outstanding replies fail in a later turn; nothing else calls back.
    public func close() {
        loop.assertInEventLoop()
        guard state.close() else { return }
        flush()
        let abandoned = release()
        guard !abandoned.isEmpty else { return }
        later { for reply in abandoned { reply(.failure(.closed)) } }
    }

    /// Gives the present connection up and connects again at once; when it was dropped in the last second already, after
    /// the usual time. Without a connection it does nothing.
    public func drop(_ reason: String) {
        loop.assertInEventLoop()
        guard let loss = state.drop(now: timers.now, jitter: jitter()) else { return }
        let attempt = state.attempt
        let abandoned = release()
        later { self.mourn(loss, .connectionLost(reason), abandoned, attempt) }
    }

    /// Does not wait any longer for the next attempt: another connection has just found the server.
    public func hurry() {
        loop.assertInEventLoop()
        guard state.retry() else { return }
        if let timer { timers.cancel(timer) }
        timer = nil
        connect()
    }

    /// Sends at once, pipelined: what one turn of the loop sends goes out in one write. While there is no connection the
    /// reply fails in a later turn.
    public func send(_ command: RedisCommand, _ reply: ((Result<RESPValue, RedisError>) -> Void)? = nil) {
        loop.assertInEventLoop()
        guard isConnected else {
            guard let reply else { return }
            let error = state.phase == .closed ? RedisError.closed : .connectionLost("Redis is not connected")
            return later { reply(.failure(error)) }
        }
        write(command) { $0.expectReply(reply) }
    }

    /// Subscribes to channels, in batches. Not remembered: after a loss the owner does it again, in `onConnected`.
    public func subscribe(_ channels: [ByteBuffer]) {
        forBatches("SUBSCRIBE", channels) { $0.expectSubscriptions($1) }
    }

    public func unsubscribe(_ channels: [ByteBuffer]) {
        forBatches("UNSUBSCRIBE", channels) { $0.expectUnsubscriptions($1.count) }
    }

    private func forBatches(
        _ name: String, _ channels: [ByteBuffer], _ expect: (inout ReplyQueue, [ByteBuffer]) -> Void
    ) {
        loop.assertInEventLoop()
        guard isConnected else { return }
        var rest = channels[...]
        while !rest.isEmpty {
            let batch = Array(rest.prefix(Self.batch))
            rest = rest.dropFirst(Self.batch)
            var command = RedisCommand(name)
            for channel in batch { command.append(channel) }
            write(command) { expect(&$0, batch) }
        }
    }

    // MARK: an attempt

    private func connect() {
        let attempt = state.attempt
        setTimer(after: configuration.connectTimeout) {
            let url = self.configuration.url
            let hint = url.isSecure ? "; does it speak TLS?" : ""
            self.lost(attempt, .refused("no connection to \(url.place): no answer in time\(hint)"))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        let isSecure = configuration.url.isSecure
        do {
            let opening = try connector.connect(on: loop) {
                RedisChannelHandler(bound.value, attempt: attempt, isSecure: isSecure)
            }
            opening.whenFailure { bound.value.broke(attempt, $0) }
        } catch {
            later { self.lost(attempt, error) }
        }
    }

    /// There is a channel for an attempt, which may be void by now.
    func attach(_ channel: any Channel, _ attempt: RedisConnectionState.Attempt) {
        guard isCurrent(attempt) else { return channel.close(promise: nil) }
        self.channel = channel
    }

    /// The channel is ready for Redis' own handshake.
    func opened(_ attempt: RedisConnectionState.Attempt) {
        guard state.opened(attempt) else { return }
        setTimer(after: configuration.connectTimeout) {
            self.lost(attempt, .refused("\(self.configuration.url.place) accepts connections, but does not answer"))
        }
        handshake = RedisHandshake(configuration)
        for command in handshake.commands { command.write(to: &outbox) }
        flush()
    }

    private func greeted() {
        state.greeted()
        told = []
        liveness = Liveness(patience: configuration.patience, now: timers.now)
        setTimer(after: configuration.patience) { self.checkLiveness() }
        log.info("Redis is connected", metadata: ["redis": "\(configuration.url)"])
        onConnected()
    }

    // MARK: what the channel tells

    func isCurrent(_ attempt: RedisConnectionState.Attempt) -> Bool { state.isCurrent(attempt) }

    func heard(_ attempt: RedisConnectionState.Attempt) {
        if isCurrent(attempt) { liveness.heard(timers.now) }
    }

    /// A value on the present connection.
    func receive(_ value: RESPValue) {
        if state.phase == .greeting {
            switch handshake.receive(value) {
            case .incomplete: break
            case .done: greeted()
            case .refused(let reason): lost(state.attempt, .refused(reason))
            case .loading(let reason):
                state.loads()
                lost(state.attempt, .refused(reason))
            }
            return
        }
        switch replies.receive(value) {
        case .reply(let reply, let result): reply?(result)
        case .message(let channel, let payload): onMessage(channel, payload)
        case .subscribed(let channel): onSubscribed(channel)
        case .unsubscribed: break
        case .subscriptionRefused(let channels, let error):
            log.warning("Redis refuses a subscription", metadata: ["error": "\(error.message)"])
            onSubscriptionRefused(channels, error)
        case .violation(let reason): lost(state.attempt, .protocolViolation(reason))
        }
    }

    /// The channel failed, or none came about.
    func broke(_ attempt: RedisConnectionState.Attempt, _ error: any Error) {
        lost(attempt, state.phase == .opening ? .unopened(error, configuration.url) : .broken(error))
    }

    // MARK: loss

    func lost(_ attempt: RedisConnectionState.Attempt, _ error: RedisError) {
        outsideFlush { [self] in
            guard let loss = state.lost(attempt, now: timers.now, jitter: jitter()) else { return }
            mourn(loss, error, release(), attempt)
        }
    }

    /// Now, or in a later turn where a write has led to this: who writes does not expect to be called back.
    func outsideFlush(_ body: @escaping () -> Void) { if isFlushing { later(body) } else { body() } }

    /// Lets the channel go; gives those who wait for a reply.
    private func release() -> [ReplyQueue.Reply] {
        if let timer { timers.cancel(timer) }
        timer = nil
        let channel = self.channel
        self.channel = nil
        outbox = ByteBuffer()
        channel?.close(promise: nil)
        return replies.abandon()
    }

    /// Tells everybody of a loss, and comes back. Each of them may close the connection.
    private func mourn(
        _ loss: RedisConnectionState.Loss, _ error: RedisError, _ abandoned: [ReplyQueue.Reply], _ attempt: Int
    ) {
        if state.phase == .waiting, state.attempt == attempt {
            setTimer(after: loss.delay) { if self.state.retry() { self.connect() } }
        }
        if told.insert("\(error)").inserted || loss.isNews {
            var metadata: Logger.Metadata = ["redis": "\(configuration.url)", "reason": "\(error)"]
            if loss.failures > 1 { metadata["attempts"] = "\(loss.failures)" }
            log.warning("Redis is not connected", metadata: metadata)
        }
        let lost = RedisError.connectionLost("\(error)")
        for reply in abandoned { reply(.failure(lost)) }
        if state.phase != .closed { onDisconnected(error) }
    }

    // MARK: writing

    private func write(_ command: RedisCommand, _ expect: (inout ReplyQueue) -> Void) {
        if replies.isEmpty { liveness.asked(timers.now) }
        expect(&replies)
        command.write(to: &outbox)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        later {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Sends what this turn of the loop has written until now. Calls nobody back.
    func flush() {
        guard outbox.readableBytes > 0, let channel else { return }
        let bytes = outbox
        outbox = ByteBuffer()
        isFlushing = true
        channel.writeAndFlush(bytes, promise: nil)
        isFlushing = false
    }

    // MARK: time

    private func checkLiveness() {
        let now = timers.now
        switch liveness.verdict(now, owes: !replies.isEmpty) {
        case .alive(let until): setTimer(at: until) { self.checkLiveness() }
        case .silent:
            send(RedisCommand("PING"))
            setTimer(after: configuration.patience) { self.checkLiveness() }
        case .dead: lost(state.attempt, .timedOut)
        }
    }

    private func setTimer(after amount: TimeAmount, _ body: @escaping () -> Void) {
        setTimer(at: timers.now + amount, body)
    }

    private func setTimer(at deadline: NIODeadline, _ body: @escaping () -> Void) {
        if let timer { timers.cancel(timer) }
        timer = timers.schedule(at: deadline, body)
    }

    private func later(_ body: @escaping () -> Void) { loop.assumeIsolated().execute(body) }

    /// -1 to 1, drawn.
    private func jitter() -> Double { .random(in: -1...1) }
}
