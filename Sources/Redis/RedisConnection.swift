public import Delivery
public import Logging
public import NIOCore

/// Keeps one connection to a Redis open: resolves, connects, TLS, AUTH, SELECT, CLIENT SETNAME; comes back after a loss.
///
/// Used on its event loop only, which also calls back.
public final class RedisConnection {
    public struct Configuration: Sendable {
        public var url: RedisURL
        /// What Redis calls the connection (CLIENT SETNAME).
        public var name: String
        /// Whether a replica is refused.
        public var requiresPrimary = false
        public var connectTimeout = TimeAmount.seconds(5)
        /// How long nothing may be heard before Redis is asked for a word, and then again before it is given up.
        public var patience = TimeAmount.seconds(5)

        public init(url: RedisURL, name: String) {
            self.url = url
            self.name = name
        }
    }

    /// The handshake is over, and commands go out from now on. Called again after each reconnect.
    public var onConnected: () -> Void = {}
    /// The connection is gone; every outstanding reply has failed before. Also for an attempt that failed.
    public var onDisconnected: (RedisError) -> Void = { _ in }
    /// A message of a channel that is subscribed to.
    public var onMessage: (_ channel: ByteBuffer, _ payload: ByteBuffer) -> Void = { _, _ in }
    /// Redis has subscribed the connection to a channel.
    public var onSubscribed: (_ channel: ByteBuffer) -> Void = { _ in }

    public let configuration: Configuration
    public private(set) var isConnected = false

    public init(_ configuration: Configuration, loop: any EventLoop, timers: LoopTimers, log: Logger) {
        self.configuration = configuration
    }

    /// Starts. Never fails: it goes on trying.
    public func open() {}

    /// Ends for good. Nothing calls back afterwards, but for outstanding replies, which fail.
    public func close() {}

    /// Gives the present connection up and connects again at once.
    public func drop(_ reason: String) {}

    /// Sends at once, pipelined: what one turn of the loop sends goes out in one write. While there is no connection the
    /// reply fails in a later turn.
    public func send(_ command: RedisCommand, _ reply: ((Result<RESPValue, RedisError>) -> Void)? = nil) {}

    /// Subscribes to channels, in batches. Not remembered: after a loss the owner does it again.
    public func subscribe(_ channels: [ByteBuffer]) {}

    public func unsubscribe(_ channels: [ByteBuffer]) {}
}
