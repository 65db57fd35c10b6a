import EventStream
import TestKit
import Testing

@Suite struct StreamLedgerTests {
    @Test func `what fits is admitted, to the last byte`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(4, isEvent: true) == .admitted)
        #expect(ledger.admit(6, isEvent: true) == .admitted)
        #expect(ledger.admit(1, isEvent: true) == .full)
        #expect(ledger.bufferedBytes == 10)
        #expect(ledger.eventsSent == 2)
    }

    @Test func `an empty queue takes an event of any size`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(10_000_000, isEvent: true) == .admitted)
        #expect(ledger.admit(1, isEvent: true) == .full)
        ledger.settle(10_000_000)
        #expect(ledger.bufferedBytes == 0)
        #expect(ledger.admit(11, isEvent: true) == .admitted)
    }

    @Test func `a queue that holds one byte does not`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(1, isEvent: false) == .admitted)
        #expect(ledger.admit(10, isEvent: true) == .full)
        #expect(ledger.bufferedBytes == 1)
        #expect(ledger.eventsSent == 0)
    }

    @Test func `without a budget one thing at a time goes`() {
        let ledger = StreamLedger(maxBufferedBytes: 0)
        #expect(ledger.admit(5, isEvent: true) == .admitted)
        #expect(ledger.admit(5, isEvent: true) == .full)
        ledger.settle(5)
        #expect(ledger.admit(5, isEvent: true) == .admitted)
    }

    @Test func `settled bytes make room`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(10, isEvent: true) == .admitted)
        ledger.settle(3)
        #expect(ledger.admit(4, isEvent: true) == .full)
        #expect(ledger.admit(3, isEvent: true) == .admitted)
        #expect(ledger.bufferedBytes == 10)
    }

    @Test func `only events are counted as events`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(1, isEvent: false) == .admitted)
        #expect(ledger.admit(1, isEvent: true) == .admitted)
        ledger.settle(2)
        #expect(ledger.eventsSent == 1)
    }

    @Test func `a closed stream takes nothing, and is closed once`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.isOpen)
        #expect(ledger.close())
        #expect(!ledger.close())
        #expect(!ledger.isOpen)
        #expect(ledger.admit(1, isEvent: true) == .closed)
        #expect(ledger.bufferedBytes == 0)
        #expect(ledger.eventsSent == 0)
    }

    @Test func `the loop admits what came before the close, in the budget`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        ledger.close()
        #expect(ledger.admit(10, isEvent: true, evenIfClosed: true) == .admitted)
        #expect(ledger.admit(1, isEvent: true, evenIfClosed: true) == .full)
        #expect(ledger.admit(1, isEvent: true) == .closed)
        #expect(ledger.bufferedBytes == 10)
        #expect(ledger.eventsSent == 1)
    }

    @Test func `what was queued before the close still settles`() {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(10, isEvent: true) == .admitted)
        ledger.close()
        ledger.settle(10)
        #expect(ledger.bufferedBytes == 0)
    }

    @Test(arguments: [(0, false), (5, false), (6, true), (10, true), (1000, true)])
    func `a stream lags from half its budget on`(_ bytes: Int, _ lags: Bool) {
        let ledger = StreamLedger(maxBufferedBytes: 10)
        #expect(ledger.admit(bytes, isEvent: true) == .admitted)
        #expect(ledger.isLagging == lags)
        ledger.settle(bytes)
        #expect(!ledger.isLagging)
    }

    /// What a sender takes back at once may show meanwhile, so the peak has an event per sender above the budget.
    @Test(arguments: 0..<8) func `many senders together stay in the budget`(_ seed: UInt64) async {
        let budget = 50_000
        let largest = 100
        let senders = 4
        let ledger = StreamLedger(maxBufferedBytes: budget)
        let sent = await withTaskGroup(of: (bytes: Int, events: Int, peak: Int).self) { group in
            for sender in 0..<senders {
                group.addTask {
                    var random = SplitMix64(seed: seed &* 16 &+ UInt64(sender))
                    var bytes = 0
                    var events = 0
                    var peak = 0
                    for _ in 0..<2000 {
                        let size = Int.random(in: 1...largest, using: &random)
                        if ledger.admit(size, isEvent: true) == .admitted {
                            bytes += size
                            events += 1
                        }
                        peak = max(peak, ledger.bufferedBytes)
                    }
                    return (bytes, events, peak)
                }
            }
            return await group.reduce((bytes: 0, events: 0, peak: 0)) {
                ($0.bytes + $1.bytes, $0.events + $1.events, max($0.peak, $1.peak))
            }
        }
        #expect(sent.bytes <= budget)
        #expect(sent.bytes > budget - largest)
        #expect(sent.peak <= budget + senders * largest)
        #expect(ledger.bufferedBytes == sent.bytes)
        #expect(ledger.eventsSent == sent.events)
        ledger.settle(sent.bytes)
        #expect(ledger.bufferedBytes == 0)
    }

    @Test func `senders and a writer leave nothing behind`() async {
        let ledger = StreamLedger(maxBufferedBytes: 1000)
        await withTaskGroup(of: Void.self) { group in
            for size in 1...4 {
                group.addTask {
                    for _ in 0..<5000 where ledger.admit(size, isEvent: true) == .admitted { ledger.settle(size) }
                }
            }
        }
        #expect(ledger.bufferedBytes == 0)
        #expect(ledger.eventsSent == 20_000)
    }
}
