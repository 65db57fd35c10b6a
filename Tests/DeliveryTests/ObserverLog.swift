import Delivery
import EventStream
import Synchronization

/// Writes down what an observer hears.
final class ObserverLog: StreamObserver {
    enum Entry: Equatable {
        case closed(StreamID, CloseReason)
        case lagging(StreamID, Int)
        case drained(StreamID)
    }

    private let log = Watched<[Entry]>([])
    private let reaction = Mutex<(@Sendable (Entry) -> Void)?>(nil)

    private let tallies = Mutex(DeliveryTally())
    /// All that was delivered.
    var tally: DeliveryTally { tallies.withLock { $0 } }

    var entries: [Entry] { log.value }

    /// Why a stream was closed, as often as it was.
    func ends(of id: StreamID) -> [CloseReason] { Self.ends(of: id, in: entries) }

    /// Runs `body` within each call of the observer.
    func react(_ body: @escaping @Sendable (Entry) -> Void) { reaction.withLock { $0 = body } }

    /// Waits until a stream is closed.
    func end(of id: StreamID) async throws -> CloseReason {
        let entries = try await log.value { !Self.ends(of: id, in: $0).isEmpty }
        return Self.ends(of: id, in: entries)[0]
    }

    /// Waits until this was heard.
    func heard(_ entry: Entry) async throws { _ = try await log.value { $0.contains(entry) } }

    /// The id of streams that are nothing but marks in the order of things.
    static let fence: StreamID = -1
    private let fences = Watched(0)
    var fencesPassed: Int { fences.value }
    func passed(_ count: Int) async throws { _ = try await fences.value { $0 >= count } }

    func streamClosed(_ stream: StreamID, reason: CloseReason) {
        if stream == Self.fence { return fences.change { $0 += 1 } }
        note(.closed(stream, reason))
    }
    func streamLagging(_ stream: StreamID, bufferedBytes: Int) { note(.lagging(stream, bufferedBytes)) }
    func streamDrained(_ stream: StreamID) { note(.drained(stream)) }

    func delivered(_ tally: DeliveryTally) { tallies.withLock { $0.add(tally) } }

    private func note(_ entry: Entry) {
        log.change { $0.append(entry) }
        let react = reaction.withLock { $0 }
        react?(entry)
    }

    private static func ends(of id: StreamID, in entries: [Entry]) -> [CloseReason] {
        entries.compactMap { if case .closed(id, let reason) = $0 { reason } else { nil } }
    }
}
