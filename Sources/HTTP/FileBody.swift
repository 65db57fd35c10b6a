import NIOCore

/// The body that a file gives to a response: the whole, a part, or several with text between them. It is read piece by
/// piece.
public struct FileBody: Sendable {
    enum Part: Sendable {
        case text(ByteBuffer)
        /// Bytes of the file.
        case range(Range<Int>)

        var length: Int {
            switch self {
            case .text(let text): text.readableBytes
            case .range(let range): range.count
            }
        }
    }

    /// What is read at once; a body that is no longer needs no open file any more once it is read.
    static let pieceSize = 64 << 10

    private let file: OpenFile
    private var parts: ArraySlice<Part>
    /// The bytes that are still to come.
    private(set) var length: Int

    /// The whole file.
    init(_ file: OpenFile) { self.init(file, [.range(0..<file.size)]) }

    init(_ file: OpenFile, _ parts: [Part]) {
        self.file = file
        self.parts = parts.filter { $0.length > 0 }[...]
        length = parts.reduce(0) { $0 + $1.length }
    }

    /// The next bytes, about a piece of them, and the rest. Blocks on the disk. Nil when the file has become too short.
    func nextPiece() -> (bytes: ByteBuffer, rest: FileBody)? {
        var rest = self
        var bytes = ByteBuffer()
        while bytes.readableBytes < Self.pieceSize, let part = rest.parts.popFirst() {
            switch part {
            case .text(let text): bytes.writeImmutableBuffer(text)
            case .range(let range):
                let count = min(Self.pieceSize - bytes.readableBytes, range.count)
                guard var read = file.read(at: range.lowerBound, count: count) else { return nil }
                let next = range.lowerBound + read.readableBytes
                if next < range.upperBound {
                    rest.parts.insert(.range(next..<range.upperBound), at: rest.parts.startIndex)
                }
                if bytes.readableBytes == 0 { bytes = read } else { bytes.writeBuffer(&read) }
            }
        }
        rest.length -= bytes.readableBytes
        return (bytes, rest)
    }
}
