import NIOCore
import NIOHTTP1

/// NIO's request parser, whose errors tell a target that is too long from a header that is: only the bytes that are
/// not read yet still know.
final class RequestDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    /// Said when the first bytes of a head have come and its end has not.
    struct HeadBegan: Sendable {}

    private enum Position { case betweenRequests, inHead, inBody }

    private let parser: HTTPRequestDecoder
    private let maxTargetBytes: Int
    /// The last byte that was read and is no space. The parser keeps what it is in the midst of: behind a method that
    /// is the target, behind a colon or a line's end a header.
    private var lastRead = UInt8(ascii: "\n")
    private var position = Position.betweenRequests
    /// Whether a request has ended among the bytes that are being read.
    private var hasEnded = false

    /// More than this nobody needs, and sums of it are numbers still.
    private static let noLimit = 1 << 40

    init(limits: HTTPLimits) {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        // The list is the target and the headers together; each has its own limit in `HeadCheck`.
        let maxHeaderBytes = min(limits.maxHeaderBytes, Self.noLimit)
        configuration.maxHeaderFieldSize = max(maxHeaderBytes, limits.maxTargetBytes)
        configuration.maxHeaderListSize = maxHeaderBytes + limits.maxTargetBytes
        configuration.maxHeaderFieldCount = limits.maxHeaderFields
        parser = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: configuration)
        maxTargetBytes = limits.maxTargetBytes
    }

    func decoderAdded(context: ChannelHandlerContext) { parser.decoderAdded(context: context) }
    func decoderRemoved(context: ChannelHandlerContext) { parser.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        let unread = buffer
        hasEnded = false
        do {
            let next = try parser.decode(context: context, buffer: &buffer)
            noteRead(in: unread, upTo: buffer.readerIndex)
            noteHead(context, hasUnread: buffer.readableBytes > 0)
            return next
        } catch {
            throw explain(error, unread.readableBytesView)
        }
    }

    /// To be told of every part, since the parser gives them straight to the next handler.
    func hasMade(_ part: HTTPServerRequestPart) {
        switch part {
        case .head: position = .inBody
        case .body: break
        case .end:
            position = .betweenRequests
            hasEnded = true
        }
    }

    /// Between requests the parser leaves nothing unread but what it has of a target and headers, and has read what it
    /// has of a method. (Of that it is not known here whether it is rather the end of a body that came with it: then the
    /// head begins with the next bytes.) Empty lines before a request are none of it (RFC 9112, 2.2).
    private func noteHead(_ context: ChannelHandlerContext, hasUnread: Bool) {
        guard case .betweenRequests = position else { return }
        let isInMethod = !hasEnded && lastRead != UInt8(ascii: "\n") && lastRead != UInt8(ascii: "\r")
        guard hasUnread || isInMethod else { return }
        position = .inHead
        context.fireUserInboundEventTriggered(HeadBegan())
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        let unread = buffer.readableBytesView
        do {
            return try parser.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
        } catch {
            throw explain(error, unread)
        }
    }

    private func noteRead(in buffer: ByteBuffer, upTo end: Int) {
        let read = buffer.readableBytesView[buffer.readerIndex..<end]
        if let last = read.last(where: { $0 != UInt8(ascii: " ") }) { lastRead = last }
    }

    private func explain(_ error: any Error, _ unread: ByteBufferView) -> any Error {
        switch error {
        case HTTPParserError.headerOverflow: hasLongTarget(unread) ? RequestError.targetTooLong : .headTooLarge
        // A version that is one, but not ours, has been told already: this is none.
        case HTTPParserError.invalidVersion: RequestError.badMessage
        default: error
        }
    }

    private func hasLongTarget(_ unread: ByteBufferView) -> Bool {
        let space = UInt8(ascii: " ")
        var lines = unread.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        if Self.mayEndMethod(lastRead), lines.first?.prefix(while: { $0 != space }).count ?? 0 > maxTargetBytes {
            return true
        }
        while let line = lines.popFirst() {
            let words = line.split(separator: space, maxSplits: 2, omittingEmptySubsequences: false)
            guard words.count > 1, words[0].allSatisfy(Self.mayEndMethod) else { continue }
            if words[1].count > maxTargetBytes { return true }
        }
        return false
    }

    private static func mayEndMethod(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-")
    }
}
