import Lua

/// Reads JSON (RFC 8259) and pushes it as Lua values. Integers stay integers where they fit; `null` is `JSON.null`.
struct JSONReader {
    /// What is wrong with the text, and at which byte.
    struct Failure: Error {
        let message: String
        let offset: Int
        var description: String { "\(message) at byte \(offset + 1)" }
    }

    private let bytes: UnsafeRawBufferPointer
    private let stack: LuaStack
    private let markers: JSONMarkers
    private var position = 0

    private static let maxDepth = 128

    init(_ bytes: UnsafeRawBufferPointer, stack: LuaStack, markers: JSONMarkers) {
        self.bytes = bytes
        self.stack = stack
        self.markers = markers
    }

    /// Pushes the one value that the text is. On failure the stack is as before.
    mutating func read() throws(Failure) {
        let top = stack.count
        do throws(Failure) {
            skipSpace()
            try value(depth: 0)
            skipSpace()
            guard position == bytes.count else { throw failure("text after the value") }
        } catch {
            stack.truncate(to: top)
            throw error
        }
    }

    private func failure(_ message: String) -> Failure { Failure(message: message, offset: position) }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(Failure) {
        guard let next else { throw failure("expected a value, found the end of the text") }
        switch next {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"):
            try word("true")
            stack.push(true)
        case UInt8(ascii: "f"):
            try word("false")
            stack.push(false)
        case UInt8(ascii: "n"):
            try word("null")
            markers.pushNull(on: stack)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw failure("expected a value")
        }
    }

    private mutating func word(_ text: StaticString) throws(Failure) {
        let end = position + text.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(
                UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        else { throw failure("expected '\(text)'") }
        position = end
    }

    private mutating func open(depth: Int) throws(Failure) {
        guard depth < Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth) levels") }
        do { try stack.reserve(8) } catch { throw failure("nested too deep") }
        position += 1
    }

    private mutating func object(depth: Int) throws(Failure) {
        try open(depth: depth)
        stack.pushTable()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
            try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("expected ':'") }
            position += 1
            skipSpace()
            try value(depth: depth + 1)
            stack.setTopPair(of: -3)
            skipSpace()
            switch next {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                position += 1
                return
            default: throw failure("expected ',' or '}'")
            }
        }
    }

    private mutating func array(depth: Int) throws(Failure) {
        try open(depth: depth)
        stack.pushTable()
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            markers.markArray(-1, of: stack)
            return
        }
        var count = 0
        while true {
            skipSpace()
            try value(depth: depth + 1)
            count += 1
            stack.setElement(count, of: -2)
            skipSpace()
            switch next {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return
            default: throw failure("expected ',' or ']'")
            }
        }
    }

    // MARK: numbers

    private mutating func number() throws(Failure) {
        let start = position
        var isInteger = true
        if next == UInt8(ascii: "-") { position += 1 }
        let firstDigit = position
        try digits()
        if position > firstDigit + 1, bytes[firstDigit] == UInt8(ascii: "0") {
            throw failure("a number must not begin with 0")
        }
        if next == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            try digits()
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let integer = Int(text) {
            stack.push(integer)
        } else if let number = Double(text), number.isFinite {
            stack.push(number)
        } else {
            throw failure("the number \(text.prefix(40)) is too large")
        }
    }

    private mutating func digits() throws(Failure) {
        let start = position
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw failure("expected a digit") }
    }

    // MARK: strings

    private mutating func string() throws(Failure) {
        position += 1
        let start = position
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        if next == UInt8(ascii: "\"") {
            stack.push(bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
            position += 1
            return
        }
        var text = Array(bytes[start..<position])
        while true {
            guard let byte = next else { throw failure("a string without its closing quote") }
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                text.withUnsafeBytes { stack.push(bytes: $0) }
                return
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20:
                position -= 1
                throw failure("a control character inside a string")
            default: text.append(byte)
            }
        }
    }

    private mutating func escape(into text: inout [UInt8]) throws(Failure) {
        guard let byte = next else { throw failure("a string without its closing quote") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try scalar()).utf8)
        default:
            position -= 1
            throw failure("an unknown escape")
        }
    }

    /// A `\u` escape, or a pair of them; half a pair becomes U+FFFD.
    private mutating func scalar() throws(Failure) -> Character {
        let high = try hexDigits()
        if (0xD800..<0xDC00).contains(high), position + 1 < bytes.count, next == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        {
            let mark = position
            position += 2
            let low = try hexDigits()
            if (0xDC00..<0xE000).contains(low) {
                return Character(Unicode.Scalar(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))!)
            }
            position = mark
        }
        return Character(Unicode.Scalar(high) ?? "\u{FFFD}")
    }

    private mutating func hexDigits() throws(Failure) -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure("expected four hex digits") }
        var value: UInt32 = 0
        for byte in bytes[position..<position + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("expected four hex digits")
            }
            value = value << 4 | UInt32(digit)
        }
        position += 4
        return value
    }
}
