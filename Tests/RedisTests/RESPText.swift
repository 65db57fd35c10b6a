import NIOCore
import Redis
import TestKit

/// The bytes of values, and values of bytes, for tests of the parser.
enum RESPText {
    static func bytes(of value: RESPValue) -> [UInt8] {
        func line(_ type: String, _ buffer: ByteBuffer) -> [UInt8] {
            Array(type.utf8) + buffer.readableBytesView + [13, 10]
        }
        switch value {
        case .simpleString(let text): return line("+", text)
        case .error(let error): return line("-", ByteBuffer(string: error.message))
        case .integer(let number): return line(":", ByteBuffer(string: String(number)))
        case .bulkString(let bytes):
            return line("$", ByteBuffer(string: String(bytes.readableBytes))) + bytes.readableBytesView + [13, 10]
        case .null: return Array("$-1\r\n".utf8)
        case .array(let elements):
            return line("*", ByteBuffer(string: String(elements.count))) + elements.flatMap { Self.bytes(of: $0) }
        }
    }

    /// Everything that a parser gives for the pieces, and how it fails.
    static func parse(_ pieces: [ArraySlice<UInt8>], _ limits: RESPParser.Limits = .init()) -> (
        values: [RESPValue], violation: RESPViolation?
    ) {
        var parser = RESPParser(limits: limits)
        var values: [RESPValue] = []
        do {
            for piece in pieces {
                parser.append(ByteBuffer(bytes: piece))
                while let value = try parser.next() { values.append(value) }
            }
        } catch {
            return (values, error)
        }
        return (values, nil)
    }

    static func parse(_ text: String, _ limits: RESPParser.Limits = .init()) -> (
        values: [RESPValue], violation: RESPViolation?
    ) {
        parse([ArraySlice(text.utf8)], limits)
    }
}

extension RESPValue {
    static func simple(_ text: String) -> RESPValue { .simpleString(ByteBuffer(string: text)) }
    static func bulk(_ text: String) -> RESPValue { .bulkString(ByteBuffer(string: text)) }
}

extension SplitMix64 {
    mutating func value(depth: Int = 0) -> RESPValue {
        let text: (inout SplitMix64) -> String = { random in
            String(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in "abc é-1:$*+".randomElement(using: &random)! })
        }
        switch Int.random(in: 0...(depth < 6 ? 8 : 5), using: &self) {
        case 0: return .simple(text(&self))
        case 1: return .error(RESPError("ERR " + text(&self)))
        case 2:
            return .integer(
                [0, 1, -1, .max, .min, Int64.random(in: -99999...99999, using: &self)].randomElement(using: &self)!)
        case 3: return .null
        case 4, 5:
            let count = [0, 1, 7, 300, 5000].randomElement(using: &self)!
            return .bulkString(ByteBuffer(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }))
        default: return .array((0..<Int.random(in: 0...5, using: &self)).map { _ in value(depth: depth + 1) })
        }
    }

    /// Cuts bytes anywhere.
    mutating func cut(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let size = [1, 3, 20, 1000, 100_000].randomElement(using: &self)!
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...size, using: &self))
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}
