public import EventStream
public import HTTPTypes
public import NIOCore

/// Who answers requests that match a route: the scripts, through their host. `HTTP` knows no Lua.
public protocol Responder: Sendable {
    /// Called on the connection's loop. The exchange is answered once, from any thread, now or later.
    func respond(to request: Request, as destination: Destination, exchange: Exchange)
    /// Called on the connection's loop when the client of an exchange is gone before it had its answer.
    func clientGone(exchange: Exchange.ID)
    /// Called on the connection's loop when the kernel has taken all of an answer that reports its end.
    func answered(_ exchange: Exchange.ID)
    /// Called on the connection's loop when a request that touched no script has been answered.
    func completed(_ summary: RequestSummary)
}

/// For what a request comes to the responder.
public enum Destination: Sendable {
    /// The route of that number.
    case route(Int)
    /// No route matches, but the responder looks at every request of such a path. What it does not answer itself it gives
    /// back by `Exchange.goOn`.
    case interceptors
    /// Nothing is at the path; the answer gets these headers.
    case notFound(adding: HTTPFields)
}

/// One answered request, for signals and logs.
public struct RequestSummary: Sendable {
    /// Empty for one that was refused before it was understood.
    public let method: String
    public let path: String
    /// As it came, with the query, which may hold secrets.
    public let target: String
    public let status: Int
    /// From the end of the request to the start of the answer.
    public let seconds: Double
    /// Who has asked.
    public let client: SocketAddress?
}

/// What a stream is opened with.
public struct StreamOpening: Sendable {
    public let id: Int
    public let ledger: StreamLedger
    public let limits: StreamLimits
    /// Milliseconds; sent first.
    public let retry: Int?
    public let headers: [(name: String, value: String)]
    /// The event that comes before all others.
    public let welcome: ByteBuffer?

    public init(
        id: Int, ledger: StreamLedger, limits: StreamLimits, retry: Int?, headers: [(name: String, value: String)],
        welcome: ByteBuffer? = nil
    ) {
        self.welcome = welcome
        self.id = id
        self.ledger = ledger
        self.limits = limits
        self.retry = retry
        self.headers = headers
    }
}
