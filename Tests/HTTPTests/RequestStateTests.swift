import HTTPTypes
import NIOCore
import NIOHTTPTypes
import Testing

@testable import HTTP

@Suite struct RequestStateTests {
    private static let limits = HTTPLimits(maxBodyBytes: 10)

    private static func head(_ fields: [(HTTPField.Name, String)] = []) -> HTTPRequest {
        var head = HTTPRequest(method: .post, scheme: "http", authority: "test", path: "/")
        for (name, value) in fields { head.headerFields.append(HTTPField(name: name, value: value)) }
        return head
    }

    private static func bytes(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    /// A state that is answering a request.
    private static func answering(_ fields: [(HTTPField.Name, String)] = []) -> RequestState {
        var state = RequestState(limits: limits)
        _ = state.received(.head(head(fields)))
        _ = state.received(.end(nil))
        return state
    }

    @Test func `a request is dispatched when it is whole`() {
        var state = RequestState(limits: Self.limits)
        #expect(state.isIdle)
        #expect(state.received(.head(Self.head())) == .none)
        #expect(!state.isIdle && !state.isAnswering)
        #expect(state.received(.body(Self.bytes("ab"))) == .none)
        #expect(state.received(.body(Self.bytes(""))) == .none)
        #expect(state.received(.body(Self.bytes("cd"))) == .none)
        #expect(state.received(.end(nil)) == .dispatch(Self.head(), Self.bytes("abcd")))
        #expect(state.isAnswering)
        #expect(!state.closesAfterAnswer)
        #expect(state.answered() == .nextRequest)
        #expect(state.isIdle)
    }

    @Test func `the next request does not see the body of the one before`() {
        var state = RequestState(limits: Self.limits)
        for text in ["one", "two"] {
            _ = state.received(.head(Self.head()))
            _ = state.received(.body(Self.bytes(text)))
            #expect(state.received(.end(nil)) == .dispatch(Self.head(), Self.bytes(text)))
            #expect(state.answered() == .nextRequest)
        }
    }

    @Test(arguments: [([10], false), ([5, 5], false), ([11], true), ([10, 1], true), ([3, 3, 3, 3], true)])
    func `a body is held to its limit`(_ pieces: [Int], _ isRefused: Bool) {
        var state = RequestState(limits: Self.limits)
        _ = state.received(.head(Self.head()))
        var last = RequestState.Action.none
        for piece in pieces { last = state.received(.body(ByteBuffer(repeating: 0x61, count: piece))) }
        #expect(last == (isRefused ? .refuse(.bodyTooLarge(limit: 10)) : .none))
        #expect(state.isEnding == isRefused)
        let end = state.received(.end(nil))
        #expect((end == .none) == isRefused)
    }

    @Test(arguments: [
        ("100-continue", RequestState.Action.sendContinue), ("100-Continue", .sendContinue),
        ("200-ok", .refuse(.expectationFailed)), ("", .refuse(.expectationFailed)),
        ("100-continue, 200-ok", .refuse(.expectationFailed)),
    ])
    func `only 100-continue can be expected`(_ value: String, _ action: RequestState.Action) {
        var state = RequestState(limits: Self.limits)
        #expect(state.received(.head(Self.head([(.expect, value)]))) == action)
    }

    @Test(arguments: [
        ("close", true), ("Close", true), ("keep-alive, close", true), ("close,x", true), (" close ", true),
        ("\tclose", true),
        ("keep-alive", false), ("closed", false), ("x-close", false), ("", false),
    ])
    func `the client may ask for a close`(_ value: String, _ closes: Bool) {
        var state = Self.answering([(.connection, value)])
        #expect(state.closesAfterAnswer == closes)
        #expect(state.answered() == (closes ? .close : .nextRequest))
        #expect(state.isEnding == closes)
    }

    @Test func `a close in a second Connection header counts`() {
        #expect(Self.answering([(.connection, "x"), (.connection, "close")]).closesAfterAnswer)
    }

    @Test func `a bad head or body is refused once`() {
        for parts in [0, 1] {
            var state = RequestState(limits: Self.limits)
            if parts > 0 { _ = state.received(.head(Self.head())) }
            #expect(state.failed(.badMessage) == .refuse(.badMessage))
            #expect(state.isEnding)
            #expect(state.failed(.badMessage) == .none)
            #expect(state.received(.head(Self.head())) == .none)
            #expect(state.received(.end(nil)) == .none)
            #expect(state.closesAfterAnswer)
        }
    }

    @Test func `a bad request behind the one being answered ends the connection after the answer`() {
        var state = Self.answering()
        #expect(state.failed(.badMessage) == .none)
        #expect(state.isAnswering)
        #expect(state.closesAfterAnswer)
        #expect(state.answered() == .close)
        #expect(state.isEnding)
    }

    @Test func `a half-closed request is still answered, and then it is over`() {
        var state = Self.answering()
        #expect(state.closeInput() == false)
        #expect(state.inputIsClosed)
        #expect(state.closesAfterAnswer)
        #expect(state.answered() == .close)
    }

    @Test func `who shuts down its side is owed the answers to all that it has asked before`() {
        var state = Self.answering()
        _ = state.closeInput()
        state.hasMore = true
        #expect(!state.closesAfterAnswer)
        #expect(state.answered() == .nextRequest)
    }

    @Test func `a client that leaves owed nothing can be let go`() {
        var idle = RequestState(limits: Self.limits)
        #expect(idle.closeInput() == true)
        var collecting = RequestState(limits: Self.limits)
        _ = collecting.received(.head(Self.head()))
        #expect(collecting.closeInput() == true)
    }

    @Test func `a server that stops closes what is idle at once and the rest after its answer`() {
        var idle = RequestState(limits: Self.limits)
        #expect(idle.shutDown() == true)
        var collecting = RequestState(limits: Self.limits)
        _ = collecting.received(.head(Self.head()))
        #expect(collecting.shutDown() == false)
        #expect(collecting.received(.end(nil)) == .dispatch(Self.head(), ByteBuffer()))
        #expect(collecting.closesAfterAnswer)
        #expect(collecting.answered() == .close)
        var answering = Self.answering()
        #expect(answering.shutDown() == false)
        #expect(answering.closesAfterAnswer)
        #expect(answering.answered() == .close)
    }

    @Test func `after the end nothing happens any more`() {
        var state = Self.answering()
        state.end()
        #expect(state.isEnding)
        #expect(state.answered() == .close)
        #expect(state.received(.head(Self.head())) == .none)
        #expect(state.failed(.badHost) == .none)
        #expect(state.shutDown() == false)
    }

    /// What the deadline is, in seconds after 0, when the wait is begun at `start`.
    private static func deadline(_ state: inout RequestState, start: UInt64) -> UInt64? {
        if state.isToWait { state.startWait(at: .uptimeNanoseconds(start * 1_000_000_000)) }
        return state.deadline.map { $0.uptimeNanoseconds / 1_000_000_000 }
    }

    @Test func `each time begins with what it is for, and once`() {
        var state = RequestState(limits: Self.limits)
        #expect(Self.deadline(&state, start: 100) == 110)
        #expect(Self.deadline(&state, start: 101) == 110)
        state.headBegan()
        #expect(Self.deadline(&state, start: 105) == 110)
        state.headEnded()
        _ = state.received(.head(Self.head()))
        #expect(Self.deadline(&state, start: 200) == 260)
        _ = state.received(.body(Self.bytes("a")))
        #expect(Self.deadline(&state, start: 201) == 260)
        _ = state.received(.end(nil))
        #expect(Self.deadline(&state, start: 300) == nil)
        state.headBegan()
        #expect(Self.deadline(&state, start: 301) == nil)
        state.headEnded()
        _ = state.answered()
        #expect(Self.deadline(&state, start: 400) == 475)
        state.headBegan()
        #expect(Self.deadline(&state, start: 450) == 460)
        state.end()
        #expect(Self.deadline(&state, start: 500) == nil)
    }

    @Test func `before its deadline nothing ends a wait`() {
        var state = RequestState(limits: Self.limits)
        #expect(state.timePassed(at: .distantFuture, isTaking: false) == .none)
        state.startWait(at: .uptimeNanoseconds(0))
        #expect(state.timePassed(at: .uptimeNanoseconds(9_999_999_999), isTaking: false) == .none)
        #expect(state.isIdle)
        #expect(state.timePassed(at: .uptimeNanoseconds(10_000_000_000), isTaking: false) == .close)
        #expect(state.isEnding)
        #expect(state.timePassed(at: .distantFuture, isTaking: false) == .none)
    }

    @Test func `who takes an answer is not waited for`() {
        var state = Self.answering()
        _ = state.answered()
        state.startWait(at: .uptimeNanoseconds(0))
        #expect(state.timePassed(at: .uptimeNanoseconds(80_000_000_000), isTaking: true) == .none)
        #expect(Self.deadline(&state, start: 0) == 155)
        state.headBegan()
        _ = Self.deadline(&state, start: 100)
        #expect(state.timePassed(at: .uptimeNanoseconds(110_000_000_000), isTaking: true) == .none)
        #expect(state.timePassed(at: .uptimeNanoseconds(120_000_000_000), isTaking: false) == .refuse(.headTimeout))
    }

    @Test func `an answer that nobody asked for ends nothing but itself`() {
        var state = RequestState(limits: Self.limits)
        #expect(state.answered() == .close)
        #expect(state.isIdle)
    }
}
