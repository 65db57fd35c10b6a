public import NIOCore

/// A value of the second version of Redis' protocol (RESP2). Bytes are slices of what was read: who keeps a small one for
/// long makes a copy, or keeps everything that came with it.
public enum RESPValue: Equatable, Sendable {
    case simpleString(ByteBuffer)
    case error(RESPError)
    case integer(Int64)
    case bulkString(ByteBuffer)
    /// The null bulk string and the null array, which mean the same.
    case null
    case array([RESPValue])
}
