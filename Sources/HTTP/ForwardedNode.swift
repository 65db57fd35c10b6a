/// Whom a proxy has heard (RFC 7239, 6), as it says it.
enum ForwardedNode: Equatable {
    /// The port is 0 where it is not told.
    case address(IPAddress, port: Int)
    /// `unknown`, or a name that only the proxy knows: `_secret`.
    case hidden
    case malformed

    init(_ text: some StringProtocol) {
        self = Self.parse(Array(text.utf8)[...]) ?? .malformed
    }

    private static func parse(_ text: ArraySlice<UInt8>) -> ForwardedNode? {
        let colon = UInt8(ascii: ":")
        // X-Forwarded-For has IPv6 without brackets.
        if text.count(where: { $0 == colon }) > 1, text.first != UInt8(ascii: "[") {
            return address(text).map { .address($0, port: 0) }
        }
        let isBracketed = text.first == UInt8(ascii: "[")
        guard
            let end = isBracketed ? text.firstIndex(of: UInt8(ascii: "]")) : text.firstIndex(of: colon) ?? text.endIndex
        else { return nil }
        let name = isBracketed ? text[text.startIndex + 1..<end] : text[..<end]
        var rest = text[(isBracketed ? end + 1 : end)...]
        var port = 0
        if let first = rest.popFirst() {
            guard first == colon, let number = Self.port(rest) else { return nil }
            port = number
        }
        if isBracketed != name.contains(colon) { return nil }
        if !isBracketed, isObfuscated(name) || String(decoding: name, as: UTF8.self).lowercased() == "unknown" {
            return .hidden
        }
        return address(name).map { .address($0, port: port) }
    }

    private static func address(_ text: ArraySlice<UInt8>) -> IPAddress? {
        IPAddress(String(decoding: text, as: UTF8.self))
    }

    /// 0 for an obfuscated one.
    private static func port(_ text: ArraySlice<UInt8>) -> Int? {
        if isObfuscated(text) { return 0 }
        guard (1...5).contains(text.count), text.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains),
            let port = Int(String(decoding: text, as: UTF8.self)), port <= 65535
        else { return nil }
        return port
    }

    private static func isObfuscated(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.first == UInt8(ascii: "_"), text.count > 1 else { return false }
        return text.dropFirst().allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-".utf8.contains(byte)
            }
        }
    }
}
