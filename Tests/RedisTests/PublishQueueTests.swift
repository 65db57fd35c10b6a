import EventStream
import NIOCore
import PubSub
import Testing

@testable import Redis

@Suite struct PublishQueueTests {
    private func entry(_ text: String, bytes: Int = 10, at seconds: Int64 = 0, after subscription: Int = 0)
        -> PublishQueue.Entry
    {
        let body = ByteBuffer(string: "data: \(text)" + String(repeating: "x", count: bytes))
        return PublishQueue.Entry(
            event: OutgoingEvent(body: body), channel: try! ChannelName("a"), rule: HistoryRule(),
            time: .uptimeNanoseconds(UInt64(seconds) * 1_000_000_000), subscription: subscription, done: nil)
    }

    private func add(_ queue: inout PublishQueue, _ entry: PublishQueue.Entry) -> Bool { queue.append(entry) }

    private func giveUp(_ queue: inout PublishQueue, _ time: NIODeadline) -> Int { queue.giveUp(before: time).count }

    /// What goes out next, as the number of the first and how many there are.
    private func next(_ queue: inout PublishQueue, firstUnknown: Int? = nil) -> [Int]? {
        queue.nextBatch(firstUnknown: firstUnknown).map { [Int($0.number), $0.entries.count] }
    }

    @Test func `what waits goes out together, once, and is numbered from one`() {
        var queue = PublishQueue()
        #expect(next(&queue) == nil)
        for number in 0..<3 { #expect(add(&queue, entry("\(number)"))) }
        #expect(next(&queue) == [1, 3])
        #expect(next(&queue) == nil)
        #expect(add(&queue, entry("3")))
        #expect(next(&queue) == [4, 1])
        queue.settle(3)
        #expect(queue.firstNumber == 4)
        #expect(queue.count == 1)
        queue.settle(1)
        #expect(queue.count == 0)
        #expect(queue.bytes == 0)
    }

    @Test func `what is not answered for goes out again, with the numbers that it had`() {
        var queue = PublishQueue()
        for number in 0..<3 { #expect(add(&queue, entry("\(number)"))) }
        #expect(next(&queue) == [1, 3])
        queue.settle(1)
        queue.rewind()
        #expect(next(&queue) == [2, 2])
    }

    @Test func `a command carries so many, and so much`() {
        var queue = PublishQueue()
        for number in 0..<(PublishQueue.batchCount + 1) { #expect(add(&queue, entry("\(number)"))) }
        #expect(next(&queue) == [1, PublishQueue.batchCount])
        #expect(next(&queue) == [PublishQueue.batchCount + 1, 1])
        var large = PublishQueue()
        for _ in 0..<3 { #expect(add(&large, entry("", bytes: PublishQueue.batchBytes / 2))) }
        #expect(next(&large) == [1, 1])
        #expect(next(&large) == [2, 1])
    }

    @Test func `a full queue takes nothing, an empty one takes anything`() {
        var queue = PublishQueue()
        for _ in 0..<PublishQueue.maxCount { #expect(add(&queue, entry(""))) }
        #expect(!add(&queue, entry("")))
        #expect(next(&queue) != nil)
        queue.settle(1)
        #expect(add(&queue, entry("")))
        var large = PublishQueue()
        #expect(add(&large, entry("", bytes: PublishQueue.maxBytes + 1)))
        #expect(!add(&large, entry("")))
    }

    @Test func `what has waited too long is given up, but for what is on its way`() {
        var queue = PublishQueue()
        for second in 0..<4 { #expect(add(&queue, entry("\(second)", at: Int64(second)))) }
        let time = NIODeadline.uptimeNanoseconds(1_000_000_000)
        #expect(next(&queue) == [1, 4])
        #expect(giveUp(&queue, time) == 0)
        queue.rewind()
        #expect(giveUp(&queue, time) == 2)
        #expect(next(&queue) == [3, 2])
    }

    @Test func `a publication waits for the subscriptions that were made before it`() {
        var queue = PublishQueue()
        #expect(add(&queue, entry("0", after: 0)))
        #expect(add(&queue, entry("1", after: 1)))
        #expect(add(&queue, entry("2", after: 2)))
        #expect(next(&queue, firstUnknown: 1) == [1, 1])
        #expect(next(&queue, firstUnknown: 1) == nil)
        #expect(next(&queue, firstUnknown: 2) == [2, 1])
        #expect(next(&queue) == [3, 1])
    }
}
