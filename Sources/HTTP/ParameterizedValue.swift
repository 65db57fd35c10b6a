/// A header value with parameters, as `form-data; name="a"` (RFC 9110, 5.6.6).
struct ParameterizedValue {
    /// What stands before the parameters, in lower case.
    let value: String
    /// By their names in lower case.
    let parameters: [String: [UInt8]]

    /// Nil for a value that does not follow the grammar, and for one that names a parameter twice: of two readers, each
    /// could take another one.
    init?(_ header: some Sequence<UInt8>) {
        var reader = Reader(bytes: Array(header))
        reader.skipSpace()
        let value = reader.take { Token.contains($0) || $0 == UInt8(ascii: "/") }
        guard !value.isEmpty else { return nil }
        reader.skipSpace()
        var parameters: [String: [UInt8]] = [:]
        while reader.next != nil {
            guard reader.skip(UInt8(ascii: ";")) else { return nil }
            reader.skipSpace()
            guard let first = reader.next, first != UInt8(ascii: ";") else { continue }
            let name = reader.take(while: Token.contains)
            guard !name.isEmpty, reader.skip(UInt8(ascii: "=")), let value = reader.parameterValue() else { return nil }
            let key = String(decoding: name, as: UTF8.self).lowercased()
            guard parameters.updateValue(value, forKey: key) == nil else { return nil }
            reader.skipSpace()
        }
        self.value = String(decoding: value, as: UTF8.self).lowercased()
        self.parameters = parameters
    }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        var next: UInt8? { index < bytes.count ? bytes[index] : nil }

        mutating func skip(_ byte: UInt8) -> Bool {
            guard next == byte else { return false }
            index += 1
            return true
        }

        mutating func skipSpace() { while skip(UInt8(ascii: " ")) || skip(UInt8(ascii: "\t")) {} }

        mutating func take(while isPart: (UInt8) -> Bool) -> ArraySlice<UInt8> {
            let start = index
            while let byte = next, isPart(byte) { index += 1 }
            return bytes[start..<index]
        }

        /// A quoted string, or what stands before a space or `;`: more than a token, since some clients quote nothing.
        mutating func parameterValue() -> [UInt8]? {
            if skip(UInt8(ascii: "\"")) { return quotedRest() }
            let value = take {
                ![UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: ";"), UInt8(ascii: "\"")].contains($0)
            }
            return value.isEmpty ? nil : Array(value)
        }

        /// The rest of a quoted string. A backslash quotes a quote or a backslash only: before anything else browsers
        /// mean the backslash itself, as in `C:\photo.png`.
        private mutating func quotedRest() -> [UInt8]? {
            var value: [UInt8] = []
            while let byte = next {
                index += 1
                switch byte {
                case UInt8(ascii: "\""): return value
                case UInt8(ascii: "\\"):
                    if let quoted = next, quoted == UInt8(ascii: "\"") || quoted == UInt8(ascii: "\\") {
                        index += 1
                        value.append(quoted)
                    } else {
                        value.append(byte)
                    }
                default: value.append(byte)
                }
            }
            return nil
        }
    }
}
