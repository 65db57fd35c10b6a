import Delivery
import EventStream
import NIOCore
import TestClock
import Testing

@Suite(.timeLimit(.minutes(5))) struct SocketClosingTests {
    static let kinds = SocketStreams.Kind.allCases

    /// More than the buffers of both sides take.
    private static let long = "data: " + String(repeating: "x", count: 8_000_000) + "\n\n"
    private static let roomy = StreamLimits(pingInterval: nil, maxBufferedBytes: 1 << 30)
    private static let junk = ByteBuffer(repeating: UInt8(ascii: "j"), count: 50_000)

    @Test(arguments: kinds) func `a FIN from the client ends the stream, once`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open()
            try await stream.client.finish()
            #expect(try await streams.observer.end(of: 1) == .client)
            try await streams.released()
            try await streams.turn()
            #expect(streams.observer.entries == [.closed(1, .client)])
            #expect(stream.handle.send("data: x\n\n") == .closed)
        }
    }

    @Test(arguments: kinds) func `an RST from the client ends the stream, once`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open()
            _ = try await stream.client.text(ofAtLeast: 2)
            try await stream.client.reset()
            #expect(try await streams.observer.end(of: 1) == .client)
            try await streams.released()
            try await streams.turn()
            #expect(streams.observer.entries == [.closed(1, .client)])
        }
    }

    /// Which of the two is noticed first differs from one to the next.
    @Test(arguments: 0..<60) func `a stream that is closed while its client resets it is over, once`(_: Int)
        async throws
    {
        try await SocketStreams.run(.sockets) { streams in
            let stream = try await streams.open()
            _ = try await stream.client.text(ofAtLeast: 2)
            async let reset: Void = stream.client.reset()
            stream.handle.send("data: x\n\n")
            stream.handle.close(.server)
            try await reset
            _ = try await streams.observer.end(of: 1)
            try await streams.turn()
            #expect(streams.observer.entries.count == 1)
        }
    }

    @Test(arguments: kinds) func `an RST while the client is behind ends the stream, once`(kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            stream.handle.send(Self.long)
            stream.handle.send("data: more\n\n")
            try await streams.turn()
            try await stream.client.reset()
            #expect(try await streams.observer.end(of: 1) == .client)
            try await streams.released()
            try await streams.turn()
            #expect(streams.observer.entries == [.closed(1, .client)])
            #expect(stream.handle.ledger.bufferedBytes == 0)
        }
    }

    @Test(arguments: kinds) func `a FIN from a client that is behind cuts no event in two`(kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            stream.handle.send(Self.long)
            try await streams.turn()
            try await stream.client.finish()
            #expect(try await streams.observer.end(of: 1) == .client)
            await stream.client.startReading()
            let (text, end) = try await stream.client.wholeText()
            #expect(end == .reset)
            #expect(text.utf8.count < Self.long.utf8.count)
        }
    }

    @Test(arguments: kinds) func `what the client sends is dropped`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open()
            for _ in 0..<20 { try await stream.client.send(Self.junk) }
            stream.handle.send("data: last\n\n")
            #expect(try await stream.client.events(until: "last") == [MessageEvent(data: "last")])
            #expect(streams.observer.entries == [])
        }
    }

    @Test(arguments: [false, true], kinds)
    func `a close lets the client read all and then the end`(_ clientTalks: Bool, kind: SocketStreams.Kind) async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            stream.handle.send(Self.long)
            stream.handle.send("data: last\n\n")
            stream.handle.close(.server)
            try await streams.turn()
            #expect(streams.observer.entries == [])
            if clientTalks { try await stream.client.send(Self.junk) }
            await stream.client.startReading()
            let (text, end) = try await stream.client.wholeText()
            #expect(end == .eof)
            let isWhole = text == ":\n" + Self.long + "data: last\n\n"
            #expect(isWhole)
            #expect(try await streams.observer.end(of: 1) == .server)
            // Our side is shut down; what still comes is no reason for a reset.
            if clientTalks { for _ in 0..<10 { try await stream.client.send(Self.junk) } }
            #expect(try await streams.isHolding())
            try await stream.client.finish()
            try await streams.released()
            #expect(streams.observer.entries == [.closed(1, .server)])
            #expect(stream.handle.ledger.bufferedBytes == 0)
        }
    }

    @Test(arguments: kinds) func `a stream that is closed gets nothing more of its channels`(kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            for group in [7, 8] { streams.loop.join(1, to: group, replay: []) }
            stream.handle.send(Self.long)
            try await streams.turn()
            stream.handle.send("data: last\n\n")
            stream.handle.close(.server)
            for group in [7, 8] {
                streams.loop.publish(StreamFrame(ByteBuffer(string: "data: late\n\n")), to: group, members: 1)
            }
            try await streams.turn()
            await stream.client.startReading()
            let (text, end) = try await stream.client.wholeText()
            #expect(end == .eof)
            #expect(text.hasSuffix("x\n\ndata: last\n\n"))
            #expect(try await streams.observer.end(of: 1) == .server)
        }
    }

    @Test(arguments: kinds) func `who takes a part of what a close left has the time anew`(
        kind: SocketStreams.Kind
    ) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            for _ in 0..<8 { stream.handle.send(Self.long) }
            stream.handle.close(.server)
            try await streams.turn()
            for step in 1...5 {
                streams.clock.advance(by: .seconds(6))
                // So much that the kernel's buffers must have asked for more.
                let taken = step * Self.long.utf8.count
                while stream.client.received.value.bytes.readableBytes < taken {
                    stream.client.channel.read()
                    try await stream.client.channel.eventLoop.submit {}.get()
                }
                try await streams.turn()
            }
            #expect(streams.observer.entries == [])
            await stream.client.startReading()
            let (text, end) = try await stream.client.wholeText()
            #expect(end == .eof)
            #expect(text.utf8.count == 2 + 8 * Self.long.utf8.count)
            try await stream.client.finish()
            try await streams.released()
        }
    }

    @Test func `a close over bytes from the client that nobody read is no reset`() async throws {
        try await SocketStreams.run(.channels) { streams in
            let stream = try await streams.open()
            _ = try await stream.client.text(ofAtLeast: 2)
            let channel = try #require(stream.channel)
            try await streams.eventLoop.flatSubmit { channel.setOption(.autoRead, value: false) }.get()
            try await stream.client.send(Self.junk)
            stream.handle.send("data: last\n\n")
            stream.handle.close(.server)
            try await channel.setOption(.autoRead, value: true).get()
            let (text, end) = try await stream.client.wholeText()
            #expect(text == ":\ndata: last\n\n")
            #expect(end == .eof)
            try await stream.client.finish()
            try await streams.released()
        }
    }

    @Test(arguments: kinds) func `a client that never closes its side has two seconds`(kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open()
            stream.handle.close(.server)
            let (_, end) = try await stream.client.wholeText()
            #expect(end == .eof)
            streams.clock.advance(by: .milliseconds(1999))
            try await streams.turn()
            #expect(try await streams.isHolding())
            streams.clock.advance(by: .milliseconds(1))
            try await streams.released()
            #expect(streams.observer.entries == [.closed(1, .server)])
        }
    }

    @Test(arguments: kinds) func `a client that takes nothing of its last events for ten seconds is reset`(
        kind: SocketStreams.Kind
    ) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: Self.roomy, reads: false)
            stream.handle.send(Self.long)
            stream.handle.close(.server)
            try await streams.turn()
            // The client's kernel may take a little by itself, but not for long.
            for _ in 0..<10 {
                streams.clock.advance(by: .seconds(10))
                try await streams.turn()
            }
            #expect(try await streams.observer.end(of: 1) == .server)
            await stream.client.startReading()
            let (text, end) = try await stream.client.wholeText()
            #expect(end == .reset)
            #expect(text.utf8.count < Self.long.utf8.count)
        }
    }

    @Test(arguments: kinds) func `all are closed, each told when to come back`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            var opened: [SocketStreams.Stream] = []
            for id in 1...5 { opened.append(try await streams.open(id)) }
            streams.loop.broadcast(ByteBuffer(string: "data: a\n\n"))
            streams.loop.closeAll(reason: .shutdown, retry: 3000...4000)
            for stream in opened {
                let (text, end) = try await stream.client.wholeText()
                #expect(end == .eof)
                var parser = EventParser()
                #expect(parser.feed(text.utf8) == [MessageEvent(data: "a")])
                #expect((3000...4000).contains(try #require(parser.reconnectionTime)))
                #expect(try await streams.observer.end(of: stream.id) == .shutdown)
                try await stream.client.finish()
            }
            try await streams.released()
        }
    }

    @Test(arguments: kinds) func `an abort cuts no event in two`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let idle = try await streams.open(1)
            let behind = try await streams.open(2, limits: Self.roomy, reads: false)
            behind.handle.send(Self.long)
            behind.handle.close(.server)
            try await streams.turn()
            try await streams.abortAll()
            #expect(try await idle.client.wholeText().end == .eof)
            await behind.client.startReading()
            #expect(try await behind.client.wholeText().end == .reset)
            #expect(streams.observer.ends(of: 1) == [.shutdown])
            #expect(streams.observer.ends(of: 2) == [.server])
        }
    }
}
