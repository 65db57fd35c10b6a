import EventStream
import NIOCore
import PubSub

/// A publication as Redis keeps and publishes it: `<epoch>-<number> <previous> <milliseconds> <own> <key>\n`, then the id
/// that it brought, its key and its lines. `own` and `key` are lengths in bytes, -1 for none.
///
/// Everything up to the milliseconds is written by the script that numbers it.
struct PublicationPayload {
    let publication: Publication
    /// When it was published, on the clock of Redis.
    let milliseconds: Int64

    /// What a node says of a publication.
    static func tail(_ event: OutgoingEvent) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(event.body.readableBytes + 16)
        buffer.writeString("\(event.id?.utf8.count ?? -1) \(event.key?.utf8.count ?? -1)\n")
        if let id = event.id { buffer.writeString(id) }
        if let key = event.key { buffer.writeString(key) }
        buffer.writeImmutableBuffer(event.body)
        return buffer
    }

    /// Nil for what no script of ours has written.
    init?(_ buffer: ByteBuffer, channel: ChannelName) {
        var buffer = buffer
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")),
            let head = buffer.readString(length: end - buffer.readerIndex), buffer.readInteger(as: UInt8.self) != nil
        else { return nil }
        let words = head.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 5, let id = PublicationID(String(words[0])), let previous = UInt64(words[1]),
            let milliseconds = Int64(words[2]), let own = Int(words[3]), let key = Int(words[4])
        else { return nil }
        var event = OutgoingEvent(body: ByteBuffer())
        if own >= 0 {
            guard let text = buffer.readString(length: own) else { return nil }
            event.id = text
        }
        if key >= 0 {
            guard let text = buffer.readString(length: key) else { return nil }
            event.key = text
        }
        event.body = buffer
        publication = Publication(channel: channel, id: id, previous: previous, event: event)
        self.milliseconds = milliseconds
    }
}
