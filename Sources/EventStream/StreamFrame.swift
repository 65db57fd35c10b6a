public import NIOCore

/// The bytes of one event, or of a comment or `retry:` line, as streams get them: encoded once, shared by all.
public struct StreamFrame: Sendable {
    public let bytes: ByteBuffer
    /// A comment or a `retry:` line is none.
    public let isEvent: Bool
    /// Of two events of one key only the newer matters to a conflated stream.
    public let key: String?

    public init(_ bytes: ByteBuffer, isEvent: Bool = true, key: String? = nil) {
        self.bytes = bytes
        self.isEvent = isEvent
        self.key = key
    }

    public var count: Int { bytes.readableBytes }
}
