import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import TestClock
import Testing

@Suite struct ChannelClosingTests {
    let streams = EmbeddedStreams()

    private func backedUp(_ id: StreamID = 1, _ limits: StreamLimits = StreamLimits(pingInterval: nil)) throws
        -> EmbeddedStreams.Stream
    {
        let stream = try streams.open(id, limits: limits)
        stream.kernel.fill()
        stream.handle.send("data: a\n\n")
        streams.turn()
        stream.handle.send("data: b\n\n")
        return stream
    }

    @Test func `a close sends what was given before it and shuts our side`() throws {
        let stream = try streams.open()
        stream.handle.send("data: a\n\n")
        stream.handle.close(.server)
        #expect(stream.handle.send("data: b\n\n") == .closed)
        streams.turn()
        #expect(try stream.received() == "data: a\n\n")
        #expect(stream.kernel.closes == [.output])
        #expect(stream.channel.isActive)
        #expect(streams.observer.entries == [.closed(1, .server)])
    }

    @Test func `then the client's end closes the channel`() throws {
        let stream = try streams.open()
        stream.handle.close(.server)
        streams.turn()
        try stream.channel.writeInbound(ByteBuffer(string: "late"))
        #expect(streams.loop.openCount == 1)
        stream.clientFinishes()
        #expect(!stream.channel.isActive)
        streams.turn()
        #expect(streams.loop.openCount == 0)
        streams.pass(.seconds(10))
        #expect(streams.observer.entries == [.closed(1, .server)])
        #expect(streams.clock.nextDeadline == nil)
    }

    @Test func `or the two seconds that it has for that`() throws {
        let stream = try streams.open()
        stream.handle.close(.server)
        streams.pass(.nanoseconds(1_999_999_999))
        #expect(stream.channel.isActive)
        streams.pass(.milliseconds(1))
        #expect(!stream.channel.isActive)
        #expect(stream.kernel.closes == [.output, .all])
        #expect(streams.loop.openCount == 0)
        #expect(streams.observer.entries == [.closed(1, .server)])
    }

    @Test func `a second close changes nothing`() throws {
        let stream = try streams.open()
        stream.handle.close(.server)
        stream.handle.close(.error)
        stream.handle.overflow()
        streams.loop.closeAll(reason: .shutdown, retry: 1...1)
        streams.turn()
        #expect(try stream.received() == "")
        #expect(streams.observer.entries == [.closed(1, .server)])
        streams.pass(.seconds(2))
        #expect(!stream.channel.isActive)
    }

    @Test func `a close waits for a client that is behind`() throws {
        let stream = try backedUp()
        stream.handle.close(.inactive)
        streams.turn()
        #expect(streams.observer.entries == [])
        #expect(stream.kernel.closes == [])
        stream.kernel.drain()
        streams.turn()
        #expect(try stream.received() == "data: a\n\ndata: b\n\n")
        #expect(stream.kernel.closes == [.output])
        #expect(streams.observer.entries == [.closed(1, .inactive)])
        streams.pass(.seconds(2))
        #expect(!stream.channel.isActive)
    }

    @Test func `but not longer than ten seconds`() throws {
        let stream = try backedUp()
        stream.handle.close(.server)
        streams.pass(.seconds(9))
        #expect(stream.channel.isActive)
        streams.pass(.seconds(1))
        #expect(stream.kernel.closes == [.all])
        #expect(streams.observer.entries == [.closed(1, .server)])
        #expect(stream.handle.ledger.bufferedBytes == 0)
    }

    @Test func `a stream that flushes before its end takes no more`() throws {
        let stream = try backedUp(1, StreamLimits(pingInterval: nil, lifetime: .seconds(5)))
        streams.pass(.seconds(5))
        #expect(stream.handle.send("data: c\n\n") == .closed)
        streams.loop.broadcast(ByteBuffer(string: "data: d\n\n"))
        stream.kernel.drain()
        streams.turn()
        #expect(try stream.received() == "data: a\n\ndata: b\n\n")
        #expect(streams.observer.entries == [.closed(1, .lifetime)])
    }

    @Test func `a client that leaves while it is flushed was closed for the reason given`() throws {
        let stream = try backedUp()
        stream.handle.close(.inactive)
        stream.clientFinishes()
        streams.turn()
        #expect(!stream.channel.isActive)
        #expect(streams.observer.entries == [.closed(1, .inactive)])
    }

    @Test func `all are closed, each told when to come back`() throws {
        let opened = try (1...20).map { try streams.open($0) }
        opened[0].handle.send("data: a\n\n")
        streams.loop.closeAll(reason: .shutdown, retry: 1000...2000)
        for stream in opened { #expect(stream.handle.send("data: late\n\n") == .closed) }
        streams.turn()
        var times: Set<Int> = []
        for (index, stream) in opened.enumerated() {
            var parser = EventParser()
            let events = parser.feed(try stream.received().utf8)
            #expect(events.map(\.data) == (index == 0 ? ["a"] : []))
            let time = try #require(parser.reconnectionTime)
            #expect((1000...2000).contains(time))
            times.insert(time)
            #expect(streams.observer.ends(of: index + 1) == [.shutdown])
            #expect(stream.kernel.closes == [.output])
        }
        #expect(times.count > 1)
    }

    @Test func `all are closed without a word where there is no retry`() throws {
        let opened = try (1...3).map { try streams.open($0) }
        streams.loop.closeAll(reason: .shutdown, retry: nil)
        streams.turn()
        for stream in opened { #expect(try stream.received() == "") }
        #expect(streams.observer.entries.count == 3)
    }

    @Test func `an observer may close others`() throws {
        let opened = try (1...3).map { try streams.open($0) }
        let handles = opened.map(\.handle)
        streams.observer.react { entry in
            if case .closed(_, .server) = entry { for handle in handles { handle.close(.error) } }
        }
        handles[0].close(.server)
        streams.turn()
        #expect(streams.observer.ends(of: 1) == [.server])
        #expect(streams.observer.ends(of: 2) == [.error])
        #expect(streams.observer.ends(of: 3) == [.error])
        streams.pass(.seconds(2))
        #expect(streams.loop.openCount == 0)
    }
}
