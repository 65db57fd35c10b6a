public import EventStream
public import NIOCore
import NIOHTTP1

/// Follows one event stream from connection to connection, as a browser's `EventSource` does (WHATWG HTML,
/// "Server-sent events").
public struct EventSource: Sendable {
    /// What happens, in order.
    public enum News: Sendable {
        /// The stream is open.
        case opened
        /// Bytes of the stream as they come, before the events in them.
        case bytes(ByteBuffer)
        case event(MessageEvent)
        /// There is no stream, and the server is asked again after the wait.
        case lost(reason: String, wait: TimeAmount)
    }

    /// Takes what happens, and answers whether to go on.
    public typealias Taker = (News) -> Bool

    private let url: HTTPURL
    private let lastEventID: String
    private let fields: [RequestField]
    private let connector: Connector

    /// - Throws: when the file of authorities is none.
    public init(_ url: HTTPURL, lastEventID: String = "", fields: [RequestField] = [], trust: Trust = .system)
        throws(Trust.Failure)
    {
        self.url = url
        self.lastEventID = lastEventID
        self.fields = fields
        connector = try Connector(trust: trust, isForTLS: url.isSecure)
    }

    /// Runs until the server says that there is no more (204), or `take` has had enough.
    /// - Throws: `EventSourceFailure`, or `CancellationError`.
    public func run(_ take: Taker) async throws {
        var state = EventSourceState(url, lastEventID: lastEventID)
        var action = state.waited()
        while true {
            switch action {
            case .request(let request):
                guard let next = try await exchange(request, &state, take) else { return }
                action = next
            case .wait(let time):
                try await Task.sleep(for: .nanoseconds(time.nanoseconds), clock: .continuous)
                action = state.waited()
            case .end(nil): return
            case .end(let failure?): throw failure
            case .read: preconditionFailure("a stream is read where its head is")
            }
        }
    }

    /// One request and what comes of it; nil when `take` has had enough.
    private func exchange(_ request: EventSourceState.Request, _ state: inout EventSourceState, _ take: Taker)
        async throws -> EventSourceState.Action?
    {
        var isOpen = false
        let fault: ConnectionFault
        do {
            let connection = try await connector.connect(to: request.url)
            let ending = try await connection.executeThenClose { inbound, outbound async throws -> Ending in
                var writeError: (any Error)?
                do {
                    try await outbound.write(contentsOf: [.head(head(of: request)), .end(nil)])
                } catch {
                    writeError = error  // reading tells why
                }
                var parts = inbound.makeAsyncIterator()
                while let part = try await parts.next() {
                    guard case .head(let head) = part else { continue }
                    let action = state.answered(Int(head.status.code), head.status.reasonPhrase) {
                        head.headers.first(name: $0)
                    }
                    guard action == .read else { return .action(action) }
                    isOpen = true
                    return try await read(&parts, &state, take)
                }
                throw writeError ?? ChannelError.eof
            }
            switch ending {
            case .enough: return nil
            case .action(let action): return action
            case .over: fault = .end
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            fault = ConnectionFault(error, at: request.url)
        }
        return lost(fault, request.url, &state, wasOpen: isOpen, take)
    }

    /// How a connection came to its end.
    private enum Ending {
        /// `take` has had enough.
        case enough
        case action(EventSourceState.Action)
        /// The stream is over, and may go on with another connection.
        case over
    }

    /// Reads an open stream to its end.
    private func read(
        _ parts: inout NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator,
        _ state: inout EventSourceState,
        _ take: Taker
    ) async throws -> Ending {
        guard take(.opened) else { return .enough }
        while let part = try await parts.next() {
            guard case .body(let bytes) = part else { break }
            guard take(.bytes(bytes)) else { return .enough }
            let (events, failure) = state.received(bytes.readableBytesView)
            for event in events {
                guard take(.event(event)) else { return .enough }
            }
            if let failure { return .action(.end(failure)) }
        }
        return .over
    }

    private func lost(
        _ fault: ConnectionFault, _ url: HTTPURL, _ state: inout EventSourceState, wasOpen: Bool, _ take: Taker
    ) -> EventSourceState.Action? {
        if fault.isFinal, !wasOpen { return .end(.notTrusted(url, reason: fault.text)) }
        let jitter = Double.random(in: 0...1)
        let wait = wasOpen ? state.streamEnded(jitter: jitter) : state.requestFailed(jitter: jitter)
        return take(.lost(reason: fault.text, wait: wait)) ? .wait(wait) : nil
    }

    private func head(of request: EventSourceState.Request) -> HTTPRequestHead {
        var headers: HTTPHeaders = [
            "Host": request.url.authority, "Accept": "text/event-stream", "Accept-Encoding": "identity",
            "Cache-Control": "no-store", "User-Agent": "mooncast",
        ]
        if !request.lastEventID.isEmpty { headers.add(name: "Last-Event-ID", value: request.lastEventID) }
        if request.hasOwnFields {
            for field in fields { headers.remove(name: field.name) }
            for field in fields { headers.add(name: field.name, value: field.value) }
        }
        return HTTPRequestHead(version: .http1_1, method: .GET, uri: request.url.target, headers: headers)
    }
}
