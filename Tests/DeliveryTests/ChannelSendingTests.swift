import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import Testing

@Suite struct ChannelSendingTests {
    let streams = EmbeddedStreams()

    @Test(arguments: [(nil, ":\n"), (0, ":\nretry: 0\n"), (1500, ":\nretry: 1500\n")] as [(Int?, String)])
    func `a stream opens with a comment, and a retry if there is one`(_ retry: Int?, _ bytes: String) throws {
        let stream = try streams.open(retry: retry, opens: false)
        streams.turn()
        #expect(try stream.received() == bytes)
        #expect(stream.handle.ledger.bufferedBytes == 0)
        #expect(stream.handle.ledger.eventsSent == 0)
        #expect(streams.observer.entries == [])
    }

    @Test func `the head goes out in one flush with the opening and the first events`() throws {
        let kernel = Kernel()
        let channel = try streams.makeChannel(kernel)
        channel.write(ByteBuffer(string: "head\n"), promise: nil)
        let ledger = StreamLedger(maxBufferedBytes: 100)
        streams.loop.adopt(channel, as: 1, ledger: ledger, limits: StreamLimits(), retry: nil)
        let stream = EmbeddedStreams.Stream(
            handle: StreamHandle(id: 1, ledger: ledger, loop: streams.loop), channel: channel, kernel: kernel)
        stream.handle.send("data: a\n\n")
        streams.turn()
        #expect(try stream.received() == "head\n:\ndata: a\n\n")
        #expect(kernel.flushes == 1)
        #expect(ledger.bufferedBytes == 0)
    }

    @Test func `what is sent in one turn goes out in one flush`() throws {
        let stream = try streams.open()
        let before = stream.kernel.flushes
        for text in ["a", "b", "c"] { stream.handle.send("data: \(text)\n\n") }
        streams.loop.broadcast(ByteBuffer(string: "data: d\n\n"))
        #expect(try stream.received() == "")
        #expect(stream.handle.ledger.bufferedBytes == 36)
        streams.turn()
        #expect(try stream.received() == "data: a\n\ndata: b\n\ndata: c\n\ndata: d\n\n")
        #expect(stream.kernel.flushes == before + 1)
        #expect(stream.handle.ledger.bufferedBytes == 0)
        #expect(stream.handle.ledger.eventsSent == 4)
    }

    @Test func `every turn has its own flush`() throws {
        let stream = try streams.open()
        let before = stream.kernel.flushes
        for text in ["a", "b"] {
            stream.handle.send(text)
            streams.turn()
            #expect(try stream.received() == text)
        }
        #expect(stream.kernel.flushes == before + 2)
        streams.turn()
        #expect(stream.kernel.flushes == before + 2)
    }

    @Test func `a broadcast is one buffer for all`() throws {
        let opened = try (1...3).map { try streams.open($0) }
        let frame = ByteBuffer(string: "data: for all, and too long to be held in a register\n\n")
        streams.loop.broadcast(frame)
        streams.turn()
        for stream in opened {
            let got = try #require(try stream.channel.readOutbound(as: ByteBuffer.self))
            #expect(got == frame)
            #expect(address(of: got) == address(of: frame))
            #expect(stream.handle.ledger.eventsSent == 1)
            #expect(stream.handle.ledger.bufferedBytes == 0)
        }
    }

    private func address(of buffer: ByteBuffer) -> UnsafeRawPointer? {
        buffer.withUnsafeReadableBytes { UnsafeRawPointer($0.baseAddress) }
    }

    @Test func `an event for one stream is for that one`() throws {
        let opened = try (1...2).map { try streams.open($0) }
        opened[1].handle.send("data: b\n\n")
        streams.turn()
        #expect(try opened.map { try $0.received() } == ["", "data: b\n\n"])
    }

    @Test func `what the client sends is dropped`() throws {
        let stream = try streams.open()
        try stream.channel.writeInbound(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        streams.turn()
        #expect(try stream.channel.readInbound(as: ByteBuffer.self) == nil)
        #expect(try stream.received() == "")
        #expect(streams.observer.entries == [])
    }

    @Test func `a stream that nobody knows takes nothing`() {
        let handle = StreamHandle(id: 9, ledger: StreamLedger(maxBufferedBytes: 10), loop: streams.loop)
        handle.deliver(ByteBuffer(string: "x"), isEvent: true)
        handle.overflow()
        handle.close(.server)
        streams.turn()
        #expect(streams.observer.entries == [])
        #expect(handle.admit(ByteBuffer(string: "x"), isEvent: true) == .closed)
    }
}
