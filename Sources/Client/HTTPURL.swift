/// An `http` or `https` URL as a request needs it (RFC 9110, section 4.2; the syntax is that of RFC 3986).
public struct HTTPURL: Equatable, Sendable, CustomStringConvertible {
    /// Why a text is none, as a sentence's end.
    public struct Invalid: Error, Equatable, Sendable { public let reason: String }

    /// Whether it is `https`.
    public let isSecure: Bool
    /// In lower case; an IPv6 address without its brackets.
    public let host: String
    public let port: Int
    /// Path and query as they stand in a request line (RFC 9112, section 3.2.1), beginning with "/".
    public let target: String

    private init(isSecure: Bool, host: String, port: Int, target: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.target = target
    }

    /// Bytes of path and query that no URL may hold are percent-encoded; a fragment is left out.
    public init(_ text: String) throws(Invalid) {
        try Self.refuseControls(text)
        guard let scheme = Self.scheme(of: text) else {
            throw Invalid(reason: "must begin with http:// or https://")
        }
        guard scheme == "http" || scheme == "https" else {
            throw Invalid(reason: "must begin with http:// or https://, not \(scheme):")
        }
        let rest = text.dropFirst(scheme.count + 1)
        guard rest.hasPrefix("//") else { throw Invalid(reason: "must begin with \(scheme)://") }
        let authority = rest.dropFirst(2).prefix { !"/?#".contains($0) }
        isSecure = scheme == "https"
        (host, port) = try Self.hostAndPort(authority, default: isSecure ? 443 : 80)
        target = Self.target(rest[authority.endIndex...])
    }

    public var description: String { "\(isSecure ? "https" : "http")://\(authority)\(target)" }

    /// The value of the field `Host`: the port only where it is not the scheme's own.
    public var authority: String { port == (isSecure ? 443 : 80) ? bracketedHost : "\(bracketedHost):\(port)" }

    /// Host and port, for people.
    public var place: String { "\(bracketedHost):\(port)" }

    private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    public func hasSameOrigin(as other: HTTPURL) -> Bool {
        (isSecure, host, port) == (other.isSecure, other.host, other.port)
    }

    /// What a reference in a document at this URL means, such as the value of a `Location` (RFC 3986, section 5.2).
    public func resolving(_ reference: String) throws(Invalid) -> HTTPURL {
        if Self.scheme(of: reference) != nil { return try HTTPURL(reference) }
        if reference.hasPrefix("//") { return try HTTPURL("\(isSecure ? "https" : "http"):\(reference)") }
        try Self.refuseControls(reference)
        let path = target.prefix { $0 != "?" }
        let place: Substring
        switch reference.first {
        case nil, "#": place = target[...]
        case "?": place = path + reference
        case "/": place = reference[...]
        default: place = path[...path.lastIndex(of: "/")!] + reference
        }
        return HTTPURL(isSecure: isSecure, host: host, port: port, target: Self.target(place))
    }

    // MARK: parts

    private static func refuseControls(_ text: String) throws(Invalid) {
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw Invalid(reason: "holds a control character")
        }
    }

    /// In lower case (RFC 3986, section 3.1); nil for a relative reference.
    private static func scheme(of text: String) -> String? {
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let scheme = text[..<colon]
        guard let first = scheme.utf8.first, isLetter(first),
            scheme.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "+-.".utf8.contains($0) })
        else { return nil }
        return scheme.lowercased()
    }

    private static func hostAndPort(_ authority: Substring, default standard: Int) throws(Invalid) -> (String, Int) {
        guard !authority.contains("@") else {
            throw Invalid(reason: "must not hold a user name or password; send an Authorization field instead")
        }
        let host: Substring
        let afterHost: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { throw Invalid(reason: "has a '[' without its ']'") }
            host = authority[authority.index(after: authority.startIndex)..<end]
            afterHost = authority[authority.index(after: end)...]
            guard host.contains(":"), host.utf8.allSatisfy({ isHexDigit($0) || ":.".utf8.contains($0) }) else {
                throw Invalid(reason: "must have an IPv6 address in its brackets")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            afterHost = authority[host.endIndex...]
            guard !host.isEmpty else { throw Invalid(reason: "has no host") }
            guard host.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "-._~".utf8.contains($0) }) else {
                throw Invalid(reason: "must have a host of ASCII letters, digits, '-' and '.'")
            }
        }
        return (host.lowercased(), try port(afterHost) ?? standard)
    }

    private static func port(_ text: Substring) throws(Invalid) -> Int? {
        if text.isEmpty || text == ":" { return nil }
        guard text.hasPrefix(":"), text.dropFirst().utf8.allSatisfy(isDigit), let port = Int(text.dropFirst()),
            (1...65535).contains(port)
        else { throw Invalid(reason: "must have a port from 1 to 65535") }
        return port
    }

    /// The request target of a path, a query and a fragment.
    private static func target(_ text: Substring) -> String {
        let text = text.prefix { $0 != "#" }
        let path = text.prefix { $0 != "?" }
        return encoded(withoutDots(path) + text[path.endIndex...])
    }

    /// RFC 3986, section 5.2.4.
    private static func withoutDots(_ path: Substring) -> String {
        var segments: [Substring] = []
        let given = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, segment) in given.enumerated() {
            let isLast = index == given.count - 1
            switch segment {
            case ".": if isLast { segments.append("") }
            case "..":
                _ = segments.popLast()
                if isLast { segments.append("") }
            default: segments.append(segment)
            }
        }
        return "/" + segments.joined(separator: "/")
    }

    private static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte > 0x20, byte < 0x7F, !"\"#<>\\^`{|}".utf8.contains(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66).contains(byte | 0x20) }
}
