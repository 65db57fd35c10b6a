import NIOCore

/// How long a connection waits before it tries again: longer after each failure in a row, by a part that is drawn, so
/// that many nodes do not come back at once.
struct ReconnectDelay: Equatable {
    static let first = TimeAmount.milliseconds(500)
    static let longest = TimeAmount.seconds(10)
    static let factor = 1.5
    /// The part of it by which it is spread.
    static let spread = 0.1

    private var base = ReconnectDelay.first

    mutating func reset() { base = Self.first }

    /// - Parameter jitter: -1 to 1, drawn.
    mutating func next(jitter: Double) -> TimeAmount {
        defer { base = min(.nanoseconds(Int64(Double(base.nanoseconds) * Self.factor)), Self.longest) }
        return .nanoseconds(Int64(Double(base.nanoseconds) * (1 + Self.spread * jitter)))
    }
}
