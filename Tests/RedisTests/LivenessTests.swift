import NIOCore
import Testing

@testable import Redis

@Suite struct LivenessTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

    @Test func `who owes nothing is asked after the patience, counted from the last word`() {
        var liveness = Liveness(patience: .seconds(5), now: start)
        #expect(liveness.verdict(at(4), owes: false) == .alive(until: at(5)))
        #expect(liveness.verdict(at(5), owes: false) == .silent)
        liveness.heard(at(3))
        #expect(liveness.verdict(at(5), owes: false) == .alive(until: at(8)))
    }

    @Test func `who owes something is given up after the patience, counted from the question or a later word`() {
        var liveness = Liveness(patience: .seconds(5), now: start)
        liveness.asked(at(4))
        #expect(liveness.verdict(at(8), owes: true) == .alive(until: at(9)))
        #expect(liveness.verdict(at(9), owes: true) == .dead)
        liveness.heard(at(7))
        #expect(liveness.verdict(at(9), owes: true) == .alive(until: at(12)))
        #expect(liveness.verdict(at(12), owes: true) == .dead)
    }
}
