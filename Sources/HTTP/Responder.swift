public import EventStream
public import NIOCore

/// Who answers requests that match a route: the scripts, through their host. `HTTP` knows no Lua.
public protocol Responder: Sendable {
    /// Called on the connection's loop. The exchange is answered once, from any thread, now or later.
    func respond(to request: Request, route: Int, exchange: Exchange)
    /// Called on the connection's loop when the client of an unanswered exchange is gone.
    func clientGone(exchange: Exchange.ID)
    /// Called on the connection's loop when a request that touched no script has been answered.
    func completed(_ summary: RequestSummary)
}

/// One answered request, for signals and logs.
public struct RequestSummary: Sendable {
    /// Empty for one that was refused before it was understood.
    public let method: String
    public let path: String
    public let status: Int
    /// From the end of the request to the start of the answer.
    public let seconds: Double
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
