public import NIOCore

/// The broker of one process: its publications live as long as it does.
public final class MemoryBroker: Broker {
    public weak var node: (any BrokerNode)?
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

    public func publish(
        _ event: OutgoingEvent, to channel: ChannelName, done: ((Result<PublicationID, BrokerFailure>) -> Void)?
    ) -> BrokerFailure? {
        sequence += 1
        let id = PublicationID(epoch: epoch, sequence: sequence)
        let history = history(channel)
        let publication = Publication(channel: channel, id: id, previous: history.last, event: event)
        if let own = event.id { ownIDs[own] = sequence }
        history.append(publication, now: now())
        if subscribed.contains(channel) { node?.receive(publication) }
        done?(.success(id))
        return nil
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
    public func whenSubscribed(_ channels: [ChannelName], _ body: @escaping () -> Void) { body() }

    // MARK: the past

    public func replay(_ channel: ChannelName, from point: ResumePoint, _ answer: @escaping (Replay) -> Void) {
        let start: ChannelHistory.Start =
            switch point {
            case .now: .now
            case .newest(let count): .newest(count)
            case .after(let text): .after(knownSequence(text))
            }
        // Of a channel that is not known nothing is kept, and all that was ever forgotten may have been its.
        let history = histories[channel] ?? ChannelHistory(rule: HistoryRule(), last: forgotten) { _ in }
        answer(history.replay(start, now: now()))
    }

    /// The place in the sequence of an id that came back: one of ours, or one that a publication bore itself.
    private func knownSequence(_ text: String) -> UInt64? {
        if let id = PublicationID(text), id.epoch == epoch { return id.sequence <= sequence ? id.sequence : nil }
        return ownIDs[text]
    }

    public func history(
        of channel: ChannelName, newest count: Int, _ answer: @escaping (Result<[Publication], BrokerFailure>) -> Void
    ) {
        histories[channel]?.trim(now: now())
        answer(.success(histories[channel]?.newest(count) ?? []))
    }

    // MARK: members

    public func membersChanged(of channel: ChannelName, from old: Int, to new: Int) {
        if old == 0, new > 0 { node?.occupied(channel) }
        if old > 0, new == 0 { node?.vacated(channel) }
    }

    public func count(
        of channel: ChannelName, here: Int, _ answer: @escaping (Result<Int, BrokerFailure>) -> Void
    ) { answer(.success(here)) }

    public func remove(_ removal: Removal, _ answer: @escaping (Result<Bool, BrokerFailure>) -> Void) {
        answer(.success(false))
    }

    // MARK: forgetting

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
