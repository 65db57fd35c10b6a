/// A cookie for a client to keep, as the grammar for servers has it (RFC 6265bis, 4.1).
public struct SetCookie: Sendable {
    public enum SameSite: String, Sendable, CaseIterable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    public enum Expiry: Sendable {
        /// Seconds since 1970.
        case second(Int)
        /// A date as `HTTPDate` writes it.
        case date(String)
    }

    /// What a browser would not take, or take for something else.
    public enum Invalid: Error, Equatable, Sendable {
        case name, value, path, domain, maxAge, expires
        /// Name and value together are so many bytes.
        case tooLong(Int)
        /// `SameSite=None` without `Secure`.
        case crossSiteWithoutSecure
        /// `__Secure-` before the name, without `Secure`.
        case prefixWithoutSecure
        /// `__Host-` before the name, without `Secure` or the path `/`, or with a domain.
        case prefixOfHost
    }

    /// Bytes of name and value together that browsers take (RFC 6265bis, 5.7).
    public static let maxBytes = 4096

    public var name: String
    public var value: String
    public var path = "/"
    /// Nil: the host that sends it, without those below it.
    public var domain: String?
    /// In seconds; 0 removes the cookie.
    public var maxAge: Int?
    public var expires: Expiry?
    public var isSecure = false
    public var isHTTPOnly = false
    public var sameSite: SameSite?

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The value of a `Set-Cookie` header.
    public func line() throws(Invalid) -> String {
        try check()
        var line = "\(name)=\(value); Path=\(path)"
        if let domain { line += "; Domain=\(domain)" }
        // The grammar has no `Max-Age=0`.
        if let maxAge, maxAge > 0 { line += "; Max-Age=\(maxAge)" }
        if let expires = maxAge == 0 ? .second(0) : expires { line += "; Expires=\(try Self.date(expires))" }
        if isSecure { line += "; Secure" }
        if isHTTPOnly { line += "; HttpOnly" }
        if let sameSite { line += "; SameSite=\(sameSite.rawValue)" }
        return line
    }

    private func check() throws(Invalid) {
        guard Token.isToken(name.utf8) else { throw .name }
        guard Self.isValue(value) else { throw .value }
        let size = name.utf8.count + value.utf8.count
        guard size <= Self.maxBytes else { throw .tooLong(size) }
        guard path.utf8.first == UInt8(ascii: "/"), path.utf8.count <= 1024,
            path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ";") })
        else { throw .path }
        if let domain, !Self.isHostName(domain) { throw .domain }
        if let maxAge, maxAge < 0 { throw .maxAge }
        if let expires { _ = try Self.date(expires) }
        if sameSite == SameSite.none, !isSecure { throw .crossSiteWithoutSecure }
        // Browsers compare the prefixes without regard to case.
        if name.lowercased().hasPrefix("__secure-"), !isSecure { throw .prefixWithoutSecure }
        if name.lowercased().hasPrefix("__host-"), !isSecure || path != "/" || domain != nil { throw .prefixOfHost }
    }

    /// `cookie-value`: octets that need no encoding, perhaps between two quotes.
    private static func isValue(_ value: String) -> Bool {
        var octets = value.utf8[...]
        let quote = UInt8(ascii: "\"")
        if octets.count >= 2, octets.first == quote, octets.last == quote { octets = octets.dropFirst().dropLast() }
        return octets.allSatisfy { (0x21...0x7E).contains($0) && !"\",;\\".utf8.contains($0) }
    }

    /// `subdomain` (RFC 1034, 3.5; RFC 1123, 2.1).
    private static func isHostName(_ name: String) -> Bool {
        let hyphen = UInt8(ascii: "-")
        return name.utf8.count <= 253
            && name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
                (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                    && label.allSatisfy { $0 == hyphen || Token.isAlphanumeric($0) }
            }
    }

    private static func date(_ expiry: Expiry) throws(Invalid) -> String {
        switch expiry {
        case .date(let text):
            guard HTTPDate.second(of: text) != nil else { throw .expires }
            return text
        case .second(let second):
            guard HTTPDate.cookieSeconds.contains(second) else { throw .expires }
            return HTTPDate.string(second)
        }
    }
}
