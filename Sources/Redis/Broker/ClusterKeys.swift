import NIOCore
import PubSub

/// How a publisher's keys and channels are called in Redis: all begin with its prefix.
struct ClusterKeys {
    /// What a channel of Redis is for.
    enum Use: Equatable {
        case channel(ChannelName)
        /// What concerns this node alone.
        case node
        /// What concerns every node.
        case control
    }

    let prefix: [UInt8]
    private let nodeChannel: ByteBuffer
    private let controlChannel: ByteBuffer
    private let channelPrefix: [UInt8]

    init(prefix: [UInt8], node: String) {
        self.prefix = prefix
        nodeChannel = ByteBuffer(bytes: prefix + Array(":node:\(node)".utf8))
        controlChannel = ByteBuffer(bytes: prefix + Array(":control".utf8))
        channelPrefix = prefix + Array(":channel:".utf8)
    }

    var state: [UInt8] { prefix + Array(":state".utf8) }
    var members: [UInt8] { prefix + Array(":members".utf8) }
    /// Channels of Redis, not keys.
    var control: ByteBuffer { controlChannel }
    var node: ByteBuffer { nodeChannel }
    func node(_ name: String) -> [UInt8] { prefix + Array(":node:\(name)".utf8) }

    func channel(_ name: ChannelName) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(channelPrefix.count + name.bytes.count)
        buffer.writeBytes(channelPrefix)
        buffer.writeBytes(name.bytes)
        return buffer
    }

    func use(of channel: ByteBuffer) -> Use? {
        let bytes = channel.readableBytesView
        if bytes.starts(with: channelPrefix), let name = try? ChannelName(bytes.dropFirst(channelPrefix.count)) {
            return .channel(name)
        }
        if channel == nodeChannel { return .node }
        return channel == controlChannel ? .control : nil
    }
}
