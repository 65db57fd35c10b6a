import HTTP
import HTTPTypes
import NIOCore

/// What scripts see as `HTTPResponse`: an answer being made, until it is sent or becomes a stream.
final class ResponseObject {
    enum Phase {
        /// The script may still change it.
        case open
        /// The script has called `start_sse`; the head goes out when the handler returns or first waits.
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
    /// How the stream will be opened; nil once it is.
    var opening: StreamOpening?

    init(_ requestObject: RequestObject, exchange: Exchange) {
        self.requestObject = requestObject
        self.exchange = exchange
    }

    var request: Request { requestObject.request }

    /// The stream that it became.
    var connection: ConnectionObject? { if case .stream(let connection) = phase { connection } else { nil } }

    /// The last of body and file counts.
    func setBody(_ bytes: ByteBuffer) { (body, hasBody, file) = (bytes, true, nil) }

    func setFile(_ path: String) { (body, hasBody, file) = (ByteBuffer(), false, path) }

    /// Sends what the script has made of it, once.
    func send() {
        guard case .open = phase else { return }
        phase = .sent
        if hasBody, !headers.contains(.contentType) { headers[.contentType] = "text/plain; charset=utf-8" }
        if let file {
            exchange.respond(with: FileAnswer(path: file, to: request, status: status, headers: headers))
            headers = HTTPFields()
            return
        }
        let response = Response(status: status, headers: headers, body: .bytes(body))
        (headers, body) = (HTTPFields(), ByteBuffer())  // the script's object may outlive the answer
        exchange.respond(response)
    }

    /// Sends something else than what the script has made, unless that is under way already.
    func replace(with response: Response) {
        guard case .open = phase else { return }
        phase = .sent
        exchange.respond(response)
    }

    /// Answers a call of `start_sse` that gives no stream.
    func answerWithoutStream(_ response: Response) {
        phase = .withoutStream
        exchange.respond(response)
    }
}
