import NIOCore
import NIOHTTP1

/// Refuses heads that two readers could read differently (RFC 9112, 3.2 and 6.3): one request must never become two.
final class HeadCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// Said before the head of an HTTP/1.0 request.
    struct IsHTTP10: Sendable {}
    /// Said before a request for a head alone is refused.
    struct IsHEAD: Sendable {}

    /// Said before the error of a head that names its origin: the page may read why it was refused.
    struct RefusedOrigin: Sendable { let origin: String }

    private let loop: ServerLoop
    private let decoder: RequestDecoder

    /// - Parameter decoder: that of the connection, which makes the parts.
    init(loop: ServerLoop, decoder: RequestDecoder) {
        self.loop = loop
        self.decoder = decoder
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        decoder.hasMade(part)
        guard case .head(var head) = part else { return context.fireChannelRead(data) }
        do throws(RequestError) { try Self.check(head, loop.limits) } catch {
            let origins = Self.values("origin", head)
            if origins.count == 1 { context.fireUserInboundEventTriggered(RefusedOrigin(origin: String(origins[0]))) }
            if head.method == .HEAD { context.fireUserInboundEventTriggered(IsHEAD()) }
            return context.fireErrorCaught(error)
        }
        // The codec would change other forms on the way.
        if head.uri.utf8.first != UInt8(ascii: "/") { head.uri = RequestTarget.originForm(head.uri) }
        let isOld = head.version.minor == 0
        guard isOld || head.method == .CONNECT || head.headers.contains(name: "upgrade") else {
            return context.fireChannelRead(data)
        }
        // Behind the codec no version is known: an HTTP/1.0 client gets one answer and the close it expects. So does one
        // that asks for another protocol, because the parser stops at what may be that protocol's first byte.
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        if isOld {
            head.headers.remove(name: "Expect")  // RFC 9110, 10.1.1
            context.fireUserInboundEventTriggered(IsHTTP10())
        }
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    static func check(_ head: HTTPRequestHead, _ limits: HTTPLimits) throws(RequestError) {
        guard head.version.major == 1, head.version.minor <= 1 else { throw .unsupportedVersion }
        guard head.uri.utf8.count <= limits.maxTargetBytes else { throw .targetTooLong }
        let headerBytes = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard headerBytes <= limits.maxHeaderBytes else { throw .headTooLarge }
        try checkHost(head)
        let lengths = values("content-length", head)
        let encodings = values("transfer-encoding", head)
        guard lengths.count <= 1, encodings.count <= 1 else { throw .badFraming }
        if let length = lengths.first {
            guard encodings.isEmpty, !length.isEmpty,
                length.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
            else {
                throw .badFraming
            }
            guard let bytes = Int(length), bytes <= limits.maxBodyBytes else {
                throw .bodyTooLarge(limit: limits.maxBodyBytes)
            }
        }
        if let encoding = encodings.first {
            guard head.version.minor == 1, encoding.lowercased() == "chunked" else { throw .badFraming }
        }
    }

    /// A header's values, without the white space behind them, which the parser leaves (RFC 9112, 5.1).
    private static func values(_ name: String, _ head: HTTPRequestHead) -> [Substring] {
        head.headers[name].map { value in
            let end = value.utf8.lastIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            return end.map { value[...$0] } ?? ""
        }
    }

    private static func checkHost(_ head: HTTPRequestHead) throws(RequestError) {
        let hosts = values("host", head)
        if hosts.isEmpty && head.version.minor == 0 { return }
        guard hosts.count == 1, let host = hosts.first, !host.isEmpty else { throw .badHost }
        let allowed = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-._~:[]!$&'()*+;=%".utf8.contains(byte)
            }
        }
        guard allowed else { throw .badHost }
    }
}
