import Delivery
import EventStream
import Foundation
import NIOCore
import NIOEmbedded
import Testing

/// Ends that the client or the connection makes.
@Suite struct ChannelLossTests {
    let streams = EmbeddedStreams()

    @Test func `a client that finishes is gone, once`() throws {
        let stream = try streams.open()
        stream.clientFinishes()
        stream.clientFinishes()
        #expect(!stream.channel.isActive)
        streams.turn()
        #expect(streams.observer.entries == [.closed(1, .client)])
        #expect(stream.handle.send("x") == .closed)
        #expect(streams.loop.openCount == 0)
    }

    @Test func `a channel that closes is gone, once`() throws {
        let stream = try streams.open()
        stream.channel.close(promise: nil)
        streams.turn()
        #expect(streams.observer.entries == [.closed(1, .client)])
        #expect(stream.handle.send("x") == .closed)
    }

    @Test func `an error closes the channel`() throws {
        let stream = try streams.open()
        stream.channel.pipeline.fireErrorCaught(ChannelError.inputClosed)
        streams.turn()
        #expect(!stream.channel.isActive)
        #expect(streams.observer.entries == [.closed(1, .client)])
    }

    @Test(arguments: [(false, .client), (true, .slow)] as [(Bool, CloseReason)])
    func `a time-out of the connection is the client's fault while something waits`(waits: Bool, reason: CloseReason)
        throws
    {
        let stream = try streams.open()
        if waits {
            stream.kernel.fill()
            stream.handle.send("data: a\n\n")
            streams.turn()
        }
        stream.channel.pipeline.fireErrorCaught(IOError(errnoCode: ETIMEDOUT, reason: "read"))
        streams.turn()
        #expect(!stream.channel.isActive)
        #expect(streams.observer.entries == [.closed(1, reason)])
    }

    @Test func `a connection that fails under a flush is gone, once`() throws {
        let stream = try streams.open()
        stream.handle.send("data: a\n\n")
        stream.kernel.onFlush = { context in context.close(promise: nil) }
        streams.turn()
        #expect(streams.observer.entries == [.closed(1, .client)])
        #expect(stream.handle.ledger.bufferedBytes == 0)
    }

    @Test func `the end takes the stream's timers along`() throws {
        let stream = try streams.open(limits: StreamLimits(pingInterval: .seconds(1), lifetime: .seconds(5)))
        stream.clientFinishes()
        streams.pass(.seconds(100))
        #expect(streams.observer.entries == [.closed(1, .client)])
        #expect(streams.loop.timers.count == 0)
    }

    @Test(arguments: [false, true]) func `a channel that has closed already becomes no stream`(_ turns: Bool) throws {
        let channel = try streams.makeChannel()
        channel.close(promise: nil)
        if turns { streams.turn() }
        var closed = 0
        streams.loop.onStreamClosed { closed += 1 }
        let ledger = StreamLedger(maxBufferedBytes: 100)
        streams.loop.adopt(channel, as: 7, ledger: ledger, limits: StreamLimits(), retry: 5)
        streams.turn()
        #expect(streams.observer.entries == [.closed(7, .client)])
        #expect(!ledger.isOpen)
        #expect(ledger.bufferedBytes == 0)
        #expect(streams.loop.openCount == 0)
        #expect(streams.loop.timers.count == 0)
        #expect(closed == 1)
    }

    @Test func `a stream that was never opened is closed by its client`() {
        let ledger = StreamLedger(maxBufferedBytes: 100)
        streams.loop.neverOpened(3, ledger: ledger)
        #expect(!ledger.isOpen)
        #expect(streams.observer.entries == [.closed(3, .client)])
    }

    @Test func `a stream is open until its channel has closed`() throws {
        var counts: [Int] = []
        let loop = streams.loop
        loop.onStreamClosed { counts.append(loop.openCount) }
        let opened = try (1...3).map { try streams.open($0) }
        #expect(loop.openCount == 3)
        opened[0].clientFinishes()
        #expect(counts == [2])
        opened[1].handle.close(.server)
        streams.turn()
        #expect(loop.openCount == 2)
        opened[1].clientFinishes()
        opened[2].channel.close(promise: nil)
        streams.turn()
        #expect(counts == [2, 1, 0])
        loop.onStreamClosed {}
    }

    @Test func `an abort closes open streams and ending ones at once`() throws {
        let opened = try (1...3).map { try streams.open($0) }
        opened[1].handle.close(.server)
        opened[2].kernel.fill()
        opened[2].handle.send("data: a\n\n")
        streams.turn()
        opened[2].handle.close(.inactive)
        streams.loop.abortAll()
        streams.turn()
        for stream in opened { #expect(!stream.channel.isActive) }
        #expect(streams.loop.openCount == 0)
        #expect(streams.observer.ends(of: 2) == [.server])
        #expect(streams.observer.ends(of: 3) == [.inactive])
        #expect(streams.observer.ends(of: 1) == [.shutdown])
        #expect(streams.loop.timers.count == 0)
    }
}
