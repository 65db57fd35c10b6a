public import NIOCore

/// The broker of one process: its publications live as long as it does.
public final class MemoryBroker: Broker {
    public var receive: (Publication) -> Void = { _ in }
    public var rules = HistoryRules() {
        didSet {
            for (name, history) in histories {
                history.rule = rules.rule(for: name)
                history.trim(now: now())
            }
        }
    }

    private let epoch: String
    private let now: () -> NIODeadline
    private var sequence: UInt64 = 0
    private var histories: [ChannelName: ChannelHistory] = [:]
    /// The numbers of publications that are kept and bear an id of their own.
    private var ownIDs: [String: UInt64] = [:]
    private var subscribed: Set<ChannelName> = []
    /// The highest sequence number among channels that are forgotten: nobody knows of which of them it was.
    private var forgotten: UInt64 = 0

    /// - Parameters:
    ///   - epoch: tells this run from every other; random by default.
    ///   - now: the monotonic time that ages are measured on.
    public init(
        epoch: String = String(UInt64.random(in: .min ... .max), radix: 36), now: @escaping () -> NIODeadline
    ) {
        self.epoch = epoch
        self.now = now
    }

    public func publish(_ event: OutgoingEvent, to channel: ChannelName) -> PublicationID {
        sequence += 1
        let id = PublicationID(epoch: epoch, sequence: sequence)
        let history = history(channel)
        let publication = Publication(channel: channel, id: id, previous: history.last, event: event)
        if let own = event.id { ownIDs[own] = sequence }
        history.append(publication, now: now())
        if subscribed.contains(channel) { receive(publication) }
        return id
    }

    private func history(_ channel: ChannelName) -> ChannelHistory {
        if let history = histories[channel] { return history }
        let history = ChannelHistory(rule: rules.rule(for: channel), last: forgotten) { [unowned self] dropped in
            if let own = dropped.ownID, ownIDs[own] == dropped.id.sequence { ownIDs[own] = nil }
        }
        histories[channel] = history
        return history
    }

    public func subscribe(_ channel: ChannelName) { subscribed.insert(channel) }
    public func unsubscribe(_ channel: ChannelName) { subscribed.remove(channel) }

    // MARK: the past

    public func replay(_ channel: ChannelName, from point: ResumePoint) -> Replay {
        var replay = Replay()
        let history = histories[channel]
        history?.trim(now: now())
        replay.oldest = history?.entries.first?.publication.id
        switch point {
        case .now: break
        case .newest(let count): replay.publications = history?.newest(count) ?? []
        case .after(let text):
            let last = history?.last ?? forgotten
            guard let sequence = knownSequence(text) else {
                // Of an id that nobody knows it cannot be said what its holder has seen.
                replay.publications = history?.since(0).publications ?? []
                replay.hasGap = true
                break
            }
            let (missed, isComplete) = history?.since(sequence) ?? ([], last <= sequence)
            replay.publications = missed
            replay.hasGap = !isComplete
        }
        return replay
    }

    /// The place in the sequence of an id that came back: one of ours, or one that a publication bore itself.
    private func knownSequence(_ text: String) -> UInt64? {
        if let id = PublicationID(text), id.epoch == epoch { return id.sequence <= sequence ? id.sequence : nil }
        return ownIDs[text]
    }

    public func history(of channel: ChannelName, newest count: Int) -> [Publication] {
        histories[channel]?.trim(now: now())
        return histories[channel]?.newest(count) ?? []
    }

    public var isEmpty: Bool { histories.isEmpty }

    public func expire() {
        let now = now()
        for (name, history) in histories {
            history.trim(now: now)
            guard history.entries.isEmpty, !subscribed.contains(name) else { continue }
            forgotten = max(forgotten, history.last)
            histories[name] = nil
        }
    }
}
