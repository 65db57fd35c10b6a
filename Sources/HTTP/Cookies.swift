public import HTTPTypes

/// The cookies that a client sends (RFC 6265, 4.2 and 5.4).
public enum Cookies {
    /// In the order of the header, which is the browser's: the one of the longest path first.
    ///
    /// Nothing is decoded, and quotes belong to the value. What has no `=`, or no name before it, is no cookie.
    public static func pairs(_ headers: HTTPFields) -> [(name: String, value: String)] {
        headers[values: .cookie].flatMap { header in
            // By bytes: to `Character`, a separator before a combining mark is something else.
            header.utf8.split(separator: UInt8(ascii: ";")).compactMap { pair -> (name: String, value: String)? in
                guard let mark = pair.firstIndex(of: UInt8(ascii: "=")) else { return nil }
                let name = trimmed(pair[..<mark])
                return name.isEmpty ? nil : (name, trimmed(pair[mark...].dropFirst()))
            }
        }
    }

    private static func trimmed(_ text: Substring.UTF8View) -> String {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        guard let end = text.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(Substring(text[...end].drop(while: isBlank)))
    }
}
