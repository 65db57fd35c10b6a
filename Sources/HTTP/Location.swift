/// The value of a `Location` header (RFC 9110, 10.2.2).
public enum Location {
    /// The reference with every byte percent-encoded that a URI cannot hold (RFC 3986, 2): spaces, what is not ASCII, and
    /// `\`, which browsers would take for `/`. A `%` stays as it is. Nil for an empty one, or one with control characters.
    public static func encode(_ reference: some Collection<UInt8>) -> String? {
        guard !reference.isEmpty, reference.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        var encoded: [UInt8] = []
        for byte in reference {
            if byte < 0x80, !" \"<>\\^`{|}".utf8.contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static let hexDigits = Array("0123456789ABCDEF".utf8)
}
