import Delivery
import EventStream
import NIOCore
import NIOEmbedded
import TestClock
import Testing

/// What streams do by the clock alone.
@Suite struct ChannelClockTests {
    let streams = EmbeddedStreams()

    @Test func `a heartbeat goes out after the quiet interval`() throws {
        let stream = try streams.open(limits: StreamLimits(pingInterval: .seconds(15)))
        streams.pass(.seconds(14))
        #expect(try stream.received() == "")
        streams.pass(.seconds(1))
        #expect(try stream.received() == ":\n")
        #expect(stream.handle.ledger.bufferedBytes == 0)
        #expect(stream.handle.ledger.eventsSent == 0)
        streams.pass(.seconds(10))
        stream.handle.send("data: a\n\n")
        streams.pass(.seconds(14))
        #expect(try stream.received() == "data: a\n\n")
        streams.pass(.seconds(1))
        #expect(try stream.received() == ":\n")
    }

    @Test func `a client that is behind gets no heartbeat`() throws {
        let stream = try streams.open(limits: StreamLimits(pingInterval: .seconds(15)))
        stream.kernel.fill()
        stream.handle.send("data: a\n\n")
        streams.turn()
        for _ in 0..<5 { streams.pass(.seconds(15)) }
        #expect(stream.handle.ledger.bufferedBytes == 9)
        stream.kernel.drain()
        streams.turn()
        #expect(try stream.received() == "data: a\n\n")
        streams.pass(.seconds(15))
        #expect(try stream.received() == ":\n")
    }

    @Test func `without events the stream is inactive, whatever the heartbeat`() throws {
        let stream = try streams.open(limits: StreamLimits(pingInterval: .seconds(15), inactivity: .seconds(40)))
        streams.pass(.seconds(20))
        stream.handle.send(": a comment\n", isEvent: false)
        streams.pass(.seconds(19))
        #expect(streams.observer.entries == [])
        streams.pass(.seconds(1))
        #expect(streams.observer.entries == [.closed(1, .inactive)])
        #expect(stream.kernel.closes == [.output])
        streams.pass(.seconds(2))
        #expect(!stream.channel.isActive)
    }

    @Test func `events keep it active, for one or for all`() throws {
        let stream = try streams.open(limits: StreamLimits(pingInterval: nil, inactivity: .seconds(40)))
        streams.pass(.seconds(30))
        stream.handle.send("data: a\n\n")
        streams.pass(.seconds(30))
        streams.loop.broadcast(ByteBuffer(string: "data: b\n\n"))
        streams.pass(.seconds(39))
        #expect(streams.observer.entries == [])
        streams.pass(.seconds(1))
        #expect(streams.observer.entries == [.closed(1, .inactive)])
    }

    @Test func `a lifetime ends between events`() throws {
        let stream = try streams.open(limits: StreamLimits(lifetime: .seconds(100)))
        streams.pass(.seconds(99))
        stream.handle.send("data: a\n\n")
        streams.clock.advance(by: .seconds(1))
        streams.turn()
        #expect(try stream.received().hasSuffix("data: a\n\n"))
        #expect(streams.observer.entries == [.closed(1, .lifetime)])
        #expect(stream.kernel.closes == [.output])
    }

    @Test func `a thousand streams beat on one wake-up`() throws {
        let opened = try (1...1000).map { try streams.open($0, limits: StreamLimits(pingInterval: .seconds(15))) }
        #expect(streams.loop.timers.count == 1000)
        streams.pass(.seconds(15))
        for stream in opened { #expect(try stream.received() == ":\n") }
        #expect(streams.loop.timers.count == 1000)
    }

    /// All deadlines fall on one tick, so each timer meets what the ones before it have done.
    @Test func `one stream's end may close others whose time has come too`() throws {
        let opened = try (1...3).map { try streams.open($0, limits: StreamLimits(lifetime: .seconds(5))) }
        for stream in opened.dropFirst() {
            stream.kernel.fill()
            stream.handle.send("data: a\n\n")
        }
        streams.turn()
        let handles = opened.map(\.handle)
        streams.observer.react { entry in
            if entry == .closed(1, .lifetime) { for handle in handles { handle.close(.shutdown) } }
        }
        streams.pass(.seconds(5))
        for stream in opened.dropFirst() {
            stream.kernel.drain()
            streams.turn()
            stream.clientFinishes()
        }
        streams.pass(.seconds(60))
        #expect(streams.observer.entries == [.closed(1, .lifetime), .closed(2, .shutdown), .closed(3, .shutdown)])
        #expect(streams.loop.timers.count == 0)
    }
}
