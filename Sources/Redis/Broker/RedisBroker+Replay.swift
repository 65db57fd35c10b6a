import Delivery
import NIOCore
public import PubSub

/// What a channel's past is, from the copy of this node where it has one.
extension RedisBroker {
    /// Ids of publications' own that are longer are not looked for.
    private static let longestID = 1024

    public func replay(_ channel: ChannelName, from point: ResumePoint, _ answer: @escaping (Replay) -> Void) {
        switch point {
        case .now:
            let mirror = mirrors.mirrors[channel]
            guard let mirror, mirror.history == nil else { return self.answer(channel, from: .now, answer) }
            // What is published from now on is for it, though the channel is still to be read.
            mirror.waiting.append { [weak self] in
                guard let self, let start = mirror.start else { self?.answer(channel, from: .now, answer); return }
                self.answer(channel, from: .after(start)) { replay in
                    var replay = replay
                    replay.hasGap = false
                    answer(replay)
                }
            }
        case .newest(let count): self.answer(channel, from: .newest(count), answer)
        case .after(let text): locate(text) { [weak self] place in self?.answer(channel, from: .after(place), answer) }
        }
    }

    private func answer(
        _ channel: ChannelName, from start: ChannelHistory.Start, _ answer: @escaping (Replay) -> Void
    ) {
        withHistory(of: channel) { [link] result in
            switch result {
            case .success(let history): answer(history.replay(start, now: link.timers.now))
            case .failure:
                var replay = Replay()
                if case .after = start { replay.hasGap = true }
                answer(replay)
            }
        }
    }

    public func history(
        of channel: ChannelName, newest count: Int, _ answer: @escaping (Result<[Publication], BrokerFailure>) -> Void
    ) {
        guard link.isCommanding || mirrors.mirrors[channel]?.history != nil else {
            return answer(.failure(.unreachable))
        }
        withHistory(of: channel) { [link] result in
            answer(
                result.map { history in
                    history.trim(now: link.timers.now)
                    return history.newest(count)
                })
        }
    }

    /// The copy of a channel, as soon as there is one; of a channel that this node is not subscribed to, what Redis says.
    private func withHistory(
        of channel: ChannelName, _ body: @escaping (Result<ChannelHistory, BrokerFailure>) -> Void
    ) {
        guard let mirror = mirrors.mirrors[channel] else { return readOnce(channel, body) }
        if let history = mirror.history { return body(.success(history)) }
        mirror.waiting.append { [weak self] in self?.withHistory(of: channel, body) }
    }

    private func readOnce(
        _ channel: ChannelName, _ body: @escaping (Result<ChannelHistory, BrokerFailure>) -> Void
    ) {
        whenConnected { [weak self] in
            guard let self else { return }
            let asked = link.timers.now
            let command = mirrors.readCommand([(channel, 0)], marker: (ByteBuffer(), ""))
            link.run(command) { [weak self] result in
                guard let self else { return }
                switch result {
                case .failure(.connectionLost): readOnce(channel, body)
                case .failure(let error): body(.failure(error.failure))
                case .success(let value):
                    guard let state = ClusterReading(value, of: [channel]), let read = state.channels.first else {
                        return body(.failure(.refused("the answer is none of ours")))
                    }
                    let history = ChannelHistory(
                        rule: mirrors.rules.rule(for: channel), last: read.last ?? state.forgotten
                    ) { _ in }
                    for payload in read.payloads {
                        let age = TimeAmount.milliseconds(max(0, state.milliseconds - payload.milliseconds))
                        history.append(payload.publication, now: asked - age)
                    }
                    body(.success(history))
                }
            }
        }
    }

    /// The place in the sequence of an id that came back; nil for one that nobody knows. Most are known here; Redis is
    /// asked for others, which another node may have given since this one heard of anything. The answer comes when this
    /// node has heard of everything up to that place.
    private func locate(_ text: String, _ answer: @escaping (UInt64?) -> Void) {
        let id = PublicationID(text)
        if let id, id.epoch == link.epoch, id.sequence <= link.seen { return answer(id.sequence) }
        if let place = mirrors.place(ofOwnID: text) { return answer(place) }
        guard text.utf8.count <= Self.longestID, !text.isEmpty else { return answer(nil) }
        whenConnected { [weak self] in
            guard let self else { return }
            lastLocation += 1
            let number = lastLocation
            locations[number] = Location(text: text, answer: answer)
            var command = link.command(.locate)
            command.append(text)
            command.append(link.keys.node)
            command.append("located \(number)")
            link.run(command) { [weak self] result in self?.located(number, id, result) }
        }
    }

    private func located(_ number: Int, _ id: PublicationID?, _ result: Result<RESPValue, RedisError>) {
        guard let location = locations[number] else { return }
        switch result {
        case .failure(.connectionLost):
            locations[number] = nil
            locate(location.text, location.answer)
        case .success(.array(let parts)) where parts.count == 3:
            if let id, id.epoch == parts[0].text {
                let sequence = parts[1].text.flatMap { UInt64($0) } ?? 0
                location.place = id.sequence <= sequence ? id.sequence : nil
            } else {
                location.place = parts[2].text.flatMap { UInt64($0) }
            }
            location.isAnswered = true
            settle(number, location)
        case .success, .failure:
            locations[number] = nil
            location.answer(nil)
        }
    }

    /// The message that marks the moment has come.
    func locationMarked(_ number: Int) {
        guard let location = locations[number] else { return }
        location.isMarked = true
        settle(number, location)
    }

    private func settle(_ number: Int, _ location: Location) {
        guard location.isAnswered, location.isMarked else { return }
        locations[number] = nil
        location.answer(location.place)
    }

    /// The marks of what was asked do not come any more: it is asked again when messages come.
    func askAgain() {
        let lost = locations
        locations = [:]
        for (_, location) in lost.sorted(by: { $0.key < $1.key }) { locate(location.text, location.answer) }
    }

    private func whenConnected(_ body: @escaping () -> Void) {
        if link.isCommanding, mirrors.isLive { body() } else { pending.append(body) }
    }
}

/// An id that Redis is asked for.
final class Location {
    let text: String
    let answer: (UInt64?) -> Void
    var place: UInt64?
    var isAnswered = false
    /// Whether everything that was published before the answer has come.
    var isMarked = false

    init(text: String, answer: @escaping (UInt64?) -> Void) {
        self.text = text
        self.answer = answer
    }
}
