public import NIOCore

/// What one stream is promised and held to.
public struct StreamLimits: Sendable, Equatable {
    /// A heartbeat goes out when nothing was written for that long; nil for none.
    public var pingInterval: TimeAmount?
    public var heartbeat: Heartbeat
    /// The stream closes when no event was sent for that long; nil for never.
    public var inactivity: TimeAmount?
    /// The stream closes when it is that old; nil for never. The opener spreads it.
    public var lifetime: TimeAmount?
    /// Bytes that may wait for a slow client.
    public var maxBufferedBytes: Int
    /// What happens when that is not enough.
    public var onSlow: SlowPolicy

    /// Bytes that the kernel may hold for one stream besides; left alone it takes megabytes for a client that does not
    /// read.
    public static let kernelBuffer: Int32 = 256 << 10

    /// 15 s between heartbeats, 1 MiB of buffer, no other limit.
    public init(
        pingInterval: TimeAmount? = .seconds(15),
        inactivity: TimeAmount? = nil,
        lifetime: TimeAmount? = nil,
        maxBufferedBytes: Int = 1 << 20,
        onSlow: SlowPolicy = .disconnect,
        heartbeat: Heartbeat = .comment
    ) {
        self.heartbeat = heartbeat
        self.pingInterval = pingInterval
        self.inactivity = inactivity
        self.lifetime = lifetime
        self.maxBufferedBytes = maxBufferedBytes
        self.onSlow = onSlow
    }
}
