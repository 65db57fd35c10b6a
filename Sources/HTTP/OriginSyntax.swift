/// What an origin looks like in the `Origin` header (RFC 6454, 6.2, and WHATWG URL for its parts).
public enum OriginSyntax {
    /// Whether a browser may send this text: anything else would never match a request.
    public static func isValid(_ text: String) -> Bool {
        if text == "null" { return true }
        let bytes = text.utf8
        let scheme = bytes.prefix { $0 != UInt8(ascii: ":") }
        guard isScheme(scheme), bytes.dropFirst(scheme.count).starts(with: "://".utf8) else { return false }
        let authority = bytes.dropFirst(scheme.count + 3)
        if scheme.elementsEqual("file".utf8) { return authority.isEmpty }
        guard authority.first == UInt8(ascii: "[") else { return isNamed(authority, scheme: scheme) }
        guard let end = authority.lastIndex(of: UInt8(ascii: "]")) else { return false }
        let address = Substring(authority[authority.index(after: authority.startIndex)..<end])
        guard address.utf8.contains(UInt8(ascii: ":")), IPAddress(address) != nil,
            !address.utf8.contains(where: (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains)
        else { return false }
        let rest = authority[authority.index(after: end)...]
        return rest.isEmpty || rest.first == UInt8(ascii: ":") && isPort(rest.dropFirst(), scheme: scheme)
    }

    private static func isScheme(_ scheme: Substring.UTF8View) -> Bool {
        guard let first = scheme.first, isLetter(first) else { return false }
        return scheme.allSatisfy { isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) }
    }

    private static func isNamed(_ authority: Substring.UTF8View, scheme: Substring.UTF8View) -> Bool {
        let host = authority.prefix { $0 != UInt8(ascii: ":") }
        guard !host.isEmpty, host.allSatisfy({ isLetter($0) || isDigit($0) || "-._~%".utf8.contains($0) }) else {
            return false
        }
        let rest = authority.dropFirst(host.count)
        return rest.isEmpty || isPort(rest.dropFirst(), scheme: scheme)
    }

    /// A scheme's own port is left out.
    private static func isPort(_ text: Substring.UTF8View, scheme: Substring.UTF8View) -> Bool {
        guard let first = text.first, first != UInt8(ascii: "0"), text.count <= 5, text.allSatisfy(isDigit),
            let port = Int(Substring(text)), port <= 65535
        else { return false }
        switch port {
        case 80: return !scheme.elementsEqual("http".utf8)
        case 443: return !scheme.elementsEqual("https".utf8)
        default: return true
        }
    }

    /// Browsers send lower case only.
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
