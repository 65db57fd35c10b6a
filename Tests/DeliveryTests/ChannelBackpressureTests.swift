import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import Testing

@Suite struct ChannelBackpressureTests {
    let streams = EmbeddedStreams()

    private func limits(_ bytes: Int) -> StreamLimits { StreamLimits(pingInterval: nil, maxBufferedBytes: bytes) }

    @Test func `what the kernel does not take stays in the account until it does`() throws {
        let stream = try streams.open()
        stream.kernel.fill()
        var sent = ""
        for number in 0..<10 {
            let event = "data: \(number)\n\n"
            sent += event
            stream.handle.send(event)
            if number.isMultiple(of: 3) { streams.turn() }
            #expect(stream.handle.ledger.bufferedBytes == sent.utf8.count)
        }
        streams.turn()
        #expect(try stream.received() == "")
        stream.kernel.drain()
        streams.turn()
        #expect(try stream.received() == sent)
        #expect(stream.handle.ledger.bufferedBytes == 0)
        #expect(streams.observer.entries == [])
    }

    @Test func `what is sent after that comes after it`() throws {
        let stream = try streams.open()
        stream.kernel.fill()
        stream.handle.send("a")
        streams.turn()
        stream.handle.send("b")
        stream.kernel.drain()
        stream.handle.send("c")
        streams.turn()
        stream.handle.send("d")
        streams.turn()
        #expect(try stream.received() == "abcd")
    }

    @Test func `falling behind and catching up are told once each`() throws {
        let stream = try streams.open(limits: limits(100))
        for _ in 0..<2 {
            stream.kernel.fill()
            for _ in 0..<5 {
                stream.handle.send(String(repeating: "x", count: 15))
                streams.turn()
            }
            stream.kernel.drain()
            streams.turn()
        }
        #expect(streams.observer.entries == [.lagging(1, 60), .drained(1), .lagging(1, 60), .drained(1)])
    }

    @Test func `half the budget is not behind`() throws {
        let stream = try streams.open(limits: limits(100))
        stream.kernel.fill()
        stream.handle.send(String(repeating: "x", count: 50))
        streams.turn()
        stream.kernel.drain()
        streams.turn()
        #expect(streams.observer.entries == [])
    }

    @Test func `an event larger than the budget enters an empty queue`() throws {
        let stream = try streams.open(limits: limits(100))
        stream.kernel.fill()
        let event = String(repeating: "x", count: 5000)
        #expect(stream.handle.send(event) == .admitted)
        streams.turn()
        #expect(streams.observer.entries == [.lagging(1, 5000)])
        stream.kernel.drain()
        streams.turn()
        #expect(try stream.received() == event)
        #expect(streams.observer.entries == [.lagging(1, 5000), .drained(1)])
        streams.loop.broadcast(ByteBuffer(string: event))
        streams.turn()
        #expect(try stream.received() == event)
    }

    @Test func `one event too many ends the stream as slow`() throws {
        let stream = try streams.open(limits: limits(100))
        stream.kernel.fill()
        #expect(stream.handle.send(String(repeating: "x", count: 40)) == .admitted)
        streams.turn()
        #expect(stream.handle.send(String(repeating: "y", count: 60)) == .admitted)
        #expect(stream.handle.send("z") == .full)
        #expect(streams.observer.ends(of: 1) == [.slow])
        #expect(stream.handle.send("z") == .closed)
        #expect(!stream.channel.isActive)
        streams.turn()
        #expect(try stream.received() == "")
        #expect(streams.observer.ends(of: 1) == [.slow])
    }

    @Test func `a broadcast passes who cannot take it`() throws {
        let slow = try streams.open(1, limits: limits(10))
        let others = try (2...4).map { try streams.open($0, limits: limits(10)) }
        slow.kernel.fill()
        for text in ["data: a\n\n", "data: b\n\n", "data: c\n\n"] {
            streams.loop.broadcast(ByteBuffer(string: text))
            streams.turn()
        }
        #expect(streams.observer.entries == [.lagging(1, 9), .closed(1, .slow)])
        for stream in others { #expect(try stream.received() == "data: a\n\ndata: b\n\ndata: c\n\n") }
    }

    @Test func `many broadcasts in one turn are not too much for a client that reads`() throws {
        let fast = try streams.open(1, limits: limits(100))
        let slow = try streams.open(2, limits: limits(100))
        slow.kernel.fill()
        let events = (100..<200).map { "data: \($0)\n\n" }
        for event in events { streams.loop.broadcast(ByteBuffer(string: event)) }
        streams.turn()
        #expect(try fast.received() == events.joined())
        #expect(fast.handle.ledger.bufferedBytes == 0)
        #expect(fast.handle.ledger.eventsSent == events.count)
        #expect(streams.observer.ends(of: 1) == [])
        #expect(streams.observer.ends(of: 2) == [.slow])
        #expect(try slow.received() == "")
    }

    @Test func `a stream whose connection fails under a replay is in no group`() throws {
        weak var ledger: StreamLedger?
        do {
            let stream = try streams.open(limits: limits(100))
            ledger = stream.handle.ledger
            stream.kernel.onFlush = { $0.close(promise: nil) }
            streams.loop.join(1, to: 7, replay: [ByteBuffer(string: "data: missed\n\n")])
        }
        streams.turn()
        #expect(streams.observer.ends(of: 1) == [.client])
        #expect(ledger == nil)
    }

    @Test func `what will never be written leaves the account`() throws {
        let stream = try streams.open(limits: limits(100))
        stream.kernel.fill()
        stream.handle.send("a")
        streams.turn()
        stream.handle.send("b")
        stream.clientFinishes()
        #expect(stream.handle.ledger.bufferedBytes == 0)
        streams.turn()
        #expect(stream.handle.ledger.bufferedBytes == 0)
    }

    @Test func `who is gone has not caught up`() throws {
        let stream = try streams.open(limits: limits(10))
        stream.kernel.fill()
        stream.handle.send("12345678")
        streams.turn()
        stream.handle.send("9")
        // The connection fails under the flush of the backlog.
        stream.kernel.onFlush = { context in context.close(promise: nil) }
        stream.kernel.drain()
        streams.turn()
        #expect(streams.observer.entries == [.lagging(1, 8), .closed(1, .client)])
    }
}
