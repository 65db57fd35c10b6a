public import HTTPTypes
public import NIOCore

/// An ordinary response: the opposite of an open stream.
public struct Response: Sendable {
    public enum Body: Sendable {
        case bytes(ByteBuffer)
        case file(FileBody)
        /// None, and no length: HEAD asks for the head of what GET would make a stream.
        case stream
    }

    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: Body
    /// Whether the responder is told when the client's kernel has it all, or never will.
    public var reportsEnd = false
    /// Whether the body is a file's, also where it was read already. Which coding that comes in is a matter of files.
    var isFile = false

    public init(status: HTTPResponse.Status, headers: HTTPFields = [:], body: Body = .bytes(ByteBuffer())) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A page that says what went wrong, for people with a terminal.
    public static func error(_ status: HTTPResponse.Status, _ explanation: String) -> Response {
        let text = "\(status.code) \(status.reasonPhrase): \(explanation)\n"
        return Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: .bytes(ByteBuffer(string: text))
        )
    }

    /// The answer to HEAD where GET opens an event stream: the same headers.
    public static func streamHead(adding headers: [(name: String, value: String)]) -> Response {
        Response(status: .ok, headers: StreamHead.fields(adding: headers), body: .stream)
    }

    /// The `Content-Length` that says where this response ends. Nil where the status says so (RFC 9112, 6.3: not for
    /// 205), and for the head of an event stream, which has no length.
    var contentLength: Int? {
        if status.code == 205 { return 0 }
        guard allowsBody else { return nil }
        return switch body {
        case .bytes(let bytes): bytes.readableBytes
        case .file(let file): file.length
        case .stream: nil
        }
    }

    /// Whether the status allows a body (RFC 9110, 6.4.1; 205 says it has none).
    var allowsBody: Bool { ![204, 205, 304].contains(status.code) }
}
