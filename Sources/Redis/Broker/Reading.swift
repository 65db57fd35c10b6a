import NIOCore
import PubSub

/// Channels that are being read together.
final class Reading {
    let id: Int
    let mirrors: [Mirror]
    /// What was read, as far as it has come.
    var parts: [(mirror: Mirror, reading: ChannelReading)] = []
    /// What the last part says of the publisher.
    var state: ClusterReading?
    /// When that was asked for, on this node's clock.
    var asked = NIODeadline.uptimeNanoseconds(0)
    var repliesLeft = 0
    var hasMarker = false
    /// What came behind the marker.
    var late: [PublicationPayload] = []

    init(id: Int, mirrors: [Mirror]) {
        self.id = id
        self.mirrors = mirrors
    }

    var isDone: Bool { repliesLeft == 0 && hasMarker }

    /// How long ago something was published.
    func age(of payload: PublicationPayload) -> TimeAmount {
        .milliseconds(max(0, (state?.milliseconds ?? 0) - payload.milliseconds))
    }
}

/// What Redis keeps of a channel, as it was read.
struct ChannelReading {
    /// The number of the channel's last publication; nil when Redis does not know the channel.
    let last: UInt64?
    /// In order.
    var payloads: [PublicationPayload]

    /// Nil for what the script does not answer.
    init?(_ value: RESPValue, channel: ChannelName) {
        guard case .array(let parts) = value, let first = parts.first?.text else { return nil }
        last = UInt64(first)
        payloads = parts.dropFirst().reversed().compactMap { part in
            part.bytes.flatMap { PublicationPayload($0, channel: channel) }
        }
    }

    /// With what came by message before: of a channel that keeps little more may have come than is kept.
    func merged(with buffer: [PublicationPayload], epoch: String) -> [PublicationPayload] {
        let known = Set(payloads.map(\.publication.id.sequence))
        let more = buffer.filter {
            $0.publication.id.epoch == epoch && !known.contains($0.publication.id.sequence)
        }
        guard !more.isEmpty else { return payloads }
        return (payloads + more).sorted { $0.publication.id.sequence < $1.publication.id.sequence }
    }
}

/// What the script `read` answers.
struct ClusterReading {
    let epoch: String
    let sequence: UInt64
    /// The highest last number among channels that are forgotten.
    let forgotten: UInt64
    /// The clock of Redis.
    let milliseconds: Int64
    let channels: [ChannelReading]

    /// Nil for what the script does not answer.
    init?(_ value: RESPValue, of names: [ChannelName]) {
        guard case .array(let parts) = value, parts.count == 5, let epoch = parts[0].text,
            let sequence = parts[1].text.flatMap({ UInt64($0) }), let forgotten = parts[2].text.flatMap({ UInt64($0) }),
            let milliseconds = parts[3].text.flatMap({ Int64($0) }), case .array(let channels) = parts[4],
            channels.count == names.count
        else { return nil }
        self.epoch = epoch
        self.sequence = sequence
        self.forgotten = forgotten
        self.milliseconds = milliseconds
        self.channels = zip(channels, names).compactMap { ChannelReading($0, channel: $1) }
        guard self.channels.count == names.count else { return nil }
    }
}

extension RESPValue {
    /// The bytes of a string.
    var bytes: ByteBuffer? {
        switch self {
        case .simpleString(let bytes), .bulkString(let bytes): bytes
        default: nil
        }
    }

    var text: String? { bytes.map { String(buffer: $0) } }
}
