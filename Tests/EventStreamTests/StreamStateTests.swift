import EventStream
import NIOCore
import Testing

@Suite struct StreamStateTests {
    enum Happening: Sendable {
        case event, comment
        case clock(queueIsEmpty: Bool = true)
        case close(CloseReason, queueIsEmpty: Bool = true)
        case overflow, flushed, progress
    }

    struct Life: Sendable, CustomTestStringConvertible {
        let name: String
        let limits: StreamLimits
        /// Seconds after the opening, what happens then, what it must answer.
        let steps: [(Int64, Happening, StreamState.Action)]
        var testDescription: String { name }

        init(_ name: String, _ limits: StreamLimits, _ steps: (Int64, Happening, StreamState.Action)...) {
            self.name = name
            self.limits = limits
            self.steps = steps
        }
    }

    static let quiet = StreamLimits(pingInterval: nil)
    static let ping = StreamLimits(pingInterval: .seconds(15))
    static let inactivity = StreamLimits(pingInterval: nil, inactivity: .seconds(60))
    static let lifetime = StreamLimits(pingInterval: nil, lifetime: .seconds(100))

    static let lives = [
        Life("nothing is asked of a stream without limits", quiet, (1_000_000, .clock(), .none)),
        Life(
            "a heartbeat after the quiet interval", ping,
            (14, .clock(), .none), (15, .clock(), .heartbeat), (16, .clock(), .none), (29, .clock(), .none),
            (30, .clock(), .heartbeat),
        ),
        Life(
            "an event puts the heartbeat off", ping,
            (10, .event, .none), (15, .clock(), .none), (24, .clock(), .none), (25, .clock(), .heartbeat),
        ),
        Life("a comment too", ping, (10, .comment, .none), (24, .clock(), .none), (25, .clock(), .heartbeat)),
        Life(
            "no heartbeat behind bytes that wait", ping,
            (15, .clock(queueIsEmpty: false), .none), (16, .clock(), .none), (30, .clock(), .heartbeat),
        ),
        Life(
            "no event for the inactivity duration", inactivity, (59, .clock(), .none), (60, .clock(), .close(.inactive))
        ),
        Life(
            "an event is activity", inactivity,
            (50, .event, .none), (60, .clock(), .none), (109, .clock(), .none), (110, .clock(), .close(.inactive)),
        ),
        Life("a comment is not", inactivity, (50, .comment, .none), (60, .clock(), .close(.inactive))),
        Life(
            "nor is a heartbeat", StreamLimits(pingInterval: .seconds(50), inactivity: .seconds(60)),
            (50, .clock(), .heartbeat), (50, .comment, .none), (60, .clock(), .close(.inactive)),
        ),
        Life(
            "the lifetime ends, whatever is sent", lifetime,
            (99, .event, .none), (99, .clock(), .none), (100, .clock(), .close(.lifetime)), (101, .clock(), .none),
        ),
        Life(
            "the lifetime goes before inactivity", StreamLimits(inactivity: .seconds(10), lifetime: .seconds(10)),
            (10, .clock(), .close(.lifetime))
        ),
        Life(
            "inactivity goes before a heartbeat", StreamLimits(pingInterval: .seconds(10), inactivity: .seconds(10)),
            (10, .clock(), .close(.inactive))
        ),
        Life(
            "a lifetime flushes first", lifetime,
            (100, .clock(queueIsEmpty: false), .flushThenClose(.lifetime)), (101, .flushed, .close(.lifetime)),
        ),
        Life(
            "inactivity flushes first", inactivity,
            (60, .clock(queueIsEmpty: false), .flushThenClose(.inactive)), (61, .flushed, .close(.inactive)),
        ),
        Life(
            "close with an empty queue", quiet,
            (1, .close(.server), .close(.server)), (2, .close(.shutdown), .none), (2, .overflow, .none),
            (2, .flushed, .none), (100, .clock(), .none),
        ),
        Life(
            "flush, then close", quiet,
            (1, .close(.server, queueIsEmpty: false), .flushThenClose(.server)), (2, .close(.shutdown), .none),
            (3, .flushed, .close(.server)), (4, .flushed, .none),
        ),
        Life(
            "who does not take the flush in time is reset", quiet,
            (1, .close(.server, queueIsEmpty: false), .flushThenClose(.server)),
            (10, .clock(queueIsEmpty: false), .none),
            (11, .clock(queueIsEmpty: false), .reset(.server)), (12, .flushed, .none),
        ),
        Life(
            "who takes a part of the flush has the time anew", quiet, (1, .progress, .none),
            (1, .close(.server, queueIsEmpty: false), .flushThenClose(.server)), (9, .progress, .none),
            (11, .clock(queueIsEmpty: false), .none), (18, .progress, .none),
            (27, .clock(queueIsEmpty: false), .none), (28, .clock(queueIsEmpty: false), .reset(.server)),
            (29, .progress, .none), (30, .flushed, .none),
        ),
        Life(
            "no heartbeat while flushing", ping,
            (14, .close(.server, queueIsEmpty: false), .flushThenClose(.server)), (15, .clock(), .none),
            (23, .clock(), .none),
        ),
        Life(
            "no second end while flushing",
            StreamLimits(pingInterval: nil, inactivity: .seconds(5), lifetime: .seconds(5)),
            (4, .close(.shutdown, queueIsEmpty: false), .flushThenClose(.shutdown)), (5, .clock(), .none),
            (6, .flushed, .close(.shutdown)),
        ),
        Life(
            "an empty queue closes nothing by itself", quiet, (1, .flushed, .none),
            (2, .close(.server), .close(.server))),
        Life(
            "an overflow resets, once", quiet, (1, .overflow, .reset(.slow)), (1, .overflow, .none),
            (2, .close(.server), .none)),
        Life(
            "an overflow while flushing resets", quiet,
            (1, .close(.server, queueIsEmpty: false), .flushThenClose(.server)), (2, .overflow, .reset(.slow)),
            (3, .flushed, .none),
        ),
    ]

    static let opening = NIODeadline.uptimeNanoseconds(5_000_000_000)

    @Test(arguments: lives) func `a life goes as it should`(_ life: Life) {
        var state = StreamState(limits: life.limits, now: Self.opening)
        for (index, (seconds, happening, action)) in life.steps.enumerated() {
            let now = Self.opening + .seconds(seconds)
            #expect(state.answer(happening, now: now) == action, "step \(index)")
            switch action {
            case .close, .reset: #expect(state.isClosed && !state.isOpen && state.nextDeadline == nil, "step \(index)")
            case .flushThenClose: #expect(!state.isOpen && !state.isClosed, "step \(index)")
            case .none, .heartbeat: break
            }
        }
    }

    @Test func `who is lost is told of once`() {
        var state = StreamState(limits: Self.ping, now: Self.opening)
        #expect(state.lost(.client) == .client)
        #expect(state.lost(.error) == nil)
        #expect(state.isClosed)
        #expect(state.nextDeadline == nil)
        #expect(state.overflowed() == .none)
        #expect(state.close(.server, queueIsEmpty: true, now: Self.opening) == .none)
    }

    @Test func `who is lost while flushing was closed for the first reason`() {
        var state = StreamState(limits: Self.ping, now: Self.opening)
        #expect(state.close(.inactive, queueIsEmpty: false, now: Self.opening) == .flushThenClose(.inactive))
        #expect(state.lost(.client) == .inactive)
        #expect(state.lost(.client) == nil)
        #expect(state.flushed() == .none)
    }

    @Test func `nothing is lost of a closed stream`() {
        var state = StreamState(limits: Self.ping, now: Self.opening)
        #expect(state.close(.server, queueIsEmpty: true, now: Self.opening) == .close(.server))
        #expect(state.lost(.client) == nil)
    }
}

extension StreamState {
    mutating func answer(_ happening: StreamStateTests.Happening, now: NIODeadline) -> Action {
        switch happening {
        case .event: wrote(isEvent: true, now: now)
        case .comment: wrote(isEvent: false, now: now)
        case .clock(let queueIsEmpty): return timePassed(now: now, queueIsEmpty: queueIsEmpty)
        case .close(let reason, let queueIsEmpty): return close(reason, queueIsEmpty: queueIsEmpty, now: now)
        case .overflow: return overflowed()
        case .flushed: return flushed()
        case .progress: progressed(now: now)
        }
        return .none
    }
}
