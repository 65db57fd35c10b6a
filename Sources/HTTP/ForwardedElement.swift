/// One element of `Forwarded`: `for="[2001:db8::1]:4711";proto=https` (RFC 7239, 4).
struct ForwardedElement {
    private var values: [String: String] = [:]

    /// The value of a parameter, by its name in lower case.
    subscript(name: String) -> String? { values[name] }

    /// Nil when it is malformed, or says something twice.
    init?(_ bytes: ArraySlice<UInt8>) {
        var rest = OptionalWhitespace.trimmed(bytes)
        while let first = rest.first {
            guard first != UInt8(ascii: ";") else {
                rest = OptionalWhitespace.trimmed(rest.dropFirst())
                continue
            }
            let name = rest.prefix(while: Self.isTokenByte)
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "="), let value = Self.takeValue(&rest) else {
                return nil
            }
            let key = String(decoding: name, as: UTF8.self).lowercased()
            guard values.updateValue(value, forKey: key) == nil else { return nil }
            rest = OptionalWhitespace.trimmed(rest)
            guard rest.isEmpty || rest.first == UInt8(ascii: ";") else { return nil }
        }
    }

    /// A token, or a quoted string without its quotes (RFC 9110, 5.6.4).
    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard rest.first == UInt8(ascii: "\"") else {
            let token = rest.prefix(while: isTokenByte)
            rest = rest.dropFirst(token.count)
            return token.isEmpty ? nil : String(decoding: token, as: UTF8.self)
        }
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst() else { return nil }
                value.append(escaped)
            default: value.append(byte)
            }
        }
        return nil
    }

    /// RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
