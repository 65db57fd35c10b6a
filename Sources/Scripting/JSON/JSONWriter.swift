import Lua
import NIOCore

/// Writes Lua values as JSON (RFC 8259) into a buffer.
///
/// A table is an array when its keys are 1 to n, or when `JSON.array` marked it; otherwise an object, whose keys must
/// be strings. Integers stay integers. Invalid UTF-8 becomes U+FFFD.
struct JSONWriter {
    private let stack: LuaStack
    private let markers: JSONMarkers
    private let isPretty: Bool
    private(set) var buffer: ByteBuffer

    private static let maxDepth = 128
    /// What a table holds may be in it many times over: without a limit forty small ones made a terabyte. Bytes.
    private static let maxSize = 64 << 20
    /// Values so far.
    private var count = 0

    init(stack: LuaStack, markers: JSONMarkers, isPretty: Bool = false) {
        self.stack = stack
        self.markers = markers
        self.isPretty = isPretty
        buffer = ByteBufferAllocator().buffer(capacity: 256)
    }

    /// - Throws: for what JSON cannot say: a function, NaN, a table of mixed keys, a cycle.
    /// The stack is left as it was.
    mutating func write(_ index: Int) throws(LuaError) {
        let top = stack.count
        do { try write(index, depth: 0) } catch {
            stack.truncate(to: top)
            throw error
        }
    }

    private mutating func write(_ index: Int, depth: Int) throws(LuaError) {
        guard buffer.readableBytes <= Self.maxSize else { throw .message("more than 64 MiB of JSON") }
        count += 1
        if count & 0xFFF == 0, stack.isLate { throw .message("more JSON than the time budget allows") }
        switch stack.type(at: index) {
        case .nil, .none: buffer.writeStaticString("null")
        case .boolean: buffer.writeStaticString(stack.boolean(at: index) ? "true" : "false")
        case .string: writeString(stack.bytes(at: index)!)
        case .number: try writeNumber(index)
        case .table: try writeTable(index < 0 ? stack.count + index + 1 : index, depth: depth)
        default: throw .message("a \(stack.kind(at: index)) has no form in JSON")
        }
    }

    private mutating func writeNumber(_ index: Int) throws(LuaError) {
        if stack.isInteger(at: index) {
            buffer.writeString(String(stack.integer(at: index)!))
            return
        }
        let value = stack.number(at: index)!
        guard value.isFinite else { throw .message("the number \(value) has no form in JSON") }
        buffer.writeString(value.description)
    }

    // MARK: tables

    private mutating func writeTable(_ table: Int, depth: Int) throws(LuaError) {
        guard depth < Self.maxDepth else { throw .message("nested deeper than \(Self.maxDepth) levels, or in a cycle") }
        try stack.reserve(8)
        if markers.isNull(table, of: stack) {
            buffer.writeStaticString("null")
            return
        }
        let length = stack.length(of: table)
        if length > 0 || markers.isMarkedArray(table, of: stack) {
            try writeArray(table, length: length, depth: depth)
        } else {
            try writeObject(table, depth: depth)
        }
    }

    private mutating func writeArray(_ table: Int, length: Int, depth: Int) throws(LuaError) {
        var pairs = 0
        try stack.forEachPair(of: table) { () throws(LuaError) in
            pairs += 1
            guard stack.type(at: -2) == .number, let key = stack.integer(at: -2), (1...max(1, length)).contains(key),
                length > 0
            else {
                throw mixedKeys()
            }
        }
        guard pairs == length else {
            throw .message("a list must have no holes: its length is \(length), its elements are \(pairs)")
        }
        buffer.writeInteger(UInt8(ascii: "["))
        if length > 0 {
            for element in 1...length {
                if element > 1 { buffer.writeInteger(UInt8(ascii: ",")) }
                breakLine(depth + 1)
                stack.pushElement(element, of: table)
                try writePopping(depth: depth + 1)
            }
            breakLine(depth)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }

    private mutating func writeObject(_ table: Int, depth: Int) throws(LuaError) {
        buffer.writeInteger(UInt8(ascii: "{"))
        var isFirst = true
        stack.pushNil()
        while stack.nextPair(of: table) {
            guard let key = stack.bytes(at: -2) else { throw mixedKeys() }
            if !isFirst { buffer.writeInteger(UInt8(ascii: ",")) }
            isFirst = false
            breakLine(depth + 1)
            writeString(key)
            buffer.writeInteger(UInt8(ascii: ":"))
            if isPretty { buffer.writeInteger(UInt8(ascii: " ")) }
            try write(-1, depth: depth + 1)
            stack.pop()
        }
        if !isFirst { breakLine(depth) }
        buffer.writeInteger(UInt8(ascii: "}"))
    }

    private mutating func writePopping(depth: Int) throws(LuaError) {
        defer { stack.pop() }
        try write(-1, depth: depth)
    }

    private func mixedKeys() -> LuaError {
        .message(
            "a table must be a list (keys 1 to n) or have only string keys; this one has the key \(stack.description(at: -2))"
        )
    }

    private mutating func breakLine(_ depth: Int) {
        guard isPretty else { return }
        buffer.writeInteger(UInt8(ascii: "\n"))
        buffer.writeRepeatingByte(UInt8(ascii: " "), count: depth * 2)
    }

    // MARK: strings

    private mutating func writeString(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.allSatisfy(Self.isPlain) else { return writePlain(bytes) }
        buffer.writeInteger(UInt8(ascii: "\""))
        if bytes.allSatisfy({ $0 < 0x80 }) {
            writeEscaped(bytes)
        } else {
            var text = String(decoding: bytes, as: UTF8.self)
            text.withUTF8 { writeEscaped(UnsafeRawBufferPointer($0)) }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    /// Whether a byte of a string is a character that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    /// Most strings: copied in one piece.
    private mutating func writePlain(_ bytes: UnsafeRawBufferPointer) {
        let count = bytes.count + 2
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            memory[0] = UInt8(ascii: "\"")
            if let start = bytes.baseAddress, let target = memory.baseAddress {
                (target + 1).copyMemory(from: start, byteCount: bytes.count)
            }
            memory[count - 1] = UInt8(ascii: "\"")
            return count
        }
    }

    private mutating func writeEscaped(_ bytes: UnsafeRawBufferPointer) {
        var start = 0
        for (index, byte) in bytes.enumerated()
        where byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            buffer.writeBytes(bytes[start..<index])
            start = index + 1
            switch byte {
            case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
            case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
            case UInt8(ascii: "\n"): buffer.writeStaticString("\\n")
            case UInt8(ascii: "\r"): buffer.writeStaticString("\\r")
            case UInt8(ascii: "\t"): buffer.writeStaticString("\\t")
            default:
                let digits = String(byte, radix: 16)
                buffer.writeString("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            }
        }
        buffer.writeBytes(bytes[start...])
    }
}
