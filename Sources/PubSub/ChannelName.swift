/// The name of a channel: 1 to 1,024 bytes of any kind.
public struct ChannelName: Hashable, Sendable {
    public static let maxBytes = 1024

    /// A name that is empty or too long.
    public struct Invalid: Error, Equatable {
        public let count: Int
    }

    public let bytes: [UInt8]

    public init(_ bytes: some Collection<UInt8>) throws(Invalid) {
        guard (1...Self.maxBytes).contains(bytes.count) else { throw Invalid(count: bytes.count) }
        self.bytes = Array(bytes)
    }

    public init(_ text: String) throws(Invalid) { try self.init(text.utf8) }
}
