/// Why a stream ended, in the words that scripts get.
public enum CloseReason: String, CaseIterable, Sendable {
    /// The client left.
    case client
    /// A script closed it.
    case server
    /// It took too little for its byte budget.
    case slow
    /// No event was sent to it for its inactivity duration.
    case inactive
    /// Its lifetime is over.
    case lifetime
    /// Its handler raised, or its connection failed.
    case error
    /// The server stops.
    case shutdown
}
