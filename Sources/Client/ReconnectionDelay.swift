import NIOCore

/// How long an event source waits before it asks again.
///
/// After a stream that was open: the reconnection time. After failures in a row: longer each time, by a part that is
/// drawn, so that many clients do not come back at once (WHATWG HTML, "Reestablish the connection", allows both).
struct ReconnectionDelay: Sendable, Equatable {
    /// Until the server says otherwise.
    static let standard = TimeAmount.seconds(3)
    /// A server that asks for no delay is not asked without one.
    static let shortest = TimeAmount.milliseconds(100)
    static let longest = TimeAmount.hours(24)
    /// What is added to the reconnection time while the server is away.
    static let mostAdded = TimeAmount.seconds(60)

    private(set) var time = standard
    private var failures = 0

    /// The server's `retry:`, in milliseconds.
    mutating func setTime(milliseconds: Int) {
        let most = Int(Self.longest.nanoseconds / 1_000_000)
        time = max(Self.shortest, .milliseconds(Int64(min(milliseconds, most))))
    }

    mutating func succeeded() { failures = 0 }
    mutating func failed() { failures += 1 }

    /// - Parameter jitter: 0 to 1, drawn.
    func next(jitter: Double) -> TimeAmount {
        guard failures > 0 else { return time }
        let base = max(time, .seconds(1)).nanoseconds
        let factor = Int64(1) << min(failures - 1, 6)
        let (product, overflows) = base.multipliedReportingOverflow(by: factor)
        let added = overflows ? Self.mostAdded.nanoseconds : min(product, Self.mostAdded.nanoseconds)
        return time + .nanoseconds(Int64(Double(added) * jitter))
    }
}
