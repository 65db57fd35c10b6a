public import NIOCore

/// What a client may send, and how long it may take. `.max` and nil stand for no limit.
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
    /// From the first byte of a request, or a connection's begin, to the end of the head; then it is answered by 408.
    public var headerTimeout: TimeAmount?
    /// From the end of the head to the end of the body; then the request is answered by 408.
    public var bodyTimeout: TimeAmount?
    /// From an answer to the first byte of the next request; then the connection is closed.
    public var idleTimeout: TimeAmount?
    /// From a connection's begin to the end of its TLS handshake; then it is closed.
    public var tlsHandshakeTimeout: TimeAmount?
    /// Bytes that may wait for a client of an event stream that asks for no other number.
    public var maxBufferedBytes: Int

    /// 1 MiB of body, 16 KiB of headers in 100 fields, 8 KiB of target, any number of connections; 10 s for a head, 60 s
    /// for a body, 75 s between requests, 10 s for a handshake; 1 MiB for a slow client of a stream.
    public init(
        maxBodyBytes: Int = 1 << 20, maxHeaderBytes: Int = 16 << 10, maxHeaderFields: Int = 100,
        maxTargetBytes: Int = 8 << 10, maxConnections: Int = .max, maxConnectionsPerAddress: Int = .max,
        headerTimeout: TimeAmount? = .seconds(10), bodyTimeout: TimeAmount? = .seconds(60),
        idleTimeout: TimeAmount? = .seconds(75), tlsHandshakeTimeout: TimeAmount? = .seconds(10),
        maxBufferedBytes: Int = 1 << 20
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.maxHeaderBytes = maxHeaderBytes
        self.maxHeaderFields = maxHeaderFields
        self.maxTargetBytes = maxTargetBytes
        self.maxConnections = maxConnections
        self.maxConnectionsPerAddress = maxConnectionsPerAddress
        self.headerTimeout = headerTimeout
        self.bodyTimeout = bodyTimeout
        self.idleTimeout = idleTimeout
        self.tlsHandshakeTimeout = tlsHandshakeTimeout
        self.maxBufferedBytes = maxBufferedBytes
    }
}
