import Delivery
import EventStream
import NIOCore
import TestClock
import Testing

@Suite(.timeLimit(.minutes(5))) struct SocketDeliveryTests {
    static let kinds = SocketStreams.Kind.allCases

    private func event(_ data: String) -> ByteBuffer { ByteBuffer(string: "data: \(data)\n\n") }

    @Test(arguments: [(nil, ":\n"), (1500, ":\nretry: 1500\n")] as [(Int?, String)], kinds)
    func `a client sees the opening at once`(_ opening: (retry: Int?, bytes: String), kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(retry: opening.retry)
            #expect(try await stream.client.text(ofAtLeast: opening.bytes.utf8.count) == opening.bytes)
        }
    }

    @Test(arguments: [nil, .server, .error] as [CloseReason?], kinds)
    func `what is asked of a stream whose connection is on its way is done in order when it comes`(
        _ end: CloseReason?, kind: SocketStreams.Kind
    ) async throws {
        try await SocketStreams.run(kind) { streams in
            let loop = streams.loop
            let stream = try await streams.open { handle in
                handle.send("data: sent\n\n")
                loop.join(1, to: 7, replay: [event("replayed")])
                loop.join(1, to: 8, replay: [])
                loop.publish(StreamFrame(event("published")), to: 7, members: 1)
                loop.leave(1, group: 8)
                loop.publish(StreamFrame(event("left")), to: 8, members: 0)
                loop.broadcast(event("to all"))
                handle.send("data: last\n\n")
                if let end { handle.close(end) }
            }
            let wanted = ["sent", "replayed", "published", "to all", "last"]
            #expect(try await stream.client.events(until: "last").map(\.data) == wanted)
            if let end {
                #expect(try await stream.client.wholeText().end == .eof)
                #expect(try await streams.observer.end(of: 1) == end)
            } else {
                loop.publish(StreamFrame(event("more")), to: 7, members: 1)
                #expect(try await stream.client.events(until: "more").map(\.data) == wanted + ["more"])
            }
            try await streams.turn()
            #expect(stream.handle.ledger.bufferedBytes == 0)
        }
    }

    @Test(arguments: kinds) func `more than the budget in one turn is not too much for a client that reads`(
        kind: SocketStreams.Kind
    ) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: StreamLimits(pingInterval: nil, maxBufferedBytes: 65_536))
            let large = event(String(repeating: "x", count: 30_000))
            for round in 0..<8 {
                // In one turn of the event loop, and most often of a socket loop too.
                streams.eventLoop.execute {
                    for _ in 0..<4 { streams.loop.broadcast(large) }
                    streams.loop.broadcast(event("round \(round)"))
                }
                let got = try await stream.client.events(until: "round \(round)")
                #expect(got.count == (round + 1) * 5)
            }
            #expect(streams.observer.ends(of: 1) == [])
        }
    }

    @Test(arguments: kinds) func `everybody gets every broadcast in order`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            var opened: [SocketStreams.Stream] = []
            for id in 1...20 { opened.append(try await streams.open(id)) }
            let sent = (0..<200).map { "event \($0)" }
            for data in sent { streams.loop.broadcast(event(data)) }
            for stream in opened {
                #expect(try await stream.client.events(until: sent.last!).map(\.data) == sent)
            }
            try await streams.turn()
            for stream in opened {
                #expect(stream.handle.ledger.bufferedBytes == 0)
                #expect(stream.handle.ledger.eventsSent == 200)
            }
        }
    }

    @Test(arguments: kinds) func `calls from other threads keep their order`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let limits = StreamLimits(pingInterval: nil, maxBufferedBytes: 1 << 24)
            let stream = try await streams.open(limits: limits)
            let senders = 4
            let count = 500
            await withTaskGroup(of: Void.self) { group in
                for sender in 0..<senders {
                    group.addTask {
                        for number in 0..<count {
                            // Both ways in go through the same box.
                            if number.isMultiple(of: 3) {
                                streams.loop.broadcast(event("\(sender) \(number)"))
                            } else {
                                stream.handle.send("data: \(sender) \(number)\n\n")
                            }
                        }
                    }
                }
            }
            stream.handle.send("data: last\n\n")
            stream.handle.close(.server)
            let got = try await stream.client.events(until: "last").map { $0.data.split(separator: " ") }
            #expect(got.count == senders * count + 1)
            for sender in 0..<senders {
                #expect(got.filter { $0[0] == "\(sender)" }.map { Int($0[1]) } == Array(0..<count))
            }
        }
    }

    @Test(arguments: kinds) func `what goes out is counted once for each stream`(kind: SocketStreams.Kind) async throws
    {
        try await SocketStreams.run(kind) { streams in
            var opened: [SocketStreams.Stream] = []
            for id in 1...3 { opened.append(try await streams.open(id)) }
            for number in 0..<10 { streams.loop.broadcast(event("\(number)")) }
            opened[0].handle.send("data: more\n\n")
            opened[0].handle.close(.server)
            _ = try await opened[0].client.wholeText()
            for stream in opened.dropFirst() { _ = try await stream.client.events(until: "9") }
            try await streams.turn()
            let tally = streams.observer.tally
            #expect(tally.delivered == 31)
            #expect(tally.dropped == 0)
            #expect((0...28).contains(tally.coalesced))
            // The other loop gets sockets on which that is out.
            let opening = kind == .channels ? 3 * ":\n".utf8.count : 0
            #expect(tally.bytes == 30 * event("0").readableBytes + "data: more\n\n".utf8.count + opening)
        }
    }

    @Test(arguments: kinds) func `a close comes after the broadcasts before it`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open()
            let sent = (0..<100).map { "\($0)" }
            for data in sent { streams.loop.broadcast(event(data)) }
            stream.handle.close(.server)
            streams.loop.broadcast(event("late"))
            _ = try await stream.client.wholeText()
            #expect(stream.client.received.value.events.map(\.data) == sent)
        }
    }

    @Test func `work for a channel loop is done in order with the other calls`() async throws {
        try await SocketStreams.run(.channels) { streams in
            let stream = try await streams.open()
            let before = streams.eventLoop.makePromise(of: [ObserverLog.Entry].self)
            let after = streams.eventLoop.makePromise(of: [ObserverLog.Entry].self)
            let (loop, observer) = (try #require(streams.channels), streams.observer)
            loop.run { before.succeed(observer.entries) }
            stream.handle.close(.server)
            loop.run { after.succeed(observer.entries) }
            #expect(try await before.futureResult.get() == [])
            #expect(try await after.futureResult.get() == [.closed(1, .server)])
        }
    }

    @Test(arguments: kinds) func `a heartbeat goes out when the clock says so`(kind: SocketStreams.Kind) async throws {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: StreamLimits(pingInterval: .seconds(15)))
            for beats in 1...3 {
                streams.clock.advance(by: .seconds(15))
                let expected = String(repeating: ":\n", count: beats + 1)
                #expect(try await stream.client.text(ofAtLeast: expected.utf8.count) == expected)
            }
        }
    }

    @Test(arguments: kinds) func `ten million bytes arrive whole through a small budget`(kind: SocketStreams.Kind)
        async throws
    {
        try await SocketStreams.run(kind) { streams in
            let stream = try await streams.open(limits: StreamLimits(pingInterval: nil, maxBufferedBytes: 1000))
            try await streams.turn()
            let data = String(repeating: "0123456789", count: 1_000_000)
            #expect(stream.handle.send("data: \(data)\n\n") == .admitted)
            try await streams.observer.heard(.drained(1))
            #expect(stream.handle.ledger.bufferedBytes == 0)
            #expect(stream.handle.send("data: last\n\n") == .admitted)
            let expected = ":\ndata: \(data)\n\ndata: last\n\n"
            let isWhole = try await stream.client.text(ofAtLeast: expected.utf8.count) == expected
            #expect(isWhole)
            #expect(streams.observer.entries.count == 2)
        }
    }

    @Test(arguments: kinds) func `a client that does not read is reset, and the others get everything`(
        kind: SocketStreams.Kind
    ) async throws {
        try await SocketStreams.run(kind) { streams in
            let roomy = StreamLimits(pingInterval: nil, maxBufferedBytes: 1 << 30)
            let tight = StreamLimits(pingInterval: nil, maxBufferedBytes: 65_536)
            let slow = try await streams.open(1, limits: tight, reads: false)
            var others: [SocketStreams.Stream] = []
            for id in 2...4 { others.append(try await streams.open(id, limits: roomy)) }
            let sent = (0..<200).map { "\($0) " + String(repeating: "x", count: 10_000) }
            for data in sent { streams.loop.broadcast(event(data)) }
            #expect(try await streams.observer.end(of: 1) == .slow)
            for stream in others {
                #expect(try await stream.client.events(until: sent.last!).map(\.data) == sent)
                #expect(stream.handle.ledger.isOpen)
            }
            #expect(slow.handle.send("data: x\n\n") == .closed)
            await slow.client.startReading()
            let (text, end) = try await slow.client.wholeText()
            #expect(end == .reset)
            #expect(text.utf8.count < 1_000_000)
            #expect(streams.observer.ends(of: 1) == [.slow])
        }
    }
}
