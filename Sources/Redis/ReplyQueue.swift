import NIOCore

/// What Redis owes, in the order in which it was asked for, and what it sends unasked.
struct ReplyQueue {
    typealias Reply = (Result<RESPValue, RedisError>) -> Void

    /// What a value turns out to be.
    enum Received {
        case reply(Reply?, Result<RESPValue, RedisError>)
        case message(channel: ByteBuffer, payload: ByteBuffer)
        case subscribed(ByteBuffer)
        case unsubscribed
        case subscriptionRefused([ByteBuffer], RESPError)
        case violation(String)
    }

    private enum Expected {
        case reply(Reply?)
        case subscriptions([ByteBuffer], confirmed: Int)
        case unsubscriptions(missing: Int)
    }

    private var expected = CircularBuffer<Expected>()
    /// Whether Redis has confirmed a subscription: from then on, and no sooner, messages may come at any time.
    private var isSubscribed = false

    var isEmpty: Bool { expected.isEmpty }

    mutating func expectReply(_ reply: Reply?) { expected.append(.reply(reply)) }
    mutating func expectSubscriptions(_ channels: [ByteBuffer]) {
        expected.append(.subscriptions(channels, confirmed: 0))
    }
    mutating func expectUnsubscriptions(_ count: Int) { expected.append(.unsubscriptions(missing: count)) }

    mutating func receive(_ value: RESPValue) -> Received {
        if isSubscribed, let push = Push(value, "message"), case .bulkString(let payload) = push.rest {
            return .message(channel: push.channel, payload: payload)
        }
        switch expected.first {
        case nil: return .violation("a reply that nobody asked for")
        case .reply(let reply):
            expected.removeFirst()
            if case .error(let error) = value { return .reply(reply, .failure(.server(error))) }
            return .reply(reply, .success(value))
        case .subscriptions(let channels, let confirmed): return subscription(value, channels, confirmed)
        case .unsubscriptions(let missing): return unsubscription(value, missing)
        }
    }

    /// Forgets what is owed, and gives those who wait for it.
    mutating func abandon() -> [Reply] {
        let replies = expected.compactMap { if case .reply(let reply) = $0 { reply } else { nil } }
        self = ReplyQueue()
        return replies
    }

    private mutating func subscription(_ value: RESPValue, _ channels: [ByteBuffer], _ confirmed: Int) -> Received {
        if case .error(let error) = value, confirmed == 0 {
            expected.removeFirst()
            return .subscriptionRefused(channels, error)
        }
        guard let push = Push(value, "subscribe"), case .integer = push.rest else {
            return .violation("no confirmation of a subscription")
        }
        isSubscribed = true
        if confirmed + 1 == channels.count {
            expected.removeFirst()
        } else {
            expected[expected.startIndex] = .subscriptions(channels, confirmed: confirmed + 1)
        }
        return .subscribed(push.channel)
    }

    private mutating func unsubscription(_ value: RESPValue, _ missing: Int) -> Received {
        guard let push = Push(value, "unsubscribe"), case .integer(let left) = push.rest else {
            return .violation("no confirmation of an end of subscription")
        }
        isSubscribed = left > 0
        if missing == 1 {
            expected.removeFirst()
        } else {
            expected[expected.startIndex] = .unsubscriptions(missing: missing - 1)
        }
        return .unsubscribed
    }

    /// What a subscribed connection gets: `message`, `subscribe` or `unsubscribe`, a channel, the rest.
    private struct Push {
        let channel: ByteBuffer
        let rest: RESPValue

        init?(_ value: RESPValue, _ kind: String) {
            guard case .array(let parts) = value, parts.count == 3, case .bulkString(let word) = parts[0],
                case .bulkString(let channel) = parts[1], word.readableBytesView.elementsEqual(kind.utf8)
            else { return nil }
            self.channel = channel
            rest = parts[2]
        }
    }
}
