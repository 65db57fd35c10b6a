import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPCompression

/// Ordinary responses in gzip (RFC 9110, 8.4.1.3); streams never come here.
///
/// `HTTPResponseCompressor` cannot stand in a connection's pipeline: it counts on one head for each request, and 100
/// and the answers to refused requests have none. So it is given whole bodies, away from the loops.
enum Compression {
    /// Beneath it little is saved; above it zlib's counts of 32 bits might not hold the result.
    private static let sizes = 1 << 10...1 << 30

    /// Calls back with the response as this client takes it: at once where nothing is to be done.
    static func apply(
        to response: Response, _ accepted: AcceptEncoding, on loop: any EventLoop,
        then body: @escaping @Sendable (Response) -> Void
    ) {
        guard allows(response), case .bytes(let bytes) = response.body else { return body(response) }
        var response = response
        Vary.add(.acceptEncoding, to: &response.headers)
        guard accepted.best(of: [.gzip]) != nil else { return body(response) }
        Disk.run(on: loop, { gzip(bytes) }) { [response] coded in
            var response = response
            if let coded, coded.readableBytes < bytes.readableBytes {
                response.headers[.contentEncoding] = ContentCoding.gzip.name
                response.body = .bytes(coded)
            }
            body(response)
        }
    }

    // MARK: what may be compressed

    /// Whether a client may get the response in gzip.
    static func allows(_ response: Response) -> Bool {
        guard case .bytes(let bytes) = response.body, sizes.contains(bytes.readableBytes), response.allowsBody,
            !response.isFile, let type = response.headers[.contentType], isCompressible(type)
        else { return false }
        return !describing.contains { response.headers.contains($0) }
            && !response.headers.elements(of: .cacheControl).contains("no-transform")
    }

    /// What says of the very bytes what would not hold for others.
    private static let describing: [HTTPField.Name] =
        [.contentEncoding, .eTag, .contentRange] + ["Content-Digest", "Repr-Digest"].compactMap { .init($0) }

    private static let compressible: Set<String> = [
        "application/json", "application/javascript", "application/xml", "application/wasm",
    ]

    private static func isCompressible(_ contentType: String) -> Bool {
        let type = Substring(OptionalWhitespace.trimmed(contentType.utf8.prefix { $0 != UInt8(ascii: ";") }))
            .lowercased()
        if type.hasPrefix("text/") { return type != "text/event-stream" }
        return compressible.contains(type) || type.hasSuffix("+json") || type.hasSuffix("+xml")
    }

    // MARK: the coding

    /// The bytes in gzip; blocks while they are compressed.
    static func gzip(_ bytes: ByteBuffer) -> ByteBuffer? {
        let channel = EmbeddedChannel(handler: HTTPResponseCompressor())
        defer { _ = try? channel.finish() }
        let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: ["Accept-Encoding": "gzip"])
        let response = HTTPResponseHead(version: .http1_1, status: .ok)
        guard (try? channel.writeInbound(HTTPServerRequestPart.head(request))) != nil else { return nil }
        for part in [.head(response), .body(.byteBuffer(bytes)), .end(nil)] as [HTTPServerResponsePart] {
            channel.write(part, promise: nil)
        }
        channel.flush()
        var coded = ByteBuffer()
        while let part = try? channel.readOutbound(as: HTTPServerResponsePart.self) {
            // Copied: the compressor's buffer has room for the worst case, and a slow client would hold it.
            if case .body(.byteBuffer(let piece)) = part { coded.writeImmutableBuffer(piece) }
        }
        return coded.readableBytes > 0 ? coded : nil
    }
}
