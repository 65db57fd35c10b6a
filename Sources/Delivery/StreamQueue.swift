import EventStream
import NIOCore

/// What waits until the kernel takes more of one stream. Frames are shared, not copied.
///
/// Where events are dropped, a note takes their place: an event `dropped` whose data is their number, so that a client
/// learns of it before the next event that it gets.
final class StreamQueue {
    /// How a frame stands in the stream's ledger.
    enum Account {
        /// Entered, by its sender or by the loop.
        case entered
        /// Never entered: others hold it anyway.
        case free
    }

    private struct Entry {
        var bytes: ByteBuffer
        let account: Account
        var key: String?
        var isEvent = true
        /// The kernel has a part of it: it must go out whole.
        var isStarted = false
        /// Of a note: how many events it stands for.
        var dropped = 0

        var canBeDropped: Bool { isEvent && !isStarted && dropped == 0 && account == .entered }
    }

    private var entries = CircularBuffer<Entry>(initialCapacity: 4)

    var isEmpty: Bool { entries.isEmpty }
    /// The bytes that the ledger holds for what is here.
    private(set) var enteredBytes = 0

    func append(_ frame: StreamFrame, _ account: Account, isStarted: Bool = false) {
        guard frame.count > 0 else { return }
        if account == .entered { enteredBytes += frame.count }
        entries.append(
            Entry(bytes: frame.bytes, account: account, key: frame.key, isEvent: frame.isEvent, isStarted: isStarted))
    }

    // MARK: dropping

    /// Drops what the policy says so that a frame fits into `limit` bytes. Returns how many events, and the bytes that
    /// leave the ledger.
    func makeRoom(for frame: StreamFrame, limit: Int, policy: SlowPolicy) -> (dropped: Int, settled: Int) {
        var settled = 0
        var dropped = 0
        func isFull() -> Bool { enteredBytes + frame.count > limit }
        if policy == .conflate, isFull(), let key = frame.key {
            while let index = entries.firstIndex(where: { $0.canBeDropped && $0.key == key }) {
                settled += drop(index)
                dropped += 1
            }
        }
        while isFull(), let index = entries.firstIndex(where: \.canBeDropped) {
            settled += drop(index)
            dropped += 1
        }
        return (dropped, settled)
    }

    /// Notes that an event was dropped that was to come here.
    func noteDropped() {
        if let last = entries.indices.last, note(at: last) { return }
        entries.append(Self.makeNote(1))
    }

    private func drop(_ index: CircularBuffer<Entry>.Index) -> Int {
        let size = entries[index].bytes.readableBytes
        enteredBytes -= size
        if index > entries.startIndex, note(at: entries.index(before: index)) {
            entries.remove(at: index)
        } else {
            entries[index] = Self.makeNote(1)
        }
        return size
    }

    /// Counts one more in the note at an index; false when there is none.
    private func note(at index: CircularBuffer<Entry>.Index) -> Bool {
        guard entries[index].dropped > 0, !entries[index].isStarted else { return false }
        entries[index] = Self.makeNote(entries[index].dropped + 1)
        return true
    }

    private static func makeNote(_ count: Int) -> Entry {
        Entry(bytes: ByteBuffer(string: "event: dropped\ndata: \(count)\n\n"), account: .free, dropped: count)
    }

    // MARK: sending

    /// Takes the first frame out, and the bytes that leave the ledger with it.
    func popFirst() -> (bytes: ByteBuffer, isEvent: Bool, entered: Int)? {
        guard let entry = entries.popFirst() else { return nil }
        let entered = entry.account == .entered ? entry.bytes.readableBytes : 0
        enteredBytes -= entered
        return (entry.bytes, entry.isEvent && entry.dropped == 0, entered)
    }

    /// What became of one write: bytes offered, bytes that the kernel took, those of them that leave the ledger, and
    /// events of which the kernel has the end now.
    struct Progress: Equatable {
        var offered = 0
        var sent = 0
        var settled = 0
        var events = 0
    }

    /// Calls `send` with the next bytes: the first frame, or several small ones put together in `scratch`. Takes out what
    /// was sent. `send` returns a negative number when the connection is gone.
    func sendFront(_ scratch: inout ByteBuffer, _ send: (UnsafeRawBufferPointer) -> Int) -> Progress {
        guard let first = entries.first else { return Progress() }
        var offered = first.bytes.readableBytes
        let sent: Int
        if entries.count == 1 || offered >= Self.pieceSize {
            sent = first.bytes.withUnsafeReadableBytes(send)
        } else {
            scratch.clear()
            for entry in entries {
                guard scratch.readableBytes + entry.bytes.readableBytes <= Self.pieceSize else { break }
                scratch.writeImmutableBuffer(entry.bytes)
            }
            offered = scratch.readableBytes
            sent = scratch.withUnsafeReadableBytes(send)
        }
        var progress = Progress(offered: offered, sent: sent)
        if sent > 0 { consume(&progress) }
        return progress
    }

    private static let pieceSize = 64 << 10

    private func consume(_ progress: inout Progress) {
        var left = progress.sent
        while left > 0, var entry = entries.popFirst() {
            let taken = min(left, entry.bytes.readableBytes)
            left -= taken
            if entry.account == .entered { progress.settled += taken }
            guard taken < entry.bytes.readableBytes else {
                if entry.isEvent, entry.dropped == 0 { progress.events += 1 }
                continue
            }
            entry.bytes.moveReaderIndex(forwardBy: taken)
            entry.isStarted = true
            entries.prepend(entry)
        }
        enteredBytes -= progress.settled
    }
}
