import EventStream
import NIOCore
import Testing

@testable import Client

@Suite struct EventSourceStateTests {
    private typealias Action = EventSourceState.Action

    private func request(_ url: String, id: String = "", own: Bool = true) throws -> Action {
        .request(.init(url: try HTTPURL(url), lastEventID: id, hasOwnFields: own))
    }

    /// An event source whose first request is under way.
    private func asked(_ url: String = "http://a/x", id: String = "") throws -> EventSourceState {
        var state = EventSourceState(try HTTPURL(url), lastEventID: id)
        #expect(state.waited() == (try request(url, id: id)))
        return state
    }

    private func answer(_ state: inout EventSourceState, _ code: Int, _ fields: [String: String] = [:]) -> Action {
        state.answered(code, "") { fields[$0] }
    }

    private static let stream = ["content-type": "text/event-stream"]

    @Test(arguments: [
        "text/event-stream", "TEXT/Event-Stream", "text/event-stream; charset=utf-8", " text/event-stream ;x",
        "text/event-stream;charset=latin1",
    ])
    func `an event stream is read`(type: String) throws {
        var state = try asked()
        #expect(answer(&state, 200, ["content-type": type]) == .read)
    }

    @Test(arguments: ["text/html", "text/event-streams", "text", "", "text/event-stream, text/html"])
    func `another content type ends it`(type: String) throws {
        var state = try asked()
        #expect(answer(&state, 200, ["content-type": type]) == .end(.contentType(try HTTPURL("http://a/x"), type)))
    }

    @Test func `no content type ends it`() throws {
        var state = try asked()
        #expect(answer(&state, 200) == .end(.contentType(try HTTPURL("http://a/x"), nil)))
    }

    @Test func `a compressed stream ends it`() throws {
        var state = try asked()
        let fields = Self.stream.merging(["content-encoding": "gzip"]) { $1 }
        #expect(answer(&state, 200, fields) == .end(.contentCoding(try HTTPURL("http://a/x"), "gzip")))
    }

    @Test func `204 ends it, and nothing is wrong`() throws {
        var state = try asked()
        #expect(answer(&state, 204) == .end(nil))
    }

    @Test(arguments: [201, 206, 300, 304, 305, 400, 401, 404, 429, 500, 503, 999])
    func `any other status ends it`(code: Int) throws {
        var state = try asked()
        let fields = Self.stream.merging(["location": "/y"]) { $1 }
        #expect(answer(&state, code, fields) == .end(.status(try HTTPURL("http://a/x"), code: code, reason: "")))
    }

    // MARK: redirects

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect is followed, and only a permanent one remembered`(code: Int) throws {
        var state = try asked()
        #expect(answer(&state, code, ["location": "y"]) == (try request("http://a/y")))
        #expect(answer(&state, 200, Self.stream) == .read)
        _ = state.streamEnded(jitter: 0)
        #expect(state.waited() == (try request(code == 301 || code == 308 ? "http://a/y" : "http://a/x")))
    }

    @Test func `a permanent redirect behind a temporary one is not remembered`() throws {
        var state = try asked()
        _ = answer(&state, 301, ["location": "/y"])
        _ = answer(&state, 302, ["location": "/z"])
        #expect(answer(&state, 308, ["location": "/end"]) == (try request("http://a/end")))
        _ = state.requestFailed(jitter: 0)
        #expect(state.waited() == (try request("http://a/y")))
    }

    @Test(arguments: ["http://b/x", "https://a/x", "http://a:81/x", "//b"])
    func `the user's fields stay with their server`(location: String) throws {
        var state = try asked()
        let place = try HTTPURL("http://a/x").resolving(location).description
        #expect(answer(&state, 302, ["location": location]) == (try request(place, own: false)))
        #expect(answer(&state, 302, ["location": "http://a/back"]) == (try request("http://a/back")))
    }

    @Test func `the last event id goes along`() throws {
        var state = try asked(id: "7")
        #expect(answer(&state, 307, ["location": "http://b/"]) == (try request("http://b/", id: "7", own: false)))
    }

    @Test func `five redirects are followed, and not a sixth`() throws {
        var state = try asked()
        for number in 1...5 {
            #expect(answer(&state, 302, ["location": "/\(number)"]) == (try request("http://a/\(number)")))
        }
        let end = Action.end(.tooManyRedirects(try HTTPURL("http://a/x"), limit: 5))
        #expect(answer(&state, 302, ["location": "/6"]) == end)
        _ = state.requestFailed(jitter: 0)
        _ = state.waited()
        #expect(answer(&state, 302, ["location": "/1"]) == (try request("http://a/1")))
    }

    @Test(arguments: [nil, ""] as [String?]) func `a redirect to nowhere ends it`(location: String?) throws {
        var state = try asked()
        let end = Action.end(.redirectWithoutPlace(try HTTPURL("http://a/x"), code: 302))
        #expect(answer(&state, 302, location.map { ["location": $0] } ?? [:]) == end)
    }

    @Test func `so does one to what is no URL`() throws {
        var state = try asked()
        guard case .end(.badRedirect(_, "ftp://b/", _)) = answer(&state, 302, ["location": "ftp://b/"]) else {
            Issue.record("followed")
            return
        }
    }

    // MARK: streams

    private func feed(_ state: inout EventSourceState, _ text: String) -> [MessageEvent] {
        let (events, failure) = state.received(text.utf8)
        #expect(failure == nil)
        return events
    }

    @Test func `the id of the last whole event is sent with the next request`() throws {
        var state = try asked(id: "0")
        #expect(answer(&state, 200, Self.stream) == .read)
        #expect(feed(&state, "data: a\n\n") == [MessageEvent(data: "a", lastEventID: "0")])
        #expect(feed(&state, "id: 1\ndata: b\n\nid: 2\ndata: c") == [MessageEvent(data: "b", lastEventID: "1")])
        _ = state.streamEnded(jitter: 0)
        #expect(state.waited() == (try request("http://a/x", id: "1")))
    }

    @Test func `nothing of an unfinished event is left in the next stream`() throws {
        var state = try asked()
        _ = answer(&state, 200, Self.stream)
        _ = feed(&state, "id: 1\ndata: a\n\nevent: x\ndata: half\n: \u{FEFF}")
        _ = state.streamEnded(jitter: 0)
        _ = state.waited()
        _ = answer(&state, 200, Self.stream)
        #expect(feed(&state, "\u{FEFF}data: b\n\n") == [MessageEvent(data: "b", lastEventID: "1")])
    }

    @Test func `an empty id forgets the place`() throws {
        var state = try asked(id: "7")
        _ = answer(&state, 200, Self.stream)
        _ = feed(&state, "id\n\n")
        _ = state.streamEnded(jitter: 0)
        #expect(state.waited() == (try request("http://a/x")))
    }

    @Test func `a retry holds for every later connection`() throws {
        var state = try asked()
        #expect(state.requestFailed(jitter: 0) == .seconds(3))
        _ = state.waited()
        _ = answer(&state, 200, Self.stream)
        _ = feed(&state, "retry: 500\n")
        #expect(state.streamEnded(jitter: 1) == .milliseconds(500))
        _ = state.waited()
        #expect(state.requestFailed(jitter: 1) == .milliseconds(1500))
        #expect(state.requestFailed(jitter: 1) == .milliseconds(2500))
        _ = state.waited()
        _ = answer(&state, 200, Self.stream)
        #expect(state.streamEnded(jitter: 1) == .milliseconds(500))
    }

    @Test(arguments: ["x", "data: "]) func `a line that does not end is an error at the limit`(
        beginning: String
    ) throws {
        var state = try asked()
        _ = answer(&state, 200, Self.stream)
        let most = EventSourceState.maxEventBytes
        let line = Array(beginning.utf8) + Array(repeating: UInt8(ascii: "x"), count: most - beginning.utf8.count)
        #expect(state.received(line).1 == nil)
        #expect(state.received("x".utf8).1 == .eventTooLong(try HTTPURL("http://a/x"), limit: most))
    }
}
