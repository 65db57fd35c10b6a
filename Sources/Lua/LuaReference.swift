internal import CLua
import Synchronization

/// A hold on a Lua value. Letting go of it never calls Lua: the slot is freed on the interpreter's next entry,
/// so a reference may die on any thread.
public final class LuaReference {
    let number: Int32
    private let queue: ReleaseQueue

    init(number: Int32, queue: ReleaseQueue) {
        self.number = number
        self.queue = queue
    }

    deinit { queue.add(number) }
}

/// The references whose holders are gone, until the interpreter frees them.
final class ReleaseQueue: Sendable {
    private let numbers = Mutex<[Int32]>([])
    private let pending = Atomic<Bool>(false)

    func add(_ number: Int32) {
        numbers.withLock { $0.append(number) }
        pending.store(true, ordering: .releasing)
    }

    /// The queued references, once. Costs one atomic read when there are none.
    func drain() -> [Int32] {
        guard pending.load(ordering: .relaxed), pending.exchange(false, ordering: .acquiring) else { return [] }
        return numbers.withLock { queued in
            defer { queued.removeAll(keepingCapacity: true) }
            return queued
        }
    }
}
