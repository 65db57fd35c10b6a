import NIOCore

/// Whether Redis is still there: what is silent for too long is asked for a word, and given up when it owes one.
struct Liveness: Equatable {
    enum Verdict: Equatable {
        case alive(until: NIODeadline)
        /// It owes nothing: ask.
        case silent
        case dead
    }

    let patience: TimeAmount
    private var heardAt: NIODeadline
    /// When it was asked for something while it owed nothing.
    private var askedAt: NIODeadline

    init(patience: TimeAmount, now: NIODeadline) {
        self.patience = patience
        heardAt = now
        askedAt = now
    }

    mutating func heard(_ now: NIODeadline) { heardAt = now }

    /// Something is asked for, and nothing was owed before.
    mutating func asked(_ now: NIODeadline) { askedAt = now }

    func verdict(_ now: NIODeadline, owes: Bool) -> Verdict {
        let since = owes ? max(heardAt, askedAt) : heardAt
        if now < since + patience { return .alive(until: since + patience) }
        return owes ? .dead : .silent
    }
}
