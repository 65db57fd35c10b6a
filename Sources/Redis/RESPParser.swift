public import NIOCore

/// Reads RESP2 values from bytes that come in pieces of any size.
///
/// Strict: lines end with CR LF, numbers have one spelling, and everything has a limit, because what is read may be
/// anything. Nested arrays are kept on a stack of our own.
public struct RESPParser {
    /// What a value may hold at most.
    public struct Limits: Sendable {
        /// The bytes of one bulk string; Redis' own default of `proto-max-bulk-len`.
        public var bulkLength = 512 << 20
        /// The elements of all arrays in one value.
        public var elements = 1 << 22
        /// How many arrays may be inside each other; hiredis has the same.
        public var depth = 8
        /// The bytes of a simple string, an error or a number.
        public var lineLength = 64 << 10

        public init() {}
    }

    private enum Item {
        case value(RESPValue)
        case opened
    }

    private struct OpenArray {
        var elements: [RESPValue] = []
        var missing: Int
    }

    private let limits: Limits
    private var bytes = ByteBuffer()
    /// Whether nobody else holds the storage of `bytes`: only then it is cheap to append to.
    private var ownsBytes = false
    private var arrays: [OpenArray] = []
    /// The elements that the arrays of the present value have announced.
    private var announced = 0
    /// The length of a bulk string whose head has been read.
    private var bulkLength: Int?
    /// So many bytes of an unfinished line hold no line end.
    private var scanned = 0
    private var violation: RESPViolation?

    public init(limits: Limits = Limits()) { self.limits = limits }

    public mutating func append(_ more: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
            ownsBytes = false
        } else if ownsBytes {
            if bytes.readerIndex > bytes.readableBytes { bytes.discardReadBytes() }
            bytes.writeImmutableBuffer(more)
        } else {
            var own = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + more.readableBytes)
            own.writeImmutableBuffer(bytes)
            own.writeImmutableBuffer(more)
            bytes = own
            ownsBytes = true
        }
    }

    /// The next whole value; nil when it takes more bytes. After a violation there is no way on.
    public mutating func next() throws(RESPViolation) -> RESPValue? {
        if let violation { throw violation }
        do {
            while let item = try item() {
                guard case .value(let value) = item, let whole = place(value) else { continue }
                announced = 0
                return whole
            }
        } catch {
            violation = error
            bytes = ByteBuffer()
            throw error
        }
        if bytes.readableBytes == 0 { bytes = ByteBuffer() }
        return nil
    }

    /// Puts a value where it belongs; gives the whole one that it completes.
    private mutating func place(_ value: RESPValue) -> RESPValue? {
        var value = value
        while !arrays.isEmpty {
            let last = arrays.count - 1
            arrays[last].elements.append(value)
            arrays[last].missing -= 1
            if arrays[last].missing > 0 { return nil }
            value = .array(arrays.removeLast().elements)
        }
        return value
    }

    private mutating func item() throws(RESPViolation) -> Item? {
        if let bulkLength { return try bulkString(bulkLength) }
        guard let type = bytes.getInteger(at: bytes.readerIndex, as: UInt8.self) else { return nil }
        switch type {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "$"): break
        case UInt8(ascii: "*"): if arrays.count == limits.depth { throw .nestedTooDeep }
        default: throw .unknownType(type)
        }
        guard let line = try line() else { return nil }
        switch type {
        case UInt8(ascii: "+"):
            ownsBytes = false
            return .value(.simpleString(line))
        case UInt8(ascii: "-"): return .value(.error(RESPError(String(buffer: line))))
        case UInt8(ascii: ":"): return .value(.integer(try number(line, else: .badInteger)))
        case UInt8(ascii: "$"): return try beginBulkString(try number(line, else: .badBulkLength))
        default: return try beginArray(try number(line, else: .badArrayLength))
        }
    }

    private mutating func beginBulkString(_ length: Int64) throws(RESPViolation) -> Item? {
        if length == -1 { return .value(.null) }
        guard length >= 0 else { throw .badBulkLength }
        guard length <= limits.bulkLength else { throw .bulkTooLong(length) }
        bulkLength = Int(length)
        return try bulkString(Int(length))
    }

    private mutating func bulkString(_ length: Int) throws(RESPViolation) -> Item? {
        guard bytes.readableBytes >= length + 2 else { return nil }
        guard bytes.getInteger(at: bytes.readerIndex + length, as: UInt16.self) == 0x0D0A else { throw .bulkWithoutEnd }
        let string = bytes.readSlice(length: length)!
        bytes.moveReaderIndex(forwardBy: 2)
        bulkLength = nil
        ownsBytes = false
        return .value(.bulkString(string))
    }

    private mutating func beginArray(_ count: Int64) throws(RESPViolation) -> Item {
        if count == -1 { return .value(.null) }
        guard count >= 0 else { throw .badArrayLength }
        guard count <= limits.elements - announced else { throw .tooManyElements }
        if count == 0 { return .value(.array([])) }
        announced += Int(count)
        var array = OpenArray(missing: Int(count))
        // What is only announced takes no memory yet.
        array.elements.reserveCapacity(min(Int(count), 1024))
        arrays.append(array)
        return .opened
    }

    /// The line at the front without its type byte and its end; nil until it is there.
    private mutating func line() throws(RESPViolation) -> ByteBuffer? {
        enum End { case at(Int), missing(scanned: Int), bare }
        let end = bytes.withUnsafeReadableBytes { [scanned] all in
            var index = max(1, scanned)
            while index < all.count {
                if all[index] == 0x0A { return End.bare }
                if all[index] == 0x0D {
                    guard index + 1 < all.count else { break }
                    return all[index + 1] == 0x0A ? .at(index) : .bare
                }
                index += 1
            }
            return .missing(scanned: index)
        }
        switch end {
        case .bare: throw .bareLineEnd
        case .missing(let scanned):
            guard scanned - 1 <= limits.lineLength else { throw .lineTooLong }
            self.scanned = scanned
            return nil
        case .at(let index):
            guard index - 1 <= limits.lineLength else { throw .lineTooLong }
            scanned = 0
            bytes.moveReaderIndex(forwardBy: 1)
            let line = bytes.readSlice(length: index - 1)
            bytes.moveReaderIndex(forwardBy: 2)
            return line
        }
    }

    /// The one spelling of a 64-bit integer: no plus sign, no leading zeros, no "-0".
    private func number(_ line: ByteBuffer, else violation: RESPViolation) throws(RESPViolation) -> Int64 {
        let number: Int64? = line.withUnsafeReadableBytes { digits in
            let isNegative = digits.first == UInt8(ascii: "-")
            let digits = isNegative ? digits.dropFirst() : digits[...]
            guard let first = digits.first else { return nil }
            if first == UInt8(ascii: "0") { return digits.count == 1 && !isNegative ? 0 : nil }
            var value: Int64 = 0
            for byte in digits {
                guard (0x30...0x39).contains(byte) else { return nil }
                // Counted downwards, because there is one negative number more.
                let (product, overflows) = value.multipliedReportingOverflow(by: 10)
                let (next, overflowsToo) = product.subtractingReportingOverflow(Int64(byte - 0x30))
                if overflows || overflowsToo { return nil }
                value = next
            }
            if isNegative { return value }
            return value == .min ? nil : -value
        }
        guard let number else { throw violation }
        return number
    }
}
