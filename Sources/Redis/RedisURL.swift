/// Where a Redis is, and who one is there: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS.
///
/// Over TLS, `?ca=FILE` names the authorities to trust (a PEM file), and `?verify=none` trusts anyone.
public struct RedisURL: Equatable, Sendable, CustomStringConvertible {
    /// Why a text is none, as a sentence's end. No password is in it.
    public struct Invalid: Error, Equatable, Sendable, CustomStringConvertible {
        public let reason: String
        public var description: String { reason }
    }

    /// Whether it is `rediss`.
    public var isSecure: Bool
    /// An IPv6 address is without its brackets.
    public var host: String
    public var port: Int
    public var user: String?
    public var password: String?
    public var database: Int
    public var trust: RedisTrust

    public init(_ text: String) throws(Invalid) {
        throw Invalid(reason: "not written yet")
    }

    /// The URL with its password masked.
    public var description: String { "redis" }
}
