import EventStream
import NIOCore

/// What waits until the kernel takes more of one stream. Frames are shared, not copied.
final class StreamQueue {
    /// How a frame stands in the stream's ledger.
    enum Account {
        /// Its sender has entered it.
        case entered
        /// Never entered: others hold it anyway.
        case free
    }

    private var entries = CircularBuffer<(frame: ByteBuffer, account: Account)>(initialCapacity: 4)

    var isEmpty: Bool { entries.isEmpty }
    /// The bytes that the ledger holds for what is here.
    private(set) var enteredBytes = 0

    func append(_ frame: ByteBuffer, _ account: Account) {
        guard frame.readableBytes > 0 else { return }
        if case .entered = account { enteredBytes += frame.readableBytes }
        entries.append((frame, account))
    }

    /// Calls `send` with the next bytes: the first frame, or several small ones put together in `scratch`. Takes out what
    /// was sent, and returns how many bytes were offered and sent, and how many of those leave the ledger. `send` returns
    /// a negative number when the connection is gone.
    func sendFront(
        _ scratch: inout ByteBuffer, _ send: (UnsafeRawBufferPointer) -> Int
    ) -> (offered: Int, sent: Int, settled: Int) {
        guard let first = entries.first else { return (0, 0, 0) }
        var offered = first.frame.readableBytes
        let sent: Int
        if entries.count == 1 || offered >= Self.pieceSize {
            sent = first.frame.withUnsafeReadableBytes(send)
        } else {
            scratch.clear()
            for entry in entries {
                guard scratch.readableBytes + entry.frame.readableBytes <= Self.pieceSize else { break }
                scratch.writeImmutableBuffer(entry.frame)
            }
            offered = scratch.readableBytes
            sent = scratch.withUnsafeReadableBytes(send)
        }
        return (offered, sent, sent > 0 ? consume(sent) : 0)
    }

    private static let pieceSize = 64 << 10

    private func consume(_ count: Int) -> Int {
        var left = count
        var settled = 0
        while left > 0, var entry = entries.popFirst() {
            let taken = min(left, entry.frame.readableBytes)
            left -= taken
            if case .entered = entry.account { settled += taken }
            guard taken < entry.frame.readableBytes else { continue }
            entry.frame.moveReaderIndex(forwardBy: taken)
            entries.prepend(entry)
        }
        enteredBytes -= settled
        return settled
    }
}
