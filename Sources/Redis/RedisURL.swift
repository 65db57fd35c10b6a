/// Where a Redis is, and as whom one comes: `redis://[[user]:password@]host[:port][/database]`, with `rediss` over TLS.
///
/// Over TLS, `?ca=FILE` names the authorities to trust (a PEM file), and `?verify=none` trusts anyone. User, password and
/// file may be percent-encoded (RFC 3986, section 2.1).
public struct RedisURL: Equatable, Sendable, CustomStringConvertible {
    /// Why a text is none, as a sentence's end. Nothing of the text is in it that may be a password.
    public struct Invalid: Error, Equatable, Sendable, CustomStringConvertible {
        public let reason: String
        public var description: String { reason }
    }

    public static let standardPort = 6379

    /// Whether it is `rediss`.
    public var isSecure: Bool
    /// An IPv6 address is without its brackets.
    public var host: String
    public var port: Int
    public var user: String?
    public var password: String?
    public var database: Int
    /// What the URL says of it.
    public var trust: RedisTrust

    public init(_ text: String) throws(Invalid) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
            throw Invalid(reason: "holds a space or a control character")
        }
        let rest: Substring
        (isSecure, rest) = try Self.scheme(text)
        let authority = rest.prefix { !"/?#".contains($0) }
        let behind = rest[authority.endIndex...]
        guard authority.contains("@") || !behind.contains("@") else {
            throw Invalid(reason: "has a '/', '?' or '#' before its '@': in a password they are %2F, %3F and %23")
        }
        let hostAndPort: Substring
        if let at = authority.lastIndex(of: "@") {
            (user, password) = try Self.credentials(authority[..<at])
            hostAndPort = authority[authority.index(after: at)...]
        } else {
            (user, password) = (nil, nil)
            hostAndPort = authority
        }
        (host, port) = try Self.hostAndPort(hostAndPort)
        guard !behind.contains("#") else { throw Invalid(reason: "has a fragment ('#'), which means nothing here") }
        let path = behind.prefix { $0 != "?" }
        database = try Self.database(path)
        trust = try Self.trust(behind[path.endIndex...].dropFirst(), isSecure: isSecure)
    }

    /// The URL with its password masked.
    public var description: String {
        let credentials = password == nil ? "" : "\(user ?? ""):***@"
        return "\(isSecure ? "rediss" : "redis")://\(credentials)\(place)\(database == 0 ? "" : "/\(database)")"
    }

    /// Host and port, for people.
    public var place: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether the file of authorities that it names is one.
    public func checkAuthorities() throws(Invalid) {
        guard case .file(let path) = trust else { return }
        do throws(RedisError) { _ = try RedisConnector.certificates(path) } catch {
            throw Invalid(reason: "names no authorities: \(error)")
        }
    }

    // MARK: parts

    private static func scheme(_ text: String) throws(Invalid) -> (isSecure: Bool, rest: Substring) {
        for (scheme, isSecure) in [("redis://", false), ("rediss://", true)]
        where text.prefix(scheme.count).lowercased() == scheme {
            return (isSecure, text.dropFirst(scheme.count))
        }
        throw Invalid(reason: "must begin with redis:// or rediss://")
    }

    private static func credentials(_ text: Substring) throws(Invalid) -> (user: String?, password: String?) {
        guard let colon = text.firstIndex(of: ":") else {
            throw Invalid(reason: "has a user without a password (expected user:password@ or :password@)")
        }
        let user = try decoded(text[..<colon], "user")
        let password = try decoded(text[text.index(after: colon)...], "password")
        if user.isEmpty { return (nil, password.isEmpty ? nil : password) }
        return (user, password)
    }

    private static func hostAndPort(_ text: Substring) throws(Invalid) -> (String, Int) {
        let host: Substring
        let behind: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw Invalid(reason: "has a '[' without its ']'") }
            host = text[text.index(after: text.startIndex)..<end]
            behind = text[text.index(after: end)...]
            guard host.contains(":"), host.utf8.allSatisfy({ hexValue($0) != nil || ":.".utf8.contains($0) }) else {
                throw Invalid(reason: "must have an IPv6 address in its brackets")
            }
        } else {
            host = text.prefix { $0 != ":" }
            behind = text[host.endIndex...]
            guard !host.isEmpty else { throw Invalid(reason: "has no host") }
            guard host.utf8.allSatisfy({ isLetter($0) || isDigit($0) || "-._~".utf8.contains($0) }) else {
                throw Invalid(reason: "must have a host of ASCII letters, digits, '-', '_' and '.'")
            }
        }
        if behind.isEmpty || behind == ":" { return (host.lowercased(), standardPort) }
        guard behind.hasPrefix(":"), let port = number(behind.dropFirst()), (1...65535).contains(port) else {
            throw Invalid(reason: "must have a port from 1 to 65535")
        }
        return (host.lowercased(), port)
    }

    private static func database(_ path: Substring) throws(Invalid) -> Int {
        if path.isEmpty || path == "/" { return 0 }
        guard let database = number(path.dropFirst()), database <= Int(Int32.max) else {
            throw Invalid(reason: "must have a number for a database behind its '/'")
        }
        return database
    }

    private static func trust(_ query: Substring, isSecure: Bool) throws(Invalid) -> RedisTrust {
        var trust: RedisTrust?
        for pair in query.split(separator: "&") {
            guard isSecure else { throw Invalid(reason: "has a query, which only rediss:// may have") }
            guard trust == nil else { throw Invalid(reason: "must have only one of ca=FILE and verify=none") }
            if pair.hasPrefix("ca="), pair != "ca=" {
                trust = .file(try decoded(pair.dropFirst(3), "file"))
            } else if pair == "verify=none" {
                trust = .anyone
            } else {
                throw Invalid(reason: "has a query that is neither ca=FILE nor verify=none")
            }
        }
        return trust ?? .system
    }

    private static func decoded(_ text: Substring, _ what: String) throws(Invalid) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                throw Invalid(
                    reason: "must have two hexadecimal digits behind each '%' of its \(what) ('%' itself is %25)")
            }
            bytes.append(high << 4 | low)
        }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Invalid(reason: "must have a \(what) in UTF-8")
        }
        return text
    }

    private static func number(_ digits: Substring) -> Int? {
        digits.utf8.allSatisfy(isDigit) ? Int(digits) : nil
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - 0x30 }
        let letter = byte | 0x20
        return (0x61...0x66).contains(letter) ? letter - 0x57 : nil
    }
}
