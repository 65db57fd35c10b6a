/// What becomes of events for a client that takes less than it is given, once its buffer is full.
public enum SlowPolicy: String, Sendable, CaseIterable {
    /// The stream ends, with reason `slow`.
    case disconnect
    /// Those that have waited longest are dropped.
    case dropOldest = "drop_oldest"
    /// The new one is dropped.
    case dropNewest = "drop_newest"
    /// An older one of the same key is dropped; where there is none, those that have waited longest.
    case conflate
}
