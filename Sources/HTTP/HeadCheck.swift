import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Refuses heads that two readers could read differently (RFC 9112, 3.2 and 6.3): one request must never become two.
/// What it lets through goes on in HTTPTypes.
final class HeadCheck: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPRequestPart

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
        switch part {
        case .head(let head): read(head, context)
        case .body(let body): context.fireChannelRead(wrapInboundOut(.body(body)))
        case .end: context.fireChannelRead(wrapInboundOut(.end(nil)))  // trailers are nobody's business
        }
    }

    private func read(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        do throws(RequestError) { try Self.check(head, loop.limits) } catch {
            let origins = head.headers["origin"]
            if origins.count == 1 {
                context.fireUserInboundEventTriggered(RefusedOrigin(origin: String(Self.trimmed(origins[0]))))
            }
            if head.method == .HEAD { context.fireUserInboundEventTriggered(IsHEAD()) }
            return context.fireErrorCaught(error)
        }
        guard var request = Self.request(head) else { return context.fireErrorCaught(RequestError.badMessage) }
        let isOld = head.version.minor == 0
        // From here on no version is known: an HTTP/1.0 client gets one answer and the close it expects. So does one
        // that asks for another protocol, because the parser stops at what may be that protocol's first byte.
        if isOld || head.method == .CONNECT || request.headerFields.contains(.upgrade) {
            request.headerFields[.connection] = "close"
        }
        if isOld {
            request.headerFields[.expect] = nil  // RFC 9110, 10.1.1
            context.fireUserInboundEventTriggered(IsHTTP10())
        }
        context.fireChannelRead(wrapInboundOut(.head(request)))
    }

    /// The head in HTTPTypes; `Host` stays among the fields. Nil for a method that is no token.
    private static func request(_ head: HTTPRequestHead) -> HTTPRequest? {
        guard let method = head.method == .GET ? .get : try? HTTPRequest.Method(head.method) else { return nil }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        for (name, value) in head.headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return HTTPRequest(method: method, scheme: nil, authority: nil, path: path(head.uri), headerFields: fields)
    }

    private static func path(_ target: String) -> String {
        let target = target.utf8.first == UInt8(ascii: "/") ? target : RequestTarget.originForm(target)
        if target.utf8.first == UInt8(ascii: "/") { return target }
        // Of an absolute form with another scheme its path.
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target)
        return (try? HTTPRequest(head, secure: false, splitCookie: false))?.path ?? target
    }

    // MARK: what is refused

    /// What is asked of a head, read in one pass over its fields.
    private struct Framing {
        /// One that may be given once: the first, and how many there are.
        struct Field {
            private(set) var value: Substring?
            private(set) var count = 0

            /// Without the white space behind it, which the parser leaves (RFC 9112, 5.1).
            mutating func add(_ text: String) {
                if count == 0 { value = HeadCheck.trimmed(text) }
                count += 1
            }
        }

        var bytes = 0
        var host = Field()
        var length = Field()
        var encoding = Field()

        init(_ headers: HTTPHeaders) {
            for (name, value) in headers {
                bytes += name.utf8.count + value.utf8.count
                switch name.utf8.count {
                case 4: if HeadCheck.names(name, "host") { host.add(value) }
                case 14: if HeadCheck.names(name, "content-length") { length.add(value) }
                case 17: if HeadCheck.names(name, "transfer-encoding") { encoding.add(value) }
                default: break
                }
            }
        }
    }

    static func check(_ head: HTTPRequestHead, _ limits: HTTPLimits) throws(RequestError) {
        guard head.version.major == 1, head.version.minor <= 1 else { throw .unsupportedVersion }
        guard head.uri.utf8.count <= limits.maxTargetBytes else { throw .targetTooLong }
        let framing = Framing(head.headers)
        guard framing.bytes <= limits.maxHeaderBytes else { throw .headTooLarge }
        if framing.host.count > 0 || head.version.minor > 0 { try checkHost(framing.host) }
        guard framing.length.count <= 1, framing.encoding.count <= 1 else { throw .badFraming }
        if let length = framing.length.value {
            guard framing.encoding.count == 0, !length.isEmpty,
                length.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
            else {
                throw .badFraming
            }
            guard let bytes = Int(length), bytes <= limits.maxBodyBytes else {
                throw .bodyTooLarge(limit: limits.maxBodyBytes)
            }
        }
        if let encoding = framing.encoding.value {
            guard head.version.minor == 1, encoding.lowercased() == "chunked" else { throw .badFraming }
        }
    }

    private static func checkHost(_ hosts: Framing.Field) throws(RequestError) {
        guard hosts.count == 1, let host = hosts.value, !host.isEmpty, host.utf8.allSatisfy(mayStandInHost) else {
            throw .badHost
        }
    }

    /// Of a host and port (RFC 3986, 3.2.2).
    private static func mayStandInHost(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~", ":", "[", "]", "!", "$", "&", "'", "(", ")", "*", "+",
            ";", "=", "%":
            true
        default: false
        }
    }

    /// Whether a field has this name, which is in lower case.
    private static func names(_ name: String, _ wanted: StaticString) -> Bool {
        var wanted = UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount)[...]
        for byte in name.utf8 {
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            guard wanted.popFirst() == (isUpper ? byte | 0x20 : byte) else { return false }
        }
        return wanted.isEmpty
    }

    private static func trimmed(_ value: String) -> Substring {
        let end = value.utf8.lastIndex { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        return end.map { value[...$0] } ?? ""
    }
}
