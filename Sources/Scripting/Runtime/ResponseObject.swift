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
        /// `start_sse` was answered otherwise: HEAD, a refused origin, a finished stream.
        case refusedStream
        case sent
    }

    let request: Request
    let exchange: Exchange
    var phase = Phase.open
    var status = HTTPResponse.Status.ok
    var headers = HTTPFields()
    var body = ByteBuffer()
    var hasBody = false
    /// The handler's task.
    weak var task: ScriptTask?

    init(request: Request, exchange: Exchange) {
        self.request = request
        self.exchange = exchange
    }

    /// Sends what the script has made of it, once.
    func send() {
        switch phase {
        case .open, .refusedStream: break
        case .stream, .sent: return
        }
        phase = .sent
        if hasBody, headers[.contentType] == nil { headers[.contentType] = "text/plain; charset=utf-8" }
        exchange.respond(Response(status: status, headers: headers, body: .bytes(body)))
    }

    /// Sends something else than what the script has made, unless that is under way already.
    func replace(with response: Response) {
        guard case .open = phase else { return send() }
        phase = .sent
        exchange.respond(response)
    }
}
