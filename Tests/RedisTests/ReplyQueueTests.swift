import NIOCore
import Testing

@testable import Redis

@Suite struct ReplyQueueTests {
    /// What a queue says of a value, in words.
    private func said(_ queue: inout ReplyQueue, _ value: RESPValue) -> String {
        switch queue.receive(value) {
        case .reply(let reply, let result):
            reply?(result)
            return "reply"
        case .message(let channel, let payload): return "message \(String(buffer: channel)) \(String(buffer: payload))"
        case .subscribed(let channel): return "subscribed \(String(buffer: channel))"
        case .unsubscribed: return "unsubscribed"
        case .subscriptionRefused(let channels, let error): return "refused \(channels.count) \(error.code)"
        case .violation(let reason): return "violation: \(reason)"
        }
    }

    private func push(_ kind: String, _ channel: String, _ rest: RESPValue) -> RESPValue {
        .array([.bulk(kind), .bulk(channel), rest])
    }

    private let two = [ByteBuffer(string: "a"), ByteBuffer(string: "b")]

    @Test func `replies go to who asked, in order, and errors are failures`() {
        var queue = ReplyQueue()
        var got: [Result<RESPValue, RedisError>] = []
        for _ in 0..<2 { queue.expectReply { got.append($0) } }
        queue.expectReply(nil)
        #expect(said(&queue, .integer(1)) == "reply")
        #expect(said(&queue, .error(RESPError("ERR no"))) == "reply")
        #expect(!queue.isEmpty)
        #expect(said(&queue, .null) == "reply")
        #expect(got == [.success(.integer(1)), .failure(.server(RESPError("ERR no")))])
        #expect(queue.isEmpty)
    }

    @Test func `a reply that nobody asked for is a violation`() {
        var queue = ReplyQueue()
        #expect(said(&queue, .simple("OK")) == "violation: a reply that nobody asked for")
        #expect(said(&queue, push("message", "a", .bulk("x"))) == "violation: a reply that nobody asked for")
    }

    @Test func `before the first subscription is confirmed, what looks like a message is a reply`() {
        var queue = ReplyQueue()
        var got: [Result<RESPValue, RedisError>] = []
        queue.expectReply { got.append($0) }
        queue.expectSubscriptions(two)
        #expect(said(&queue, push("message", "a", .bulk("x"))) == "reply")
        #expect(got == [.success(push("message", "a", .bulk("x")))])
    }

    @Test func `messages come between confirmations and pongs`() {
        var queue = ReplyQueue()
        var pongs = 0
        queue.expectSubscriptions(two)
        queue.expectReply { _ in pongs += 1 }
        #expect(said(&queue, push("subscribe", "a", .integer(1))) == "subscribed a")
        #expect(said(&queue, push("message", "a", .bulk("1"))) == "message a 1")
        #expect(said(&queue, push("subscribe", "b", .integer(2))) == "subscribed b")
        #expect(said(&queue, push("message", "b", .bulk("2"))) == "message b 2")
        #expect(said(&queue, .array([.bulk("pong"), .bulk("")])) == "reply")
        #expect(pongs == 1)
        #expect(queue.isEmpty)
        queue.expectUnsubscriptions(2)
        #expect(said(&queue, push("unsubscribe", "a", .integer(1))) == "unsubscribed")
        #expect(said(&queue, push("message", "b", .bulk("3"))) == "message b 3")
        #expect(said(&queue, push("unsubscribe", "b", .integer(0))) == "unsubscribed")
        #expect(said(&queue, push("message", "b", .bulk("4"))) == "violation: a reply that nobody asked for")
    }

    @Test func `a refused batch is told as a whole, and the next goes on`() {
        var queue = ReplyQueue()
        queue.expectSubscriptions(two)
        queue.expectSubscriptions(two)
        #expect(said(&queue, .error(RESPError("NOPERM no"))) == "refused 2 NOPERM")
        #expect(said(&queue, push("subscribe", "a", .integer(1))) == "subscribed a")
    }

    @Test(arguments: [
        RESPValue.integer(1), .array([]), .array([.bulk("subscribe"), .bulk("a")]),
        .array([.bulk("subscribe"), .null, .integer(1)]), .array([.bulk("subscribe"), .bulk("a"), .bulk("1")]),
    ])
    func `what confirms no subscription is a violation`(_ value: RESPValue) {
        var queue = ReplyQueue()
        queue.expectSubscriptions(two)
        #expect(said(&queue, value).hasPrefix("violation: no confirmation of a subscription"))
        queue = ReplyQueue()
        queue.expectUnsubscriptions(1)
        #expect(said(&queue, value).hasPrefix("violation: no confirmation of an end"))
    }

    @Test func `abandoned, it gives those who wait, and forgets its subscriptions`() {
        var queue = ReplyQueue()
        queue.expectSubscriptions([two[0]])
        _ = said(&queue, push("subscribe", "a", .integer(1)))
        var got = 0
        queue.expectReply { _ in got += 1 }
        queue.expectReply(nil)
        queue.expectUnsubscriptions(1)
        for reply in queue.abandon() { reply(.failure(.timedOut)) }
        #expect(got == 1)
        #expect(queue.isEmpty)
        queue.expectReply { _ in got += 1 }
        #expect(said(&queue, push("message", "a", .bulk("x"))) == "reply")
    }
}
