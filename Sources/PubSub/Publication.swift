public import EventStream
public import NIOCore

/// An event on its way to a broker: everything but the `id:` line is encoded.
public struct OutgoingEvent: Sendable {
    /// Shown on the wire instead of the publication's own id; no CR, LF or NUL.
    public var id: String?
    /// The lines of the event behind its id, with the blank line at the end.
    public var body: ByteBuffer

    /// Of two events of one key only the newer matters to a conflated stream.
    public var key: String?

    public init(id: String? = nil, key: String? = nil, body: ByteBuffer) {
        self.id = id
        self.key = key
        self.body = body
    }
}

/// An event with its place in its publisher's sequence, encoded once for everybody.
public struct Publication: Sendable {
    public let channel: ChannelName
    public let id: PublicationID
    /// The sequence number of the channel's publication before this one; 0 for the first.
    public let previous: UInt64
    public let ownID: String?
    /// The bytes that every member gets.
    public let frame: StreamFrame

    public init(channel: ChannelName, id: PublicationID, previous: UInt64, event: OutgoingEvent) {
        self.channel = channel
        self.id = id
        self.previous = previous
        ownID = event.id
        let shown = event.id ?? id.description
        var frame = ByteBuffer()
        frame.reserveCapacity(shown.utf8.count + event.body.readableBytes + 8)
        frame.writeStaticString("id: ")
        frame.writeString(shown)
        frame.writeInteger(UInt8(ascii: "\n"))
        frame.writeImmutableBuffer(event.body)
        self.frame = StreamFrame(frame, key: event.key)
    }

    /// The same without the `id:` line, for a client that has a newer id already.
    var frameWithoutID: ByteBuffer {
        var frame = self.frame.bytes
        let end = frame.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) ?? frame.readerIndex - 1
        frame.moveReaderIndex(to: end + 1)
        return frame
    }
}
