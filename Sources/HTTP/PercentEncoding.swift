/// Percent-decoding (RFC 3986, 2.1) and the pairs of a form or query.
public enum PercentEncoding {
    /// Decodes `%41` to `A`; nil for a `%` without two hex digits. Invalid UTF-8 becomes U+FFFD.
    public static func decode(_ text: some StringProtocol) -> String? {
        decode(bytes: text.utf8).map { String(decoding: $0, as: UTF8.self) }
    }

    static func decode(bytes: some Collection<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                decoded.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
            decoded.append(high << 4 | low)
        }
        return decoded
    }

    /// Encodes a path's segment: every byte but the unreserved ones (RFC 3986, 2.3).
    static func encode(_ segment: String) -> String {
        var encoded = ""
        for byte in segment.utf8 {
            if isUnreserved(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }

    /// `a=1&b=%20+` as pairs. A broken escape stays as it is (WHATWG URL); a pair without `=` has an empty value.
    public static func formPairs(_ text: some StringProtocol) -> [(name: String, value: String)] {
        var text = String(text)
        return text.withUTF8 { formPairs(UnsafeRawBufferPointer($0), limit: .max) } ?? []
    }

    /// The same of bytes; nil where there are more than `limit` pairs.
    static func formPairs(_ bytes: UnsafeRawBufferPointer, limit: Int) -> [(name: String, value: String)]? {
        var pairs: [(name: String, value: String)] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
            let pair = rest[..<end]
            rest = rest[end...].dropFirst()
            guard !pair.isEmpty else { continue }
            guard pairs.count < limit else { return nil }
            let mark = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            pairs.append((formValue(pair[..<mark]), formValue(pair[mark...].dropFirst())))
        }
        return pairs
    }

    private static func formValue(_ encoded: Slice<UnsafeRawBufferPointer>) -> String {
        guard encoded.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "%") }) else {
            return String(decoding: encoded, as: UTF8.self)
        }
        var bytes = Array(encoded)
        var length = 0
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            if byte == UInt8(ascii: "+") { byte = UInt8(ascii: " ") }
            if byte == UInt8(ascii: "%"), index + 2 < bytes.count,
                let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
            {
                byte = high << 4 | low
                index += 2
            }
            bytes[length] = byte
            length += 1
            index += 1
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
