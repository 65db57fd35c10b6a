import NIOCore
import Testing

@testable import Redis

@Suite struct ReconnectDelayTests {
    @Test func `half a second, then one and a half times as long each time, up to ten seconds`() {
        var delay = ReconnectDelay()
        let milliseconds = (0..<10).map { _ in delay.next(jitter: 0).nanoseconds / 1_000_000 }
        #expect(milliseconds == [500, 750, 1125, 1687, 2531, 3796, 5695, 8542, 10_000, 10_000])
        delay.reset()
        #expect(delay.next(jitter: 0) == .milliseconds(500))
    }

    @Test(arguments: [(-1.0, 450), (1, 550), (0.5, 525)]) func `it is spread by a tenth`(
        _ jitter: Double, _ milliseconds: Int64
    ) {
        var delay = ReconnectDelay()
        #expect(delay.next(jitter: jitter) == .milliseconds(milliseconds))
        // What was drawn once has no effect on the next.
        #expect(delay.next(jitter: 0) == .milliseconds(750))
    }
}
