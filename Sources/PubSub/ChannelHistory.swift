import NIOCore

/// What one channel keeps, bounded by count and age.
final class ChannelHistory {
    struct Entry {
        let publication: Publication
        let time: NIODeadline
    }

    var rule: HistoryRule
    private(set) var entries = CircularBuffer<Entry>()
    /// The sequence number of the channel's last publication, kept or not; 0 for none.
    private(set) var last: UInt64

    private let onDrop: (Publication) -> Void

    /// `onDrop` is told of each publication that is kept no more.
    init(rule: HistoryRule, last: UInt64, onDrop: @escaping (Publication) -> Void) {
        self.rule = rule
        self.last = last
        self.onDrop = onDrop
    }

    func append(_ publication: Publication, now: NIODeadline) {
        last = publication.id.sequence
        guard rule.count > 0 else { return onDrop(publication) }
        entries.append(Entry(publication: publication, time: now))
        trim(now: now)
    }

    /// Drops what is over the rule's bounds.
    func trim(now: NIODeadline) {
        while entries.count > rule.count { onDrop(entries.removeFirst().publication) }
        while let first = entries.first, first.time + rule.maxAge <= now { onDrop(entries.removeFirst().publication) }
    }

    /// What came after a sequence number, and whether something of it is missing.
    func since(_ sequence: UInt64) -> (publications: [Publication], isComplete: Bool) {
        let found = entries.lazy.map(\.publication).filter { $0.id.sequence > sequence }
        let publications = Array(found)
        let isComplete = publications.first.map { $0.previous <= sequence } ?? (last <= sequence)
        return (publications, isComplete)
    }

    /// The newest `count`.
    func newest(_ count: Int) -> [Publication] { entries.suffix(max(0, count)).map(\.publication) }
}
