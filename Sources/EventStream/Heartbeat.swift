public import NIOCore

/// What goes out on a stream when nothing was written for a while: an empty comment, or an event that a script can
/// listen to. Shared by the streams that it serves.
public final class Heartbeat: Sendable, Equatable {
    public let bytes: ByteBuffer

    /// The comment, which clients do not see.
    public static let comment = Heartbeat(EventEncoder.heartbeat)

    private init(_ bytes: ByteBuffer) { self.bytes = bytes }

    /// An event of that type with empty data.
    /// - Throws: when the type holds CR, LF or NUL.
    public convenience init(event type: String) throws(EventFieldError) {
        var bytes = ByteBuffer()
        try EventEncoder.write(StreamEvent(type: type, data: ""), to: &bytes)
        self.init(bytes)
    }

    public static func == (first: Heartbeat, second: Heartbeat) -> Bool {
        first === second || first.bytes == second.bytes
    }
}
