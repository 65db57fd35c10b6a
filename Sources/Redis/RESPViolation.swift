/// How bytes are not RESP2, as the end of a sentence.
public enum RESPViolation: Error, Equatable, Sendable, CustomStringConvertible {
    /// No value begins with this byte.
    case unknownType(UInt8)
    /// A CR or an LF that is not one half of a line's end.
    case bareLineEnd
    case lineTooLong
    /// An integer that is none, has leading zeros, or does not fit 64 bits.
    case badInteger
    case badBulkLength
    case bulkTooLong(Int64)
    /// No CR LF behind a bulk string's bytes.
    case bulkWithoutEnd
    case badArrayLength
    case tooManyElements
    case nestedTooDeep

    public var description: String {
        switch self {
        case .unknownType(let byte): "a value begins with \(Self.shown(byte))"
        case .bareLineEnd: "a CR or LF stands alone"
        case .lineTooLong: "a line is too long"
        case .badInteger: "an integer is none"
        case .badBulkLength: "a bulk string's length is none"
        case .bulkTooLong(let length): "a bulk string of \(length) bytes is too long"
        case .bulkWithoutEnd: "no CR LF follows a bulk string"
        case .badArrayLength: "an array's length is none"
        case .tooManyElements: "an array has too many elements"
        case .nestedTooDeep: "arrays are nested too deep"
        }
    }

    private static func shown(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
        let digits = String(byte, radix: 16, uppercase: true)
        return "the byte 0x" + (digits.utf8.count == 1 ? "0" + digits : digits)
    }
}
