/// What a delivery loop has done, to be added up.
public struct DeliveryTally: Sendable, Equatable {
    /// Events that went out to one stream each.
    public var delivered = 0
    /// Those of them that shared a write with the one before.
    public var coalesced = 0
    /// Events that a stream's policy has dropped.
    public var dropped = 0
    /// Bytes of streams, without their heads.
    public var bytes = 0

    public init(delivered: Int = 0, coalesced: Int = 0, dropped: Int = 0, bytes: Int = 0) {
        self.delivered = delivered
        self.coalesced = coalesced
        self.dropped = dropped
        self.bytes = bytes
    }

    public mutating func add(_ other: DeliveryTally) {
        delivered += other.delivered
        coalesced += other.coalesced
        dropped += other.dropped
        bytes += other.bytes
    }

    /// So many bytes went out in one write, and with them the last of so many events.
    mutating func wrote(_ bytes: Int, events: Int) {
        self.bytes += bytes
        delivered += events
        if events > 1 { coalesced += events - 1 }
    }
}
