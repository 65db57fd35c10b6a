import NIOCore
import TestKit
import Testing

@testable import Client

@Suite struct ReconnectionDelayTests {
    private func delay(retry: Int? = nil, failures: Int = 0) -> ReconnectionDelay {
        var delay = ReconnectionDelay()
        if let retry { delay.setTime(milliseconds: retry) }
        for _ in 0..<failures { delay.failed() }
        return delay
    }

    @Test(
        arguments: [
            (nil, .seconds(3)), (5000, .seconds(5)), (101, .milliseconds(101)), (100, .milliseconds(100)),
            (0, .milliseconds(100)), (86_400_000, .hours(24)), (86_400_001, .hours(24)), (.max, .hours(24)),
        ] as [(Int?, TimeAmount)])
    func `a stream that ends is asked for again after the server's retry`(retry: Int?, time: TimeAmount) {
        #expect(delay(retry: retry).next(jitter: 1) == time)
    }

    @Test(arguments: [
        (1, 3), (2, 6), (3, 12), (4, 24), (5, 48), (6, 60), (7, 60), (1000, 60),
    ])
    func `each failure in a row may add twice as much, up to a minute`(failures: Int, seconds: Int64) {
        let delay = delay(failures: failures)
        #expect(delay.next(jitter: 0) == .seconds(3))
        #expect(delay.next(jitter: 0.5) == .seconds(3) + .milliseconds(seconds * 500))
        #expect(delay.next(jitter: 1) == .seconds(3 + seconds))
    }

    @Test func `a short retry does not make a storm of a server that is away`() {
        #expect(delay(retry: 0, failures: 1).next(jitter: 1) == .milliseconds(1100))
        #expect(delay(retry: 0, failures: 9).next(jitter: 1) == .milliseconds(60_100))
    }

    @Test func `the longest retry and any number of failures do not overflow`() {
        #expect(delay(retry: .max, failures: 100).next(jitter: 1) == .hours(24) + .seconds(60))
    }

    @Test func `success forgets the failures`() {
        var delay = delay(failures: 5)
        delay.succeeded()
        #expect(delay.next(jitter: 1) == .seconds(3))
    }
}
