/// Timers by the thousand: scheduling and cancelling take constant time, whatever their number.
///
/// A hierarchical timing wheel (Varghese and Lauck, 1987): four wheels of 256 slots, the first with one slot per tick.
/// Pure: time is a tick count that the owner moves on. What happens at which tick is exact; entries of one tick come
/// out in the order in which they were scheduled.
struct TimingWheel<Payload> {
    /// Names one scheduled entry; worthless once that entry has come out or was cancelled.
    struct Token: Hashable, Sendable {
        fileprivate let index: Int32
        fileprivate let generation: UInt32
    }

    private struct Entry {
        var payload: Payload?
        var tick: UInt64 = 0
        var order: UInt64 = 0
        var generation: UInt32 = 0
        var previous: Int32 = none
        var next: Int32 = none
        var slot: Int32 = none
    }

    private static var none: Int32 { -1 }
    private static var levels: Int { 4 }
    private static var slotBits: Int { 8 }

    private(set) var now: UInt64
    private(set) var count = 0
    private var entries: [Entry] = []
    private var free: [Int32] = []
    private var heads = [Int32](repeating: none, count: levels << slotBits)
    private var scheduled: UInt64 = 0
    /// Entries in slots.
    private var linked = 0
    /// The next expiry, where it is known: to look for it takes a walk over the slots.
    private var knownExpiry: UInt64?
    /// Entries whose tick has come; they are in no slot.
    private var due: ArraySlice<Token> = []

    init(now: UInt64 = 0) { self.now = now }

    /// Schedules for `tick`; one that is not in the future comes out at the next tick.
    mutating func schedule(at tick: UInt64, _ payload: Payload) -> Token {
        let index: Int32
        if let reused = free.popLast() {
            index = reused
        } else {
            index = Int32(entries.count)
            entries.append(Entry())
        }
        scheduled += 1
        count += 1
        entries[Int(index)].payload = payload
        entries[Int(index)].tick = max(tick, now + 1)
        entries[Int(index)].order = scheduled
        link(index)
        return Token(index: index, generation: entries[Int(index)].generation)
    }

    /// Takes an entry out. False when it has come out already.
    @discardableResult
    mutating func cancel(_ token: Token) -> Bool {
        let entry = entries[Int(token.index)]
        guard entry.generation == token.generation, entry.payload != nil else { return false }
        if entry.slot != Self.none { unlink(token.index) }
        _ = release(token.index)
        return true
    }

    /// Moves to `tick`; what is due comes out of `popDue`.
    mutating func move(to tick: UInt64) {
        while now < tick {
            guard linked > 0 else {
                now = tick
                break
            }
            // Nothing is due before the next expiry, so the ticks between need no walk.
            now = min(tick, nextExpiry ?? tick)
            if let known = knownExpiry, known <= now { knownExpiry = nil }
            cascade()
            var expired = chain(at: slot(level: 0, of: now))
            expired.sort { entries[Int($0)].order < entries[Int($1)].order }
            for index in expired {
                unlink(index)
                entries[Int(index)].slot = Self.none
                due.append(Token(index: index, generation: entries[Int(index)].generation))
            }
        }
    }

    /// The next entry that is due, in order; until it comes out it can be cancelled like any other.
    mutating func popDue() -> Payload? {
        while let token = due.popFirst() {
            if entries[Int(token.index)].generation == token.generation { return release(token.index) }
        }
        return nil
    }

    /// Moves to `tick` and returns what is due, in order.
    mutating func advance(to tick: UInt64) -> [Payload] {
        move(to: tick)
        var payloads: [Payload] = []
        while let payload = popDue() { payloads.append(payload) }
        return payloads
    }

    /// A tick at or before the first entry's, later than now; nil without entries. Exact within the first wheel; of an
    /// upper wheel, the tick at which the first slot that holds something is handed down.
    var nextExpiry: UInt64? {
        mutating get {
            guard linked > 0 else { return nil }
            if knownExpiry == nil { knownExpiry = findExpiry() }
            return knownExpiry
        }
    }

    private func findExpiry() -> UInt64 {
        var earliest = UInt64.max
        for level in 0..<Self.levels {
            let shift = UInt64(level * Self.slotBits)
            let position = now >> shift
            for step in 1...UInt64(1 << Self.slotBits)
            where heads[Self.slot(level: level, position: position + step)] != Self.none {
                earliest = min(earliest, (position + step) << shift)
                break
            }
        }
        return earliest
    }

    // MARK: slots

    private static func slot(level: Int, position: UInt64) -> Int {
        (level << slotBits) | Int(position & UInt64((1 << slotBits) - 1))
    }

    private func slot(level: Int, of tick: UInt64) -> Int {
        Self.slot(level: level, position: tick >> UInt64(level * Self.slotBits))
    }

    private mutating func link(_ index: Int32) {
        let tick = entries[Int(index)].tick
        let distance = tick - now
        var level = 0
        while level < Self.levels - 1, distance >> UInt64((level + 1) * Self.slotBits) != 0 { level += 1 }
        // Beyond the last wheel: parked in its farthest slot, and linked anew when that comes round.
        let reach = UInt64(1) << UInt64(Self.levels * Self.slotBits)
        let position = min(tick, now + reach - 1) >> UInt64(level * Self.slotBits)
        let expiry = position << UInt64(level * Self.slotBits)
        if linked == 0 { knownExpiry = expiry } else if let known = knownExpiry { knownExpiry = min(known, expiry) }
        let slot = Self.slot(level: level, position: position)
        let head = heads[slot]
        entries[Int(index)].slot = Int32(slot)
        entries[Int(index)].previous = Self.none
        entries[Int(index)].next = head
        if head != Self.none { entries[Int(head)].previous = index }
        heads[slot] = index
        linked += 1
    }

    private mutating func unlink(_ index: Int32) {
        let entry = entries[Int(index)]
        if entry.previous != Self.none {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[Int(entry.slot)] = entry.next
            let shift = UInt64(entry.slot >> Int32(Self.slotBits)) * UInt64(Self.slotBits)
            if entry.next == Self.none, knownExpiry == (entry.tick >> shift) << shift { knownExpiry = nil }
        }
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
        linked -= 1
    }

    private mutating func release(_ index: Int32) -> Payload {
        defer {
            entries[Int(index)].payload = nil
            entries[Int(index)].generation &+= 1
            free.append(index)
            count -= 1
        }
        return entries[Int(index)].payload!
    }

    private func chain(at slot: Int) -> [Int32] {
        var indices: [Int32] = []
        var index = heads[slot]
        while index != Self.none {
            indices.append(index)
            index = entries[Int(index)].next
        }
        return indices
    }

    /// Hands the entries of each upper wheel's current slot down when the wheel below has come round.
    private mutating func cascade() {
        for level in (1..<Self.levels).reversed() where now & ((1 << UInt64(level * Self.slotBits)) - 1) == 0 {
            for index in chain(at: slot(level: level, of: now)) {
                unlink(index)
                link(index)
            }
        }
    }
}
