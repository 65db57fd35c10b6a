import Delivery
import Logging
import NIOCore
import PubSub

/// Reading what Redis keeps: of channels that are new here, and of all after a break.
extension Mirrors {
    private static let channelsPerRead = 50

    /// Reads what is to be read, if nothing else is being read. The first reading after a connection is of all channels
    /// together, so that what was missed comes in one order.
    func readNext() {
        guard reading == nil, isSubscribed, link.isCommanding, isLive ? !toRead.isEmpty : unconfirmed.isEmpty else {
            return
        }
        lastReading += 1
        let new = Reading(id: lastReading, mirrors: toRead)
        toRead = []
        reading = new
        for mirror in new.mirrors { mirror.reading = new.id }
        var start = 0
        repeat {
            let end = min(start + Self.channelsPerRead, new.mirrors.count)
            read(new.mirrors[start..<end], of: new, isLast: end == new.mirrors.count)
            start = end
        } while start < new.mirrors.count
    }

    private func read(_ mirrors: ArraySlice<Mirror>, of reading: Reading, isLast: Bool) {
        reading.repliesLeft += 1
        reading.asked = now()
        let names = mirrors.map(\.name)
        let marker = isLast ? (link.keys.node, "read \(reading.id)") : (ByteBuffer(), "")
        let command = readCommand(mirrors.map { ($0.name, $0.history?.last ?? 0) }, marker: marker)
        link.run(command) { [weak self] result in
            guard let self, self.reading === reading else { return }
            guard case .success(let value) = result, let state = ClusterReading(value, of: names) else {
                return failed(reading, result)
            }
            reading.state = state
            reading.parts += zip(mirrors, state.channels).map { ($0, $1) }
            reading.repliesLeft -= 1
            finish(reading)
        }
    }

    /// - Parameter marker: what is published when all is read, so that the moment is known; of an empty channel nothing is.
    func readCommand(
        _ channels: [(name: ChannelName, behind: UInt64)], marker: (channel: ByteBuffer, text: String)
    ) -> RedisCommand {
        var command = link.command(.read)
        link.appendEpoch(to: &command)
        command.append(marker.channel)
        command.append(marker.text)
        for (name, behind) in channels {
            command.append(name.bytes)
            command.append(min(rules.rule(for: name).count, Int(Int32.max)))
            command.append(behind)
        }
        return command
    }

    /// It is read again: when the connection is back, or a little later if it was something else.
    private func failed(_ failed: Reading, _ result: Result<RESPValue, RedisError>) {
        reading = nil
        toRead += failed.mirrors.filter { mirrors[$0.name] === $0 }
        for payload in failed.late { mirrors[payload.publication.channel]?.buffer.append(payload) }
        let reason: String
        switch result {
        case .failure(.connectionLost), .failure(.closed): return
        case .failure(let error): reason = "\(error)"
        case .success: reason = "the answer is none of ours"
        }
        link.log.error("Redis: what is kept cannot be read: \(reason)")
        _ = link.timers.schedule(after: .seconds(1)) { [weak self] in self?.readNext() }
    }

    /// The marker of a reading has come.
    func marked(_ id: Int) {
        guard let reading, reading.id == id else { return }
        reading.hasMarker = true
        finish(reading)
    }

    private func finish(_ done: Reading) {
        guard done.isDone, let state = done.state else { return }
        reading = nil
        let parts = done.parts.filter { mirrors[$0.mirror.name] === $0.mirror }
        let known = Set(parts.lazy.filter { $0.mirror.history != nil }.map(\.mirror.name))
        let isNew = link.note(epoch: state.epoch, sequence: state.sequence)
        if isNew {
            let oldest = parts.map { ($0.mirror.name, $0.reading.payloads.first?.publication.id) }
            restart(oldest: Dictionary(oldest.compactMap { name, id in id.map { (name, $0) } }) { first, _ in first })
        }
        var missed: [PublicationPayload] = []
        for (mirror, part) in parts {
            let payloads = part.merged(with: mirror.buffer, epoch: state.epoch)
            mirror.buffer = []
            mirror.phase = .live
            let last = part.last ?? state.forgotten
            if !known.contains(mirror.name) {
                fill(mirror, with: payloads, last: last, of: done)
            } else if isNew {
                // Nobody knows what was between the last of the old numbers and the first of the new ones.
                let old = payloads.filter { $0.publication.id.epoch != state.epoch }
                fill(mirror, with: old, last: payloads.first?.publication.previous ?? 0, of: done)
                missed += payloads.dropFirst(old.count)
            } else {
                missed += goOn(mirror, with: payloads, last: last)
            }
        }
        missed.sort { $0.publication.id.sequence < $1.publication.id.sequence }
        deliverMissed(missed, of: done)
        let wasLive = isLive
        isLive = true
        // Who asks joins in this moment: what comes behind the marker is live for it.
        for (mirror, _) in parts {
            let waiting = mirror.waiting
            mirror.waiting = []
            for answer in waiting { answer() }
        }
        for payload in done.late { deliverLive(payload) }
        becameKnown(parts.map(\.mirror))
        if !wasLive { onLive() }
        readNext()
    }

    private func deliverMissed(_ payloads: [PublicationPayload], of reading: Reading) {
        guard !payloads.isEmpty else { return }
        for payload in payloads {
            let id = payload.publication.id
            if let history = mirrors[payload.publication.channel]?.history {
                keep(payload, in: history, age: reading.age(of: payload))
            }
            _ = link.note(epoch: id.epoch, sequence: id.sequence)
        }
        node?.catchUp(payloads.map(\.publication))
    }

    /// A channel that nothing is known of yet.
    private func fill(_ mirror: Mirror, with payloads: [PublicationPayload], last: UInt64, of reading: Reading) {
        let history = makeHistory(mirror.name, last: last)
        mirror.history = history
        for payload in payloads { keep(payload, in: history, age: reading.age(of: payload)) }
    }

    /// A channel that was known before the connection broke. Returns what is new.
    private func goOn(_ mirror: Mirror, with payloads: [PublicationPayload], last: UInt64) -> [PublicationPayload] {
        guard let history = mirror.history else { return [] }
        let new = Array(payloads.drop { $0.publication.id.sequence <= history.last })
        let isComplete = new.first.map { $0.publication.previous <= history.last } ?? (last <= history.last)
        guard !isComplete else { return new }
        // What is kept from before the gap could not be told from what is complete.
        history.clear()
        mirror.history = makeHistory(mirror.name, last: new.first?.publication.previous ?? last)
        node?.missed(mirror.name, oldest: new.first?.publication.id)
        return new
    }
}
