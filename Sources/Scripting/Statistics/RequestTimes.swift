import HTTP
import Synchronization

/// Counts answered requests by status, and how long they took. Used by every loop.
public final class RequestTimes: Sendable {
    public struct Snapshot: Sendable {
        /// By the first digit of the status: 2 for 200 to 299.
        public var byClass = [Int](repeating: 0, count: 6)
        /// For each of `RequestTimes.bounds`, requests that took at most that long and longer than the bound before; last,
        /// those that took longer.
        public var buckets = [Int](repeating: 0, count: RequestTimes.bounds.count + 1)
        /// Of all together.
        public var seconds = 0.0

        public var count: Int { buckets.reduce(0, +) }
    }

    /// Seconds.
    public static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let counts = Mutex(Snapshot())

    func note(_ summary: RequestSummary) {
        counts.withLock { counts in
            counts.byClass[min(max(summary.status / 100, 0), 5)] += 1
            counts.buckets[Self.bounds.firstIndex { summary.seconds <= $0 } ?? Self.bounds.count] += 1
            counts.seconds += summary.seconds
        }
    }

    var snapshot: Snapshot { counts.withLock { $0 } }
}
