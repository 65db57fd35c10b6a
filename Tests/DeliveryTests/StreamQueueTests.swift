import EventStream
import NIOCore
import Testing

@testable import Delivery

/// What a full queue drops, and what it says of it.
@Suite struct StreamQueueTests {
    /// A queue with these events ("text" or "key:text") of 12 bytes each.
    private func queue(_ events: [String]) -> StreamQueue {
        let queue = StreamQueue()
        for event in events { queue.append(frame(event), .entered) }
        return queue
    }

    private func frame(_ event: String) -> StreamFrame {
        let parts = event.split(separator: ":")
        let text = parts.last!.description
        return StreamFrame(
            ByteBuffer(string: "data: \(text.padding(4))\n\n"), key: parts.count > 1 ? parts[0].description : nil)
    }

    /// What the client gets, "dropped n" for a note.
    private func drain(_ queue: StreamQueue) -> [String] {
        var found: [String] = []
        while let (bytes, _, _) = queue.popFirst() {
            let text = String(buffer: bytes)
            found.append(
                text.hasPrefix("event: dropped")
                    ? "dropped \(text.split(separator: " ").last!.dropLast(2))"
                    : text.dropFirst(6).filter { $0 != "\n" && $0 != " " })
        }
        return found
    }

    @Test(arguments: [
        (SlowPolicy.dropOldest, ["1", "2", "3"], "4", 36, ["dropped 1", "2", "3", "4"], 12),
        (.dropOldest, ["1", "2", "3"], "4", 24, ["dropped 2", "3", "4"], 24),
        (.dropOldest, ["1", "2", "3"], "4", 48, ["1", "2", "3", "4"], 0),
        (.dropOldest, ["1", "2", "3"], "4", 1, ["dropped 3", "4"], 36),
        (.dropOldest, [], "4", 1, ["4"], 0),
        (.conflate, ["a:1", "b:2", "a:3"], "b:4", 36, ["a:1", "dropped 1", "a:3", "b:4"].map(\.text), 12),
        (.conflate, ["a:1", "a:2", "b:3"], "a:4", 36, ["dropped 2", "3", "4"], 24),
        (.conflate, ["a:1", "b:2", "c:3"], "d:4", 36, ["dropped 1", "2", "3", "4"], 12),
        (.conflate, ["a:1", "b:2"], "a:3", 36, ["1", "2", "3"], 0),
        (.conflate, ["1", "2", "3"], "4", 36, ["dropped 1", "2", "3", "4"], 12),
    ])
    func `what does not fit makes room, and a note says how much is gone`(
        policy: SlowPolicy, events: [String], new: String, limit: Int, expected: [String], settled: Int
    ) {
        let queue = queue(events)
        #expect(queue.makeRoom(for: frame(new), limit: limit, policy: policy).settled == settled)
        queue.append(frame(new), .entered)
        #expect(queue.enteredBytes == (events.count + 1) * 12 - settled)
        #expect(drain(queue) == expected)
        #expect(queue.enteredBytes == 0)
    }

    @Test func `notes that stand together are one`() {
        let queue = queue(["1", "2", "3", "4"])
        _ = queue.makeRoom(for: frame("5"), limit: 48, policy: .dropOldest)
        queue.append(frame("5"), .entered)
        _ = queue.makeRoom(for: frame("6"), limit: 48, policy: .dropOldest)
        queue.append(frame("6"), .entered)
        queue.noteDropped()
        queue.noteDropped()
        queue.append(frame("7"), .entered)
        #expect(drain(queue) == ["dropped 2", "3", "4", "5", "6", "dropped 2", "7"])
    }

    @Test func `what the kernel has a part of goes out whole, and what is replayed is not dropped`() {
        let queue = queue(["1", "2"])
        queue.append(frame("free"), .free)
        var scratch = ByteBuffer()
        let progress = queue.sendFront(&scratch) { _ in 3 }
        #expect(progress == .init(offered: 36, sent: 3, settled: 3, events: 0))
        #expect(queue.makeRoom(for: frame("3"), limit: 1, policy: .dropOldest) == (1, 12))
        queue.append(frame("3"), .entered)
        var rest = ByteBuffer()
        while let (bytes, _, _) = queue.popFirst() { rest.writeImmutableBuffer(bytes) }
        #expect(String(buffer: rest) == "a: 1   \n\nevent: dropped\ndata: 1\n\ndata: free\n\ndata: 3   \n\n")
    }
}

extension String {
    fileprivate func padding(_ count: Int) -> String {
        self + String(repeating: " ", count: max(0, count - utf8.count))
    }
    /// An event without its key.
    fileprivate var text: String { split(separator: ":").last!.description }
}
