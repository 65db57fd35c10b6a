import NIOCore

/// The life of a connection that comes back, without the connection: which attempt counts, when the next one comes, and
/// what is worth a line in the log.
struct RedisConnectionState {
    /// Names one attempt to connect, and the connection that comes of it. What is of an older one is void.
    typealias Attempt = Int

    enum Phase: Equatable {
        case idle
        /// TCP, TLS.
        case opening
        case greeting
        case connected
        /// For the next attempt.
        case waiting
        case closed
    }

    /// What follows from a loss.
    struct Loss: Equatable {
        let delay: TimeAmount
        /// Whether it is worth a warning: the first of a row is, and then one in a minute.
        let isNews: Bool
        /// The number of failures in this row.
        let failures: Int
    }

    static let warningInterval = TimeAmount.seconds(60)
    /// A connection that is dropped again so soon waits, as after a failure.
    static let dropInterval = TimeAmount.seconds(1)

    private(set) var phase = Phase.idle
    private(set) var attempt = 0
    private var delay = ReconnectDelay()
    private var failures = 0
    private var warnedAt: NIODeadline?
    private var droppedAt: NIODeadline?

    /// Whether to connect.
    mutating func open() -> Bool {
        guard phase == .idle else { return false }
        begin()
        return true
    }

    /// TCP, and TLS, stand. Whether to greet.
    mutating func opened(_ attempt: Attempt) -> Bool {
        guard attempt == self.attempt, phase == .opening else { return false }
        phase = .greeting
        return true
    }

    mutating func greeted() {
        phase = .connected
        delay.reset()
        failures = 0
        warnedAt = nil
    }

    /// The server is there, and not ready yet: it is asked again soon.
    mutating func loads() { delay.reset() }

    /// An attempt failed, or its connection broke. Nil when it was void already.
    mutating func lost(_ attempt: Attempt, now: NIODeadline, jitter: Double) -> Loss? {
        guard isCurrent(attempt) else { return nil }
        return lose(after: delay.next(jitter: jitter), now)
    }

    /// The owner gives the connection up. Nil when there is none.
    mutating func drop(now: NIODeadline, jitter: Double) -> Loss? {
        guard phase == .connected else { return nil }
        let isAgain = droppedAt.map { now < $0 + Self.dropInterval } ?? false
        droppedAt = now
        return lose(after: isAgain ? delay.next(jitter: jitter) : .zero, now)
    }

    /// Whether to connect, now that the time has come.
    mutating func retry() -> Bool {
        guard phase == .waiting else { return false }
        begin()
        return true
    }

    /// False when it was closed before.
    mutating func close() -> Bool {
        guard phase != .closed else { return false }
        phase = .closed
        attempt += 1
        return true
    }

    func isCurrent(_ attempt: Attempt) -> Bool {
        guard attempt == self.attempt else { return false }
        return phase == .opening || phase == .greeting || phase == .connected
    }

    private mutating func begin() {
        attempt += 1
        phase = .opening
    }

    private mutating func lose(after delay: TimeAmount, _ now: NIODeadline) -> Loss {
        phase = .waiting
        failures += 1
        let isNews = warnedAt.map { now >= $0 + Self.warningInterval } ?? true
        if isNews { warnedAt = now }
        return Loss(delay: delay, isNews: isNews, failures: failures)
    }
}
