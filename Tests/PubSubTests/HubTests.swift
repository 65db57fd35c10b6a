import Delivery
import NIOCore
import PubSub
import Testing

@Suite struct HubTests {
    let bench = HubBench()

    // MARK: members

    @Test func `who joins is a member until it leaves`() {
        #expect(bench.join(2, "a"))
        #expect(bench.join(1, "a"))
        #expect(bench.join(2, "b"))
        #expect(!bench.join(2, "a"))
        #expect(bench.hub.members(of: name("a")) == [1, 2])
        #expect(bench.hub.count(name("a")) == 2)
        #expect(bench.hub.channels(of: 2) == [name("a"), name("b")])
        #expect(bench.hub.isMember(2, of: name("b")))
        #expect(!bench.hub.isMember(1, of: name("b")))
        #expect(bench.hub.leave(2, name("a")))
        #expect(!bench.hub.leave(2, name("a")))
        #expect(!bench.hub.leave(7, name("a")))
        #expect(!bench.hub.leave(1, name("nobody's")))
        #expect(bench.hub.members(of: name("a")) == [1])
        #expect(bench.hub.channels(of: 2) == [name("b")])
        bench.hub.closed(2)
        #expect(bench.hub.count(name("b")) == 0)
        #expect(bench.hub.channels(of: 2) == [])
    }

    @Test func `comings and goings are told once each, the channel's around the members'`() {
        bench.join(1, "a")
        bench.join(1, "a")
        bench.join(2, "a", isOpening: true)
        #expect(bench.observer.calls() == [.occupied("a"), .subscribed(1, "a"), .subscribed(2, "a")])
        _ = bench.hub.leave(1, name("a"))
        _ = bench.hub.leave(1, name("a"))
        bench.hub.closed(2)
        bench.hub.closed(2)
        bench.hub.opened(2)
        #expect(bench.observer.calls() == [.unsubscribed(1, "a"), .unsubscribed(2, "a"), .vacated("a")])
        bench.join(3, "a")
        #expect(bench.observer.calls() == [.occupied("a"), .subscribed(3, "a")])
    }

    @Test func `a stream that is over leaves all its channels, and its loop is not told`() {
        bench.join(1, "a")
        bench.join(1, "b")
        bench.join(2, "b")
        bench.clear()
        bench.hub.closed(1)
        #expect(
            bench.observer.calls() == [.unsubscribed(1, "a"), .vacated("a"), .unsubscribed(1, "b")])
        #expect(bench.loop.calls() == [])
        #expect(bench.hub.members(of: name("b")) == [2])
    }

    @Test func `a channel that is watched tells of its publications, with members and without`() {
        bench.publish(to: "a")
        bench.hub.watch(name("a"))
        bench.publish(to: "a", "b")
        bench.join(1, "a")
        bench.publish(to: "a")
        _ = bench.hub.leave(1, name("a"))
        bench.publish(to: "a")
        let told = bench.observer.calls().filter { if case .published = $0 { true } else { false } }
        #expect(told == [.published("p-2"), .published("p-4"), .published("p-5")])
    }

    @Test func `each channel has a group of its own, that is not used again`() {
        bench.join(1, "a")
        bench.join(1, "b")
        bench.join(2, "a")
        _ = bench.hub.leave(1, name("a"))
        #expect(
            bench.loop.calls() == [.join(1, 101, []), .join(1, 102, []), .join(2, 101, []), .leave(1, 101)])
        _ = bench.hub.leave(2, name("a"))
        bench.join(1, "a")
        #expect(bench.loop.calls() == [.leave(2, 101), .join(1, 103, [])])
    }

    // MARK: publications

    @Test func `a publication goes once to each loop that has members, and to no other`() {
        bench.join(1, "a")
        bench.join(2, "a")
        bench.join(3, "a", on: bench.otherLoop)
        bench.join(4, "b", on: bench.otherLoop)
        bench.clear()
        bench.publish(to: "a", "b", "nobody's")
        #expect(bench.loop.calls() == [.publish(frame(1), 101)])
        #expect(bench.otherLoop.calls() == [.publish(frame(1), 101), .publish(frame(2), 102)])
        #expect(bench.observer.calls() == [.published("p-1"), .published("p-2")])
    }

    @Test(arguments: [false, true]) func `a loop whose last member is gone gets nothing more`(isClosed: Bool) {
        bench.join(1, "a")
        bench.join(2, "a")
        bench.join(3, "a", on: bench.otherLoop)
        func end(_ stream: StreamID) {
            if isClosed { bench.hub.closed(stream) } else { _ = bench.hub.leave(stream, name("a")) }
            bench.clear()
        }
        end(1)
        bench.publish(to: "a")
        #expect(bench.loop.calls() == [.publish(frame(1), 101)])
        end(2)
        bench.publish(to: "a")
        #expect(bench.loop.calls() == [])
        #expect(bench.otherLoop.calls() == [.publish(frame(2), 101)])
        end(3)
        bench.publish(to: "a")
        #expect(bench.otherLoop.calls() == [])
        #expect(bench.observer.calls() == [])
        bench.join(1, "a")
        bench.clear()
        bench.publish(to: "a")
        #expect(bench.loop.calls() == [.publish(frame(4), 102)])
    }

    @Test func `a member that leaves one channel stays in the others`() {
        bench.join(1, "a")
        bench.join(1, "b")
        _ = bench.hub.leave(1, name("a"))
        bench.clear()
        bench.publish(to: "a", "b")
        #expect(bench.loop.calls() == [.publish(frame(2), 102)])
    }
}
