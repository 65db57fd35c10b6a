import Delivery
import EventStream
import HTTP
import HTTPTypes
import Lua
import NIOCore

/// What `response:start_sse()` does.
struct StreamStart {
    let runtime: Runtime
    let response: ResponseObject

    /// - Throws: when the response was started already, or has a body, a file, or a status other than 200.
    func start(_ options: StreamOptions) throws(LuaError) -> ConnectionObject {
        guard case .open = response.phase else { throw .message("the response was started already") }
        guard !response.isHeld else { throw .message("the response is held") }
        guard !response.hasBody else { throw .message("the response has a body already") }
        guard response.file == nil else { throw .message("the response has a file already") }
        guard response.status.code == 200 else {
            throw .message("the response has status \(response.status.code); a stream needs 200")
        }

        let request = response.requestObject
        let connection = ConnectionObject()
        connection.path = request.request.target.path
        connection.lastEventID = request.lastEventID
        if let allowed = options.allowedOrigins, let origin = request.header("Origin"), !allowed.contains(origin) {
            var refusal = Response.error(.forbidden, "the origin \(origin) may not open this stream")
            cors(options)?.apply(to: &refusal.headers, origin: origin)
            response.answerWithoutStream(refusal)
            return connection
        }
        if connection.lastEventID == FinishedStream.id {
            var end = Response(status: .noContent)  // the browser stops coming back
            cors(options)?.apply(to: &end.headers, origin: request.header("Origin"))
            response.answerWithoutStream(end)
            return connection
        }
        guard request.request.method != .head else {
            response.answerWithoutStream(.streamHead(adding: ownHeaders(options)))
            return connection
        }
        activate(connection, options, request)
        for channel in options.channels { _ = try runtime.join(connection, channel, options.joining) }
        return connection
    }

    /// Those of the response, then those of the options, then what `allowed_origins` says to pages.
    private func ownHeaders(_ options: StreamOptions) -> [(name: String, value: String)] {
        let headers = response.headers.map { (name: $0.name.rawName, value: $0.value) } + options.headers
        guard let cors = cors(options) else { return headers }
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        cors.apply(to: &fields, origin: response.requestObject.header("Origin"))
        return fields.map { (name: $0.name.rawName, value: $0.value) }
    }

    /// The stream's own policy, which goes before the server's. None without `allowed_origins`, or without any CORS.
    private func cors(_ options: StreamOptions) -> CORSPolicy? {
        guard let allowed = options.allowedOrigins, let policy = runtime.cors.policy else { return nil }
        return CORSPolicy(.oneOf(allowed), allowsCredentials: policy.allowsCredentials)
    }

    /// Tells the client who it is: S42-Core's first event.
    private func welcome(_ connection: ConnectionObject, numbered: Bool) -> ByteBuffer {
        var frame = ByteBuffer()
        let event = StreamEvent(id: numbered ? "0" : nil, type: "welcome", data: "{\"uuid\":\"\(connection.uuid)\"}")
        try? EventEncoder.write(event, to: &frame)  // no field can be refused
        return frame
    }

    private func activate(_ connection: ConnectionObject, _ options: StreamOptions, _ request: RequestObject) {
        let limits = options.limits
        let ledger = StreamLedger(maxBufferedBytes: limits.maxBufferedBytes, onSlow: limits.onSlow)
        connection.handle = StreamHandle(
            id: runtime.streams.newID(), ledger: ledger, loop: response.exchange.deliveryLoop)
        connection.phase = .opening
        connection.policy = limits.onSlow
        connection.opening = .init(request, task: response.task)
        connection.openedAt = MonotonicSeconds.of(runtime.scheduler.timers.now)
        if options.autoID { connection.nextNumber = options.welcome ? 1 : 0 }
        if options.welcome { ledger.count(events: 1) }
        response.opening = StreamOpening(
            id: connection.id, ledger: ledger, limits: limits, retry: options.retry, headers: ownHeaders(options),
            welcome: options.welcome ? welcome(connection, numbered: options.autoID) : nil)
        runtime.streams.add(connection)
        // The request and the response of each stream that opens are garbage soon, most of it outside Lua.
        runtime.state.noteMemory(kilobytes: 4)
        response.phase = .stream(connection)
    }
}

/// The id of a stream's last event after `finish`. A client that comes back with it is told to stay away; it is known
/// by its form alone, on every node and after a restart.
enum FinishedStream {
    static let id = "mooncast.end"
}
