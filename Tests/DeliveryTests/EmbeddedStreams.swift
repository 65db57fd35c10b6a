import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import TestClock

/// A delivery loop whose channels are embedded: nothing moves but by the test.
final class EmbeddedStreams {
    struct Stream {
        let handle: StreamHandle
        let channel: EmbeddedChannel
        let kernel: Kernel

        /// What the client got since it was last asked.
        func received() throws -> String {
            var bytes = ByteBuffer()
            while var buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes.writeBuffer(&buffer) }
            return String(buffer: bytes)
        }

        /// The client's FIN arrives.
        func clientFinishes() { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    let eventLoop = EmbeddedEventLoop()
    let clock = ManualClock()
    let observer = ObserverLog()
    let loop: ChannelLoop
    private var channels: [EmbeddedChannel] = []

    init() {
        let timers = LoopTimers(loop: eventLoop, clock: clock)
        loop = ChannelLoop(eventLoop: eventLoop, timers: timers, observer: observer)
    }

    deinit {
        for channel in channels where channel.isActive { channel.close(promise: nil) }
        eventLoop.run()
    }

    /// A channel of its own, not a stream yet.
    func makeChannel(_ kernel: Kernel = Kernel()) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: kernel, loop: eventLoop)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        channels.append(channel)
        return channel
    }

    /// Opens a stream, with its first bytes gone unless `opens` is false.
    func open(
        _ id: StreamID = 1, limits: StreamLimits = StreamLimits(pingInterval: nil), retry: Int? = nil,
        opens: Bool = true
    ) throws -> Stream {
        let kernel = Kernel()
        let channel = try makeChannel(kernel)
        let ledger = StreamLedger(maxBufferedBytes: limits.maxBufferedBytes)
        loop.adopt(channel, as: id, ledger: ledger, limits: limits, retry: retry)
        let stream = Stream(handle: StreamHandle(id: id, ledger: ledger, loop: loop), channel: channel, kernel: kernel)
        if opens {
            turn()
            _ = try stream.received()
        }
        return stream
    }

    /// Runs what the loop has to do.
    func turn() { eventLoop.run() }

    func pass(_ amount: TimeAmount) {
        clock.advance(by: amount)
        turn()
    }
}

extension StreamHandle {
    /// Sends as the senders do: what is not admitted ends the stream.
    @discardableResult
    func send(_ text: String, isEvent: Bool = true) -> StreamLedger.Admission {
        let frame = ByteBuffer(string: text)
        let admission = admit(frame, isEvent: isEvent)
        switch admission {
        case .admitted: deliver(frame, isEvent: isEvent)
        case .full: overflow()
        case .closed: break
        }
        return admission
    }
}
