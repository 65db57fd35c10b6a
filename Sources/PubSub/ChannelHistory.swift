public import NIOCore

/// What one channel keeps, bounded by count and age.
public final class ChannelHistory {
    public struct Entry {
        public let publication: Publication
        public let time: NIODeadline
    }

    /// From where a replay goes on, once it is known what an id means.
    public enum Start: Equatable {
        case now
        case newest(Int)
        /// Behind this place in the sequence; nil for an id that nobody knows.
        case after(UInt64?)
    }

    public var rule: HistoryRule
    public private(set) var entries = CircularBuffer<Entry>()
    /// The sequence number of the channel's last publication, kept or not; 0 for none.
    public private(set) var last: UInt64

    private let onDrop: (Publication) -> Void

    /// `onDrop` is told of each publication that is kept no more.
    public init(rule: HistoryRule, last: UInt64, onDrop: @escaping (Publication) -> Void) {
        self.rule = rule
        self.last = last
        self.onDrop = onDrop
    }

    public func append(_ publication: Publication, now: NIODeadline) {
        last = publication.id.sequence
        guard rule.count > 0 else { return onDrop(publication) }
        entries.append(Entry(publication: publication, time: now))
        trim(now: now)
    }

    /// Drops what is over the rule's bounds.
    public func trim(now: NIODeadline) {
        while entries.count > rule.count { onDrop(entries.removeFirst().publication) }
        while let first = entries.first, first.time + rule.maxAge <= now { onDrop(entries.removeFirst().publication) }
    }

    /// Keeps nothing any more.
    public func clear() {
        while let first = entries.popFirst() { onDrop(first.publication) }
    }

    /// What came after a sequence number, and whether something of it is missing.
    private func since(_ sequence: UInt64) -> (publications: [Publication], isComplete: Bool) {
        let found = entries.lazy.map(\.publication).filter { $0.id.sequence > sequence }
        let publications = Array(found)
        let isComplete = publications.first.map { $0.previous <= sequence } ?? (last <= sequence)
        return (publications, isComplete)
    }

    /// The newest `count`.
    public func newest(_ count: Int) -> [Publication] { entries.suffix(max(0, count)).map(\.publication) }

    public func replay(_ start: Start, now: NIODeadline) -> Replay {
        trim(now: now)
        var replay = Replay()
        replay.oldest = entries.first?.publication.id
        switch start {
        case .now: break
        case .newest(let count): replay.publications = newest(count)
        case .after(nil):
            // Of an id that nobody knows it cannot be said what its holder has seen.
            replay.publications = since(0).publications
            replay.hasGap = true
        case .after(let sequence?):
            let (missed, isComplete) = since(sequence)
            replay.publications = missed
            replay.hasGap = !isComplete
        }
        return replay
    }
}
