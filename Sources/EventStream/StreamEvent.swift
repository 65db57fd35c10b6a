/// One event as its sender states it.
public struct StreamEvent: Equatable, Sendable {
    /// The `id:` field; nil writes none, an empty one resets the client's last event id.
    public var id: String?
    /// The `event:` field; empty writes none, so that the client takes it for a `message`.
    public var type: String
    /// The payload. CRLF, CR and LF all reach the client as LF.
    public var data: String
    /// The `retry:` field in milliseconds; nil writes none, a negative one counts as 0.
    public var retry: Int?

    public init(id: String? = nil, type: String = "", data: String, retry: Int? = nil) {
        self.id = id
        self.type = type
        self.data = data
        self.retry = retry
    }
}
