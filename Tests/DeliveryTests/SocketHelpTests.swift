import Delivery
import EventStream
import NIOCore
import TestClock
import Testing

/// What an event loop asks for itself of a socket loop whose thread waits.
@Suite(.timeLimit(.minutes(5))) struct SocketHelpTests {
    private func event(_ data: String) -> StreamFrame { StreamFrame(ByteBuffer(string: "data: \(data)\n\n")) }

    @Test func `the first that is little is done by the loop that asked for it, at once`() async throws {
        try await SocketStreams.run(.sockets) { streams in
            let stream = try await streams.open()
            // The thread may still be at work when it is asked, and do it.
            var atOnce = 0
            for number in 0..<200 {
                atOnce += try await streams.eventLoop.submit {
                    stream.handle.send("data: \(number)\n\n")
                    return stream.handle.ledger.bufferedBytes == 0 ? 1 : 0
                }.get()
            }
            #expect(atOnce > 20)
            let sent = (0..<200).map { "\($0)" }
            #expect(try await stream.client.events(until: "199").map(\.data) == sent)
        }
    }

    @Test func `what two loops and other threads ask for keeps the order of each`() async throws {
        try await SocketStreams.run(.sockets) { streams in
            let limits = StreamLimits(pingInterval: nil, maxBufferedBytes: 1 << 24)
            var opened: [SocketStreams.Stream] = []
            for id in 1...3 { opened.append(try await streams.open(id, limits: limits)) }
            let (handles, loop) = (opened.map(\.handle), streams.loop)
            for handle in handles { loop.join(handle.id, to: 7, replay: []) }
            let count = 400
            await withTaskGroup(of: Void.self) { group in
                for (name, helper) in [("one", streams.eventLoop), ("other", streams.helper)] {
                    group.addTask {
                        for number in 0..<count {
                            // Three writes are little, nine are not.
                            _ = try? await helper.submit {
                                for part in 0..<(number % 3 + 1) {
                                    loop.publish(event("\(name) \(number * 4 + part)"), to: 7, members: 3)
                                }
                                for handle in handles { handle.send("data: \(name) \(number * 4 + 3)\n\n") }
                            }.get()
                        }
                    }
                }
                group.addTask {
                    for number in 0..<count {
                        for handle in handles { handle.send("data: thread \(number)\n\n") }
                        if number % 50 == 0 { await Task.yield() }
                    }
                }
            }
            let wanted = (0..<count).flatMap { number in ((0..<(number % 3 + 1)) + [3]).map { number * 4 + $0 } }
            for stream in opened {
                stream.handle.send("data: last\n\n")
                let got = try await stream.client.events(until: "last").map { $0.data.split(separator: " ") }
                for name in ["one", "other"] { #expect(got.filter { $0[0] == name }.map { Int($0[1]) } == wanted) }
                #expect(got.filter { $0[0] == "thread" }.map { Int($0[1]) } == Array(0..<count))
            }
        }
    }

    @Test func `a loop that helps closes, and loses clients, like the thread`() async throws {
        try await SocketStreams.run(.sockets) { streams in
            for id in 1...60 {
                let stream = try await streams.open(id)
                // Each in a turn of its own, so that neither is left to the thread.
                streams.eventLoop.execute { stream.handle.send("data: \(id)\n\n") }
                try await streams.turn()
                if id % 3 == 0 { streams.eventLoop.execute { stream.handle.close(.server) } }
                if id % 3 == 1 { try await stream.client.reset() }
                if id % 3 == 2 { try await stream.client.finish() }
                let reason = try await streams.observer.end(of: id)
                #expect(reason == (id % 3 == 0 ? .server : .client))
                guard id % 3 == 0 else { continue }
                #expect(try await stream.client.wholeText().text.hasSuffix("data: \(id)\n\n"))
                try await stream.client.finish()
            }
            try await streams.released()
            for id in 1...60 { #expect(streams.observer.ends(of: id).count == 1) }
        }
    }

    /// Who notices that the client is gone differs: the thread, or the write.
    @Test func `a publication to a group whose only member is just leaving ends that member, once`() async throws {
        try await SocketStreams.run(.sockets) { streams in
            for id in 1...100 {
                let stream = try await streams.open(id)
                streams.loop.join(id, to: 7, replay: [])
                try await streams.turn()
                stream.client.channel.closeFuture.whenComplete { _ in
                    streams.eventLoop.execute {
                        for number in 0..<3 {
                            streams.loop.publish(event("\(number)"), to: 7, members: 1)
                            streams.eventLoop.execute { streams.loop.publish(event("later"), to: 7, members: 1) }
                        }
                    }
                }
                try await stream.client.reset()
                #expect(try await streams.observer.end(of: id) == .client)
            }
            try await streams.released()
            for id in 1...100 { #expect(streams.observer.ends(of: id).count == 1) }
        }
    }

    @Test func `a loop that has ended takes no help`() async throws {
        try await SocketStreams.run(.sockets) { streams in
            let stream = try await streams.open()
            let ended = streams.eventLoop.makePromise(of: Void.self)
            streams.eventLoop.execute {
                stream.handle.send("data: x\n\n")
                streams.sockets!.end(ended)
                stream.handle.send("data: y\n\n")
            }
            try await ended.futureResult.get()
            streams.eventLoop.execute { streams.loop.send(event("z"), to: 1) }
            try await streams.eventLoop.submit {}.get()
            #expect(streams.observer.ends(of: 1) == [.shutdown])
        }
    }
}
