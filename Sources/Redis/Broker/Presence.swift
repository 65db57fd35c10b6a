import Delivery
import Logging
import NIOCore
import PubSub

/// Who is in the channels, over all nodes: says how many members this node has, that it lives, and notices the dead.
///
/// One node hears that a channel has its first member, or none any more: the one that brought that about, and for a node that
/// died the one that noticed.
final class Presence {
    /// A node says that it lives.
    static let interval = TimeAmount.seconds(4)
    /// One that has not for so long is dead.
    static let patience = TimeAmount.seconds(10)
    /// Changes are said together.
    private static let delay = TimeAmount.milliseconds(20)
    private static let channelsPerCommand = 200
    /// Channels whose history is too old are looked for at every so many signs of life.
    private static let beatsPerSweep = 8

    private let link: ClusterLink
    weak var node: (any BrokerNode)?
    /// Members on this node; only channels that have some.
    private var counts: [ChannelName: Int] = [:]
    /// What Redis is still to be told.
    private var changed: Set<ChannelName> = []
    private var flushing: LoopTimers.Token?
    private var beating: LoopTimers.Token?
    private var beats = 0
    /// The last sign of life that Redis has taken, and the last that came back.
    private var taken = 0
    private var heard = 0

    /// Whether what is published comes back.
    private let isListening: () -> Bool

    init(link: ClusterLink, isListening: @escaping () -> Bool) {
        self.link = link
        self.isListening = isListening
    }

    // MARK: members

    func changed(_ channel: ChannelName, to count: Int) {
        counts[channel] = count > 0 ? count : nil
        changed.insert(channel)
        guard flushing == nil else { return }
        flushing = link.timers.schedule(after: Self.delay) { [weak self] in
            self?.flushing = nil
            self?.flush()
        }
    }

    /// Tells Redis what has changed.
    func flush() {
        guard link.isCommanding, !changed.isEmpty else { return }
        let channels = Array(changed)
        changed = []
        for start in stride(from: 0, to: channels.count, by: Self.channelsPerCommand) {
            tell(Array(channels[start..<min(start + Self.channelsPerCommand, channels.count)]))
        }
    }

    private func tell(_ channels: [ChannelName]) {
        var command = link.command(.members)
        command.append(link.node)
        for channel in channels {
            command.append(channel.bytes)
            command.append(counts[channel] ?? 0)
        }
        link.run(command) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(.array(let changes)) where changes.count == channels.count:
                for (channel, change) in zip(channels, changes) {
                    if change == .integer(1) { node?.occupied(channel) }
                    if change == .integer(-1) { node?.vacated(channel) }
                }
            case .failure(.connectionLost): changed.formUnion(channels)
            case .failure(.closed): break
            case .failure(let error): link.log.error("Redis: members cannot be told: \(error)")
            case .success: link.log.error("Redis: members cannot be told: the answer is none of ours")
            }
        }
    }

    // MARK: life

    /// Commands go out from now on.
    func connected() {
        // What Redis has of this node may be of long ago.
        changed.formUnion(counts.keys)
        taken = 0
        heard = 0
        beat()
        flush()
    }

    private func beatLater() {
        if let beating { link.timers.cancel(beating) }
        beating = link.timers.schedule(after: Self.interval) { [weak self] in
            guard let self else { return }
            beating = nil
            // The way that publications take is tried along with it.
            if taken > heard, link.messages.isConnected {
                link.messages.drop("nothing that is published comes back")
                heard = taken
            }
            if link.isCommanding { beat() } else { beatLater() }
        }
    }

    private func beat() {
        beats += 1
        let number = beats
        let comesBack = isListening()
        var command = link.command(.beat)
        command.append(link.node)
        command.append(Self.patience.nanoseconds / 1_000_000)
        command.append("beat \(number)")
        link.run(command) { [weak self] result in
            guard let self, case .success(.array(let parts)) = result, parts.count == 2 else { return }
            if comesBack { taken = number }
            // Others held this node for dead, or Redis has lost what it knew.
            if parts[0] == .integer(0), number > 1 {
                changed.formUnion(counts.keys)
                flush()
            }
            tellVacated(parts[1])
        }
        if number % Self.beatsPerSweep == 0 { sweep("0") }
        beatLater()
    }

    /// A sign of life of this node has come back.
    func heard(_ number: Int) { heard = max(heard, number) }

    private func tellVacated(_ value: RESPValue) {
        guard case .array(let channels) = value else { return }
        for channel in channels {
            guard let bytes = channel.bytes, let name = try? ChannelName(bytes.readableBytesView) else { continue }
            node?.vacated(name)
        }
    }

    /// Forgets channels whose history is too old, a page at a time.
    func sweep(_ cursor: String) {
        guard link.isCommanding else { return }
        var command = link.command(.sweep)
        command.append(cursor)
        link.run(command) { [weak self] result in
            guard let self, case .success(let value) = result, let next = value.text, next != "0" else { return }
            sweep(next)
        }
    }

    // MARK: the end

    /// This node goes: its members are none. `done` is called when Redis knows, or cannot be told.
    func leave(_ done: @escaping () -> Void) {
        stop()
        guard link.isCommanding else { return done() }
        flush()
        var command = link.command(.leave)
        command.append(link.node)
        link.run(command) { [weak self] result in
            if case .success(let value) = result { self?.tellVacated(value) }
            done()
        }
    }

    func stop() {
        for token in [flushing, beating] { if let token { link.timers.cancel(token) } }
        flushing = nil
        beating = nil
    }

    /// The members of a channel on all nodes.
    func count(_ channel: ChannelName, _ answer: @escaping (Result<Int, BrokerFailure>) -> Void) {
        guard link.isCommanding else { return answer(.failure(.unreachable)) }
        flush()
        var command = RedisCommand("HGET")
        command.append(link.keys.members)
        command.append(channel.bytes)
        link.run(command) { result in
            switch result {
            case .success(.null): answer(.success(0))
            case .success(let value):
                answer(value.text.flatMap { Int($0) }.map { .success($0) } ?? .failure(.refused("no number")))
            case .failure(let error): answer(.failure(error.failure))
            }
        }
    }
}
