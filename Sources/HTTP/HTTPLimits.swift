public import NIOCore

/// What a client may send.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of a request's body; more is answered by 413.
    public var maxBodyBytes: Int
    /// Bytes of all header fields; more is answered by 431.
    public var maxHeaderBytes: Int
    /// Number of header fields; more is answered by 431.
    public var maxHeaderFields: Int
    /// Bytes of a request's target; more is answered by 414.
    public var maxTargetBytes: Int
    /// Connections of the whole server, streams among them; more are answered by 503.
    public var maxConnections: Int
    /// Connections from one address; more are answered by 429.
    public var maxConnectionsPerAddress: Int
    /// For the whole handshake; then the connection is closed. Nil for any time.
    public var tlsHandshakeTimeout: TimeAmount?

    /// 1 MiB of body, 16 KiB of headers in 100 fields, 8 KiB of target, any number of connections, 10 s for TLS.
    public init(
        maxBodyBytes: Int = 1 << 20, maxHeaderBytes: Int = 16 << 10, maxHeaderFields: Int = 100,
        maxTargetBytes: Int = 8 << 10, maxConnections: Int = .max, maxConnectionsPerAddress: Int = .max,
        tlsHandshakeTimeout: TimeAmount? = .seconds(10)
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.maxHeaderBytes = maxHeaderBytes
        self.maxHeaderFields = maxHeaderFields
        self.maxTargetBytes = maxTargetBytes
        self.maxConnections = maxConnections
        self.maxConnectionsPerAddress = maxConnectionsPerAddress
        self.tlsHandshakeTimeout = tlsHandshakeTimeout
    }
}
