public import HTTPTypes
public import NIOCore

/// One request, whole: its head is parsed and its body collected.
public struct Request: Sendable {
    public var method: HTTPRequest.Method
    /// The target as it came, with the query.
    public var target: RequestTarget
    public var headers: HTTPFields
    public var body: ByteBuffer
    /// The peer's address; the port is 0 where there is none.
    public var clientAddress: SocketAddress?
    /// Whether it came as HTTP/1.0; else as HTTP/1.1.
    public var isHTTP10 = false
    /// Whether it came over TLS.
    public var isSecure = false
    public var pathParameters: [(name: String, value: String)] = []

    public init(
        method: HTTPRequest.Method,
        target: RequestTarget,
        headers: HTTPFields = [:],
        body: ByteBuffer = ByteBuffer(),
        clientAddress: SocketAddress? = nil
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.clientAddress = clientAddress
    }
}
