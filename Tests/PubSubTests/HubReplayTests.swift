import Delivery
import NIOCore
import PubSub
import Testing

/// What streams get of the past.
@Suite struct HubReplayTests {
    let bench = HubBench()

    /// Publishes to a, b, a, c, b, a: numbers 1 to 6.
    private func publishSix() {
        bench.publish(to: "a", "b", "a", "c", "b", "a")
        bench.clear()
    }

    private func reset(_ oldest: Int?) -> String { "event: stream-reset\ndata:\(oldest.map { " p-\($0)" } ?? "")\n\n" }

    private func narrow(_ channels: String...) {
        for channel in channels { bench.broker.rules.set(Array(channel.utf8), HistoryRule(count: 1)) }
    }

    // MARK: before the head is out

    @Test func `the past of all channels waits for the head, and comes in one order`() {
        publishSix()
        bench.join(1, "c", .after("p-1"), isOpening: true)
        bench.join(1, "a", .after("p-1"), isOpening: true)
        bench.join(1, "b", .after("p-1"), isOpening: true)
        #expect(bench.loop.calls() == [])
        bench.hub.opened(1)
        let past = (2...6).map { frame($0) }
        #expect(bench.loop.calls() == [.join(1, 101, past), .join(1, 102, []), .join(1, 103, [])])
        bench.hub.opened(1)
        #expect(bench.loop.calls() == [])
    }

    @Test func `what is published meanwhile is held, once, and afterwards it is live`() {
        bench.join(1, "a", isOpening: true)
        bench.join(2, "a")
        bench.join(3, "b", isOpening: true)
        bench.clear()
        bench.publish(to: "a")
        #expect(bench.observer.calls() == [.hold(frame(1), 1), .published("p-1")])
        #expect(bench.loop.calls() == [.publish(frame(1), 101)])
        bench.hub.opened(1)
        #expect(bench.loop.calls() == [.join(1, 101, [])])
        bench.publish(to: "a")
        #expect(bench.observer.calls() == [.published("p-2")])
        #expect(bench.loop.calls() == [.publish(frame(2), 101)])
    }

    @Test func `without open members a loop gets nothing`() {
        bench.join(1, "a", isOpening: true)
        bench.publish(to: "a")
        #expect(bench.loop.calls() == [])
    }

    @Test(arguments: [false, true]) func `who goes before its head is out never was on a loop`(isClosed: Bool) {
        publishSix()
        bench.join(1, "a", .newest(3), isOpening: true)
        if isClosed { bench.hub.closed(1) } else { #expect(bench.hub.leave(1, name("a"))) }
        _ = bench.observer.calls()
        bench.hub.opened(1)
        bench.publish(to: "a")
        #expect(bench.loop.calls() == [])
        #expect(bench.observer.calls() == [])
    }

    @Test func `a channel that is left before the head is out is not replayed`() {
        publishSix()
        bench.join(1, "a", .after("p-1"), isOpening: true)
        bench.join(1, "b", .after("p-1"), isOpening: true)
        _ = bench.hub.leave(1, name("a"))
        bench.hub.opened(1)
        #expect(bench.loop.calls() == [.join(1, 102, [frame(2), frame(5)])])
    }

    @Test func `one that is left and joined again is replayed once`() {
        publishSix()
        bench.join(1, "b", isOpening: true)
        bench.join(1, "a", .after("p-1"), isOpening: true)
        _ = bench.hub.leave(1, name("a"))
        bench.join(1, "a", .after("p-1"), isOpening: true)
        bench.hub.opened(1)
        #expect(bench.loop.calls() == [.join(1, 101, [frame(3), frame(6)]), .join(1, 103, [])])
    }

    @Test func `what is held of a channel that is left before the head is out is let go of`() {
        bench.join(1, "a", isOpening: true)
        bench.publish(to: "a")
        _ = bench.observer.calls()
        _ = bench.hub.leave(1, name("a"))
        #expect(bench.observer.calls().first == .letGo("a", 1))
    }

    @Test func `a stream that opens gets snapshots first, then the past, then what was published meanwhile`() {
        bench.publish(to: "b", "a")
        bench.clear()
        bench.join(1, "b", .newest(1), isOpening: true, first: ["three"])
        bench.join(1, "a", .newest(1), isOpening: true, first: ["one", "two"])
        bench.publish(to: "a")
        let held = bench.observer.calls().filter { if case .hold = $0 { true } else { false } }
        #expect(held == [.hold(frame(3), 1)])
        bench.hub.opened(1)
        guard case .join(1, _, let replay)? = bench.loop.calls().first else {
            Issue.record("it did not join")
            return
        }
        #expect(replay == ["three", "one", "two", frame(1), frame(2)])
    }

    @Test func `a gap is told for each channel, and said once before all else`() {
        narrow("a", "b")
        bench.publish(to: "c", "a", "b", "a", "b")
        bench.clear()
        for channel in ["b", "c", "a"] { bench.join(1, channel, .after("p-1"), isOpening: true) }
        #expect(
            bench.observer.calls() == [
                .occupied("b"), .gap(1, "b"), .subscribed(1, "b"), .occupied("c"), .subscribed(1, "c"),
                .occupied("a"), .gap(1, "a"), .subscribed(1, "a"),
            ])
        bench.hub.opened(1)
        guard case .join(1, 101, let replay)? = bench.loop.calls().first else {
            Issue.record("it did not join its first channel first")
            return
        }
        #expect(replay.count == 3)
        #expect(replay[0].hasPrefix("event: stream-reset\ndata: p-"))
        #expect(Array(replay.dropFirst()) == [frame(4), frame(5)])
    }

    @Test(arguments: [(1, 3), (0, nil)] as [(Int, Int?)])
    func `a gap names the oldest that is kept, or nothing`(count: Int, oldest: Int?) {
        bench.broker.rules.set([97], HistoryRule(count: count))
        bench.publish(to: "a", "a", "a")
        bench.join(1, "a", .after("p-1"), isOpening: true)
        bench.hub.opened(1)
        bench.join(2, "a", .after("p-1"))
        let past = [reset(oldest)] + (oldest.map { [frame($0)] } ?? [])
        #expect(bench.loop.calls() == [.join(1, 101, past), .join(2, 101, past)])
    }

    // MARK: open streams

    @Test func `an open stream without channels gets the past at once, with ids`() {
        publishSix()
        bench.join(1, "a", .after("p-1"), first: ["first"])
        bench.join(2, "a", .newest(1))
        bench.join(3, "a")
        #expect(
            bench.loop.calls() == [
                .join(1, 101, ["first", frame(3), frame(6)]), .join(2, 101, [frame(6)]), .join(3, 101, []),
            ])
    }

    @Test func `one that has had newer publications gets the older ones without ids`() {
        publishSix()
        bench.join(1, "a")
        bench.publish(to: "a")
        bench.publish(to: "b", id: "mine")
        bench.clear()
        bench.join(1, "b", .newest(10))
        #expect(bench.loop.calls() == [.join(1, 102, ["data: 2\n\n", "data: 5\n\n", "id: mine\ndata: 8\n\n"])])
    }

    @Test func `what a channel had before the stream joined it is nothing that the stream has had`() {
        bench.join(2, "a")
        publishSix()
        bench.join(1, "a")
        bench.clear()
        bench.join(1, "b", .newest(1))
        #expect(bench.loop.calls() == [.join(1, 102, [frame(5)])])
    }

    @Test func `so does one that was opened with channels`() {
        publishSix()
        bench.join(1, "a", .newest(1), isOpening: true)
        bench.hub.opened(1)
        bench.join(1, "b", .newest(1))
        #expect(bench.loop.calls() == [.join(1, 101, [frame(6)]), .join(1, 102, ["data: 5\n\n"])])
    }

    @Test func `so does one that has left all its channels, and has newer ids from them`() {
        publishSix()
        bench.join(1, "a", .newest(1))
        _ = bench.hub.leave(1, name("a"))
        bench.clear()
        bench.join(1, "b", .newest(1))
        #expect(bench.loop.calls() == [.join(1, 102, ["data: 5\n\n"])])
    }

    @Test(
        arguments: [
            (.after("p-1"), []), (.newest(10), ["id: p-3\ndata: 3\n\n"]), (.now, []),
        ] as [(ResumePoint, [String])])
    func `one that joins a channel again has missed nothing, and may ask for what it has not had`(
        point: ResumePoint, past: [String]
    ) {
        bench.publish(to: "a")
        bench.join(1, "a", .newest(10))
        bench.publish(to: "a")
        _ = bench.hub.leave(1, name("a"))
        bench.publish(to: "a")
        bench.clear()
        bench.join(1, "a", point)
        #expect(bench.loop.calls() == [.join(1, 102, past)])
    }

    @Test func `what one stream is replayed is nothing that another has had`() {
        publishSix()
        bench.join(1, "a")
        bench.join(2, "a", .newest(10))
        bench.clear()
        bench.join(1, "b", .newest(1))
        _ = bench.hub.leave(1, name("a"))
        bench.join(1, "a", .newest(1))
        #expect(
            bench.loop.calls() == [
                .join(1, 102, [frame(5)]), .leave(1, 101), .join(1, 101, [frame(6)]),
            ])
    }

    @Test func `however often it leaves`() {
        bench.join(1, "a")
        bench.publish(to: "a", "a")
        for _ in 0..<2 {
            _ = bench.hub.leave(1, name("a"))
            bench.clear()
            bench.join(1, "a", .newest(10))
        }
        guard case .join(1, _, let past)? = bench.loop.calls().last else {
            Issue.record("it did not join")
            return
        }
        #expect(past == [])
    }

    @Test func `what was only held for a stream is nothing that it has had`() {
        bench.join(1, "a", isOpening: true)
        bench.publish(to: "a")
        _ = bench.hub.leave(1, name("a"))
        bench.hub.opened(1)
        bench.clear()
        bench.join(1, "a", .newest(1))
        #expect(bench.loop.calls() == [.join(1, 102, [frame(1)])])
    }

    @Test func `what a stream had before it left does not come again, live or replayed`() {
        publishSix()
        bench.join(1, "a", .after("p-1"))
        _ = bench.hub.leave(1, name("a"))
        bench.clear()
        bench.join(1, "a", .after("p-1"))
        #expect(bench.loop.calls() == [.join(1, 102, [])])
    }

    @Test func `a gap of an open stream is said first and told once`() {
        narrow("a")
        bench.publish(to: "a", "a", "a")
        bench.clear()
        bench.join(1, "a", .after("p-1"), first: ["first"])
        #expect(bench.loop.calls() == [.join(1, 101, [reset(3), "first", frame(3)])])
        #expect(bench.observer.calls() == [.occupied("a"), .gap(1, "a"), .subscribed(1, "a")])
    }

    @Test func `what is replayed is not live, and what is live is not replayed`() {
        bench.publish(to: "a")
        bench.join(1, "a", .newest(10), isOpening: true)
        bench.publish(to: "a")
        bench.hub.opened(1)
        bench.publish(to: "a")
        bench.join(2, "a", .newest(10))
        bench.publish(to: "a")
        #expect(
            bench.loop.calls() == [
                .join(1, 101, [frame(1)]), .publish(frame(3), 101), .join(2, 101, [frame(1), frame(2), frame(3)]),
                .publish(frame(4), 101),
            ])
        #expect(bench.observer.calls().filter { $0 == .hold(frame(2), 1) }.count == 1)
    }
}
