import HTTP
import HTTPTypes
import Lua
import NIOCore

/// What scripts see as `HTTPResponse`: an answer being made, until it is sent or becomes a stream.
final class ResponseObject {
    enum Phase {
        /// The script may still change it.
        case open
        /// The script has called `start_sse`; the head goes out when the handler returns or first waits,
        /// and the node is subscribed to the channels that it joined.
        case stream(ConnectionObject)
        /// `start_sse` was answered otherwise: HEAD, a refused origin, a finished stream. A handler made for a stream has
        /// nothing to wait for then.
        case withoutStream
        case sent
    }

    /// What the handler got besides.
    let requestObject: RequestObject
    let exchange: Exchange
    var phase = Phase.open
    var status = HTTPResponse.Status.ok
    var headers = HTTPFields()
    private(set) var body = ByteBuffer()
    private(set) var hasBody = false
    /// The path of the file that is the body instead.
    private(set) var file: String?
    /// The handler's task, until it ends.
    var task: ScriptTask?
    /// Whether it waits for `complete_response` once its handler has returned.
    var isHeld = false
    /// Whether middleware has passed it on where no route is.
    var goesOn = false
    /// Whether it is in the hands of the error handler.
    private(set) var hasFailed = false
    /// Keeps the Lua value, once a script wants to hear of its end.
    var pin: LuaReference?
    /// How the stream will be opened; nil once it is.
    var opening: StreamOpening?

    /// Whether its client left before it was sent.
    var isAbandoned = false
    private let responses: OpenResponses

    init(_ requestObject: RequestObject, exchange: Exchange, responses: OpenResponses) {
        self.responses = responses
        self.requestObject = requestObject
        self.exchange = exchange
    }

    var request: Request { requestObject.request }

    /// The stream that it became.
    var connection: ConnectionObject? { if case .stream(let connection) = phase { connection } else { nil } }

    /// Whether nothing can reach the client any more.
    var isOver: Bool {
        switch phase {
        case .open: isAbandoned
        case .stream(let connection): !connection.isActive
        case .withoutStream, .sent: true
        }
    }

    /// The last of body and file counts.
    func setBody(_ bytes: ByteBuffer) { (body, hasBody, file) = (bytes, true, nil) }

    func setFile(_ path: String) { (body, hasBody, file) = (ByteBuffer(), false, path) }

    /// Sends what the script has made of it, once.
    func send() {
        guard case .open = phase else { return }
        phase = .sent
        if hasBody, !headers.contains(.contentType) { headers[.contentType] = "text/plain; charset=utf-8" }
        if let file {
            if pin != nil { responses.await(self) }
            exchange.respond(
                with: FileAnswer(path: file, to: request, status: status, headers: headers), reportsEnd: pin != nil)
            headers = HTTPFields()
            return
        }
        let response = Response(status: status, headers: headers, body: .bytes(body))
        (headers, body) = (HTTPFields(), ByteBuffer())  // the script's object may outlive the answer
        answer(response)
    }

    private func answer(_ response: Response) {
        guard pin != nil else { return exchange.respond(response) }
        var response = response
        response.reportsEnd = true
        responses.await(self)
        exchange.respond(response)
    }

    /// Its handler has raised: what it had made of the response is void.
    func fail() {
        hasFailed = true
        status = .internalServerError
        headers = HTTPFields()
        (body, hasBody, file) = (ByteBuffer(), false, nil)
    }

    /// Sends something else than what the script has made, unless that is under way already.
    func replace(with response: Response) {
        guard case .open = phase else { return }
        phase = .sent
        answer(response)
    }

    /// Answers a call of `start_sse` that gives no stream.
    func answerWithoutStream(_ response: Response) {
        phase = .withoutStream
        answer(response)
    }
}
