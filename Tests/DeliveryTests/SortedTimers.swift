import TestClock

@testable import Delivery

/// A timing wheel and the sorted list that it must behave like.
struct SortedTimers {
    private struct Entry {
        let tick: UInt64
        let id: Int
        let token: TimingWheel<Int>.Token
    }

    var wheel: TimingWheel<Int>
    private var entries: [Entry] = []
    private var spent: [TimingWheel<Int>.Token] = []
    private var nextID = 0

    init(now: UInt64 = 0) { wheel = TimingWheel(now: now) }

    var isEmpty: Bool { entries.isEmpty }

    /// What the wheel did otherwise than the list.
    private(set) var faults: [String] = []

    mutating func schedule(at tick: UInt64) {
        nextID += 1
        let token = wheel.schedule(at: tick, nextID)
        entries.append(Entry(tick: max(tick, wheel.now + 1), id: nextID, token: token))
        compare()
    }

    /// Cancels one entry, and one that is gone.
    mutating func cancel(using random: inout SplitMix64) {
        if let old = spent.randomElement(using: &random), wheel.cancel(old) { faults.append("cancelled \(old) again") }
        if let index = entries.indices.randomElement(using: &random) {
            let entry = entries.remove(at: index)
            if !wheel.cancel(entry.token) { faults.append("did not cancel \(entry)") }
            spent.append(entry.token)
        }
        compare()
    }

    mutating func advance(to tick: UInt64) {
        // Ids grow in the order of scheduling.
        let due = entries.filter { $0.tick <= tick }.sorted { ($0.tick, $0.id) < ($1.tick, $1.id) }
        entries.removeAll { $0.tick <= tick }
        spent += due.map(\.token)
        let got = wheel.advance(to: tick)
        if got != due.map(\.id) { faults.append("at \(tick): \(got) and not \(due)") }
        compare()
    }

    private mutating func compare() {
        if wheel.count != entries.count { faults.append("count is \(wheel.count) and not \(entries.count)") }
        let next = wheel.nextExpiry
        switch (next, entries.map(\.tick).min()) {
        case (nil, nil): break
        case (let next?, let first?) where wheel.now < next && next <= first: break
        case (_, let first): faults.append("at \(wheel.now): next is \(next ?? 0), the first comes at \(first ?? 0)")
        }
    }
}
