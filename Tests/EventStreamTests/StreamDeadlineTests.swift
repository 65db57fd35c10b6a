import EventStream
import NIOCore
import TestKit
import Testing

/// `nextDeadline` is what the loop sleeps on.
@Suite struct StreamDeadlineTests {
    static let opening = NIODeadline.uptimeNanoseconds(1_000_000_000)

    @Test(
        arguments: [
            (StreamLimits(pingInterval: nil), nil),
            (StreamLimits(), 15),
            (StreamLimits(pingInterval: nil, inactivity: .seconds(60)), 60),
            (StreamLimits(pingInterval: nil, lifetime: .seconds(100)), 100),
            (StreamLimits(pingInterval: .seconds(15), inactivity: .seconds(9), lifetime: .seconds(12)), 9),
            (StreamLimits(pingInterval: .seconds(15), inactivity: .seconds(20), lifetime: .seconds(12)), 12),
        ] as [(StreamLimits, Int64?)])
    func `the first limit is the first deadline`(_ limits: StreamLimits, _ seconds: Int64?) {
        let state = StreamState(limits: limits, now: Self.opening)
        #expect(state.nextDeadline == seconds.map { Self.opening + .seconds($0) })
    }

    @Test func `a flush has its own deadline`() {
        var state = StreamState(limits: StreamLimits(pingInterval: .seconds(1)), now: Self.opening)
        _ = state.close(.server, queueIsEmpty: false, now: Self.opening + .seconds(3))
        #expect(state.nextDeadline == Self.opening + .seconds(3) + StreamState.flushTime)
    }

    @Test(arguments: 0..<300) func `nothing falls due before the deadline, and at it time moves on`(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var now = Self.opening
        var state = StreamState(limits: randomLimits(&random), now: now)
        for _ in 0..<40 {
            checkSilence(state, from: now, &random)
            if let deadline = state.nextDeadline, Int.random(in: 0...2, using: &random) == 0 {
                now = max(now, deadline)
                _ = state.timePassed(now: now, queueIsEmpty: .random(using: &random))
                if let next = state.nextDeadline { #expect(next > now, "the loop would not sleep") }
            } else {
                now = now + .seconds(Int64.random(in: 0...5, using: &random))
                _ = state.answer(randomHappening(&random), now: now)
            }
        }
    }

    private func checkSilence(_ state: StreamState, from now: NIODeadline, _ random: inout SplitMix64) {
        let end = state.nextDeadline ?? now + .hours(1000)
        guard now < end else { return }
        for _ in 0..<4 {
            let moment = now + .nanoseconds(Int64.random(in: 0..<(end - now).nanoseconds, using: &random))
            var looked = state
            #expect(looked.timePassed(now: moment, queueIsEmpty: .random(using: &random)) == .none)
            #expect(looked.nextDeadline == state.nextDeadline)
        }
    }

    private func randomLimits(_ random: inout SplitMix64) -> StreamLimits {
        let times = (0..<3).map { _ in
            Bool.random(using: &random) ? TimeAmount.seconds(Int64.random(in: 1...60, using: &random)) : nil
        }
        return StreamLimits(pingInterval: times[0], inactivity: times[1], lifetime: times[2])
    }

    private func randomHappening(_ random: inout SplitMix64) -> StreamStateTests.Happening {
        let queueIsEmpty = Bool.random(using: &random)
        switch Int.random(in: 0...20, using: &random) {
        case 0...8: return .event
        case 9...16: return .comment
        case 17: return .close(.server, queueIsEmpty: queueIsEmpty)
        case 18: return .flushed
        case 19: return .clock(queueIsEmpty: queueIsEmpty)
        default: return .overflow
        }
    }
}
