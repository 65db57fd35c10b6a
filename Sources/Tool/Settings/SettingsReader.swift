/// Reads one line of `mooncast.toml`: the part of TOML 1.0 that settings need. A line is blank, a comment, or a key with
/// a string, a number, true or false. Tables, arrays, dates and values of several lines are errors.
struct SettingsReader {
    /// What is wrong with a line, as a message's end.
    struct Mistake: Error, Equatable { let message: String }

    private var rest: Substring.UTF8View

    init(_ line: Substring.UTF8View) { rest = line }

    /// The key and value of the line; nil when it has none.
    mutating func entry() throws(Mistake) -> (key: String, value: SettingsFile.Value)? {
        guard !rest.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            throw Mistake(message: "holds a control character")
        }
        skipSpace()
        if isAtEnd { return nil }
        if rest.first == UInt8(ascii: "[") { throw Mistake(message: "unknown table (settings are in none)") }
        let key = try key()
        skipSpace()
        guard rest.first == UInt8(ascii: "=") else {
            throw Mistake(message: "expected '=' after the key '\(key)'")
        }
        rest.removeFirst()
        skipSpace()
        let value = try value()
        skipSpace()
        guard isAtEnd else { throw Mistake(message: "expected the end of the line, got '\(text(of: rest))'") }
        return (key, value)
    }

    // MARK: parts of a line

    private var isAtEnd: Bool { rest.isEmpty || rest.first == UInt8(ascii: "#") }

    private mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

    private func text(of bytes: Substring.UTF8View) -> String { String(Substring(bytes)) }

    private mutating func take(while condition: (UInt8) -> Bool) -> String {
        let taken = rest.prefix(while: condition)
        rest = rest[taken.endIndex...]
        return text(of: taken)
    }

    private mutating func key() throws(Mistake) -> String {
        if rest.first == UInt8(ascii: "\"") || rest.first == UInt8(ascii: "'") { return try string() }
        let key = take { Self.isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
        guard !key.isEmpty else { throw Mistake(message: "expected a key, got '\(text(of: rest))'") }
        return key
    }

    private mutating func value() throws(Mistake) -> SettingsFile.Value {
        if rest.first == UInt8(ascii: "\"") || rest.first == UInt8(ascii: "'") { return .text(try string()) }
        let word = take { $0 != 0x20 && $0 != 0x09 && $0 != UInt8(ascii: "#") }
        switch word {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        default:
            guard let number = SettingsNumber.value(word) else {
                let found = word.isEmpty ? "nothing" : "'\(word)'"
                throw Mistake(message: "expected a string, a number, true or false, got \(found)")
            }
            return number
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    // MARK: strings

    private mutating func string() throws(Mistake) -> String {
        let quote = rest.removeFirst()
        let isLiteral = quote == UInt8(ascii: "'")
        if rest.starts(with: [quote, quote]) { throw Mistake(message: "a string must be on one line") }
        var string = ""
        while true {
            string += take { $0 != quote && (isLiteral || $0 != UInt8(ascii: "\\")) }
            guard let end = rest.popFirst() else { throw Mistake(message: "a string without its closing quote") }
            if end == quote { return string }
            string.unicodeScalars.append(try escape())
        }
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(Mistake) -> Unicode.Scalar {
        switch rest.popFirst().map(Unicode.Scalar.init) {
        case "b": return "\u{8}"
        case "t": return "\t"
        case "n": return "\n"
        case "f": return "\u{C}"
        case "r": return "\r"
        case "\"": return "\""
        case "\\": return "\\"
        case "u": return try scalar(digits: 4)
        case "U": return try scalar(digits: 8)
        default: throw Mistake(message: "unknown escape in a string (a backslash is written as \\\\)")
        }
    }

    private mutating func scalar(digits: Int) throws(Mistake) -> Unicode.Scalar {
        let hex = rest.prefix(digits)
        rest = rest[hex.endIndex...]
        guard hex.count == digits, hex.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let scalar = UInt32(text(of: hex), radix: 16).flatMap(Unicode.Scalar.init)
        else { throw Mistake(message: "a string with an escape that is no character") }
        return scalar
    }
}
