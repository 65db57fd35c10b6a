import EventStream
import HTTPTypes
import NIOCore

/// The response head of an event stream.
enum StreamHead {
    /// `no-transform` and `X-Accel-Buffering` keep proxies from holding events back.
    private static let own: HTTPFields = [
        .contentType: "text/event-stream; charset=utf-8",
        .cacheControl: "no-cache, no-transform",
        .accelBuffering: "no",
    ]

    /// No `Content-Length` and no chunks: the body ends with the connection (RFC 9112, 6.3), so that one buffer
    /// serves every stream. HEAD is answered with the same.
    static func fields(adding headers: [(name: String, value: String)]) -> HTTPFields {
        var fields = own
        for header in headers {
            guard let name = HTTPField.Name(header.name), !settled.contains(name) else { continue }
            fields.append(HTTPField(name: name, value: header.value))
        }
        return fields
    }

    /// What follows the head at once, so that client and proxies see a byte.
    static func firstBytes(retry: Int?, event: ByteBuffer? = nil) -> ByteBuffer {
        var bytes = EventEncoder.heartbeat
        if let retry { EventEncoder.writeRetry(retry, to: &bytes) }
        if let event { bytes.writeImmutableBuffer(event) }
        return bytes
    }

    /// What makes a response a stream; nobody may add to it.
    private static let settled: Set<HTTPField.Name> = [
        .contentType, .cacheControl, .connection, .date, .accelBuffering, .contentLength, .transferEncoding,
    ]
}

extension HTTPField.Name {
    /// In HTTPTypes a request's authority stands for it.
    static let host = HTTPField.Name("Host")!
    /// nginx's switch for response buffering.
    static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}
