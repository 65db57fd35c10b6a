import NIOCore
import PubSub

/// Publications that Redis has not answered for, in order. The first of them may have been sent.
///
/// Numbers count this node's publications; a script in Redis drops what it has had already. So what a broken connection
/// leaves in doubt is simply sent again.
struct PublishQueue {
    typealias Done = (Result<PublicationID, BrokerFailure>) -> Void

    struct Entry {
        let event: OutgoingEvent
        let channel: ChannelName
        let rule: HistoryRule
        let time: NIODeadline
        /// The last subscription that was made before it: who is in that channel is to get it.
        let subscription: Int
        let done: Done?

        /// What it counts for, roughly what it takes.
        var bytes: Int { event.body.readableBytes + (event.id?.utf8.count ?? 0) + channel.bytes.count + 100 }
    }

    static let maxCount = 10_000
    static let maxBytes = 16 << 20
    /// What one command carries.
    static let batchCount = 200
    static let batchBytes = 256 << 10

    private var entries = CircularBuffer<Entry>()
    private(set) var bytes = 0
    /// Of the first entry.
    private(set) var firstNumber: UInt64 = 1
    /// How many were sent.
    private var sent = 0

    var count: Int { entries.count }
    /// Whether Redis has answered for everything that was sent.
    var isAnswered: Bool { sent == 0 }
    var oldest: NIODeadline? { entries.first?.time }

    /// False when it is full. One that is larger than all the room there is may enter an empty queue.
    mutating func append(_ entry: Entry) -> Bool {
        let fits = entries.count < Self.maxCount && bytes + entry.bytes <= Self.maxBytes
        guard fits || entries.isEmpty else { return false }
        entries.append(entry)
        bytes += entry.bytes
        return true
    }

    /// What goes out next, with the number of the first; nil when everything was sent that may be.
    /// - Parameter firstUnknown: what was made after this subscription still waits.
    mutating func nextBatch(firstUnknown: Int?) -> (number: UInt64, entries: [Entry])? {
        guard sent < entries.count else { return nil }
        let number = firstNumber + UInt64(sent)
        var batch: [Entry] = []
        var size = 0
        while sent < entries.count, batch.count < Self.batchCount {
            let entry = entries[entries.index(entries.startIndex, offsetBy: sent)]
            guard batch.isEmpty || size + entry.bytes <= Self.batchBytes else { break }
            if let firstUnknown, entry.subscription >= firstUnknown { break }
            size += entry.bytes
            batch.append(entry)
            sent += 1
        }
        return batch.isEmpty ? nil : (number, batch)
    }

    /// Redis has answered for the first so many, all of which were sent.
    mutating func settle(_ count: Int) {
        sent -= count
        drop(count)
    }

    /// The connection is gone: whatever is not answered for goes out again.
    mutating func rewind() { sent = 0 }

    /// Gives up what has waited since before a time. Only while nothing is on its way.
    mutating func giveUp(before time: NIODeadline) -> [Entry] {
        guard sent == 0 else { return [] }
        let old = Array(entries.prefix { $0.time <= time })
        drop(old.count)
        return old
    }

    private mutating func drop(_ count: Int) {
        for _ in 0..<count { bytes -= entries.removeFirst().bytes }
        firstNumber += UInt64(count)
    }
}
