public import HTTPTypes
public import NIOCore

/// An ordinary response: the opposite of an open stream.
public struct Response: Sendable {
    public enum Body: Sendable {
        case bytes(ByteBuffer)
        case file(OpenFile)
    }

    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: Body

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

    var contentLength: Int {
        switch body {
        case .bytes(let bytes): bytes.readableBytes
        case .file(let file): file.size
        }
    }

    /// The `Content-Length` that says where this response ends. Nil where the status says so (RFC 9112, 6.3: not for
    /// 205), and for the head of an event stream, which has no length.
    func announcedLength(to method: HTTPRequest.Method) -> Int? {
        if status.code == 205 { return 0 }
        let isStreamsHead = method == .head && headers[.contentType]?.hasPrefix("text/event-stream") == true
        return allowsBody && !(isStreamsHead && contentLength == 0) ? contentLength : nil
    }

    /// Whether the status allows a body (RFC 9110, 6.4.1; 205 says it has none).
    var allowsBody: Bool { ![204, 205, 304].contains(status.code) }
}
