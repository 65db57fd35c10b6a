import Delivery
import EventStream
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Serves one connection until it closes or becomes a stream: performs what `RequestState` says.
final class RequestHandler: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = HTTPResponsePart

    private let loop: ServerLoop
    private let place: ConnectionCap.Place
    private var state: RequestState
    private var context: ChannelHandlerContext?
    /// Parts of requests behind the one being answered; while there are any, nothing is read.
    private var queue = CircularBuffer<HTTPRequestPart>()
    private var readIsHeld = false
    private var current: Current?
    private var linger: LoopTimers.Token?
    /// Of a connection that gets only one answer.
    private var farewell: LoopTimers.Token?
    private var isHTTP10 = false
    private var isEmptyingQueue = false
    private var isLeaving = false
    /// The `Origin` of the request that is being read or answered.
    private var origin: String?
    /// Asked of the kernel once, for every request of the connection.
    private lazy var clientAddress = context?.remoteAddress

    /// The request being answered.
    private struct Current {
        let exchange: Exchange.ID
        let method: HTTPRequest.Method
        let path: String
        let start: NIODeadline
        /// Whether a script has it.
        let isResponders: Bool
    }

    /// After our last byte, what the client still sends is read and dropped for at most that long.
    private static let lingerTime = TimeAmount.seconds(2)
    /// Who is not let in has that long to ask and to take the answer.
    private static let refusedTime = TimeAmount.seconds(5)

    init(loop: ServerLoop, place: ConnectionCap.Place) {
        self.loop = loop
        self.place = place
        self.state = RequestState(limits: loop.limits)
    }

    // MARK: the channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
        if place.refusal != nil {
            let channel = context.channel
            farewell = loop.timers.schedule(after: Self.refusedTime) { channel.close(promise: nil) }
        }
        // Accepted by one loop while this one had stopped already.
        guard loop.isShuttingDown else { return }
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { handler.value.shutDown() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if state.isAnswering {
            queue.append(part)
        } else {
            receive(part)
        }
    }

    private func receive(_ part: HTTPRequestPart) {
        if case .head(let head) = part { origin = head.headerFields[.origin] }
        perform(state.received(part))
    }

    func read(context: ChannelHandlerContext) {
        if queue.isEmpty || state.isEnding {
            context.read()
        } else {
            readIsHeld = true
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is HeadCheck.IsHTTP10 { isHTTP10 = true }
        if let refused = event as? HeadCheck.RefusedOrigin, !state.isAnswering { origin = refused.origin }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        guard state.closeInput() else { return }
        if linger != nil { context.close(promise: nil) } else { leave(context, lingers: false) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.end()
        queue.removeAll()
        if let current, current.isResponders { loop.responder.clientGone(exchange: current.exchange) }
        current = nil
        if let linger { loop.timers.cancel(linger) }
        if let farewell { loop.timers.cancel(farewell) }
        loop.remove(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as RequestError: perform(state.failed(error))
        case HTTPParserError.headerOverflow: perform(state.failed(.headTooLarge))
        case HTTPParserError.invalidVersion: perform(state.failed(.unsupportedVersion))
        case is HTTPParserError: perform(state.failed(.badMessage))
        case is any IOErrorLike: break  // the channel closes itself
        default: perform(state.failed(.badMessage))
        }
    }

    // MARK: requests

    private func perform(_ action: RequestState.Action) {
        switch action {
        case .none: break
        case .sendContinue:
            context?.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        case .refuse(let error):
            // Of the request nothing is certain.
            loop.responder.completed(
                RequestSummary(method: "", path: "", status: error.status.code, seconds: 0))
            write(.error(error.status, error.explanation), method: .get, closes: true)
            finishAnswer(closes: true)
        case .dispatch(let head, let body): dispatch(head, body)
        }
    }

    private func dispatch(_ head: HTTPRequest, _ body: ByteBuffer) {
        if let refusal = place.refusal { return sendAway(head, refusal) }
        let exchange = loop.newExchange()
        if head.method == .options, head.path == "*" {
            current = Current(exchange: exchange, method: .options, path: "*", start: .now(), isResponders: false)
            return respond(Response(status: .noContent, headers: [.allow: AllowedMethods.all]), to: exchange)
        }
        let target: RequestTarget
        do {
            target = try RequestTarget(head.path ?? "")
        } catch {
            current = Current(exchange: exchange, method: head.method, path: "", start: .now(), isResponders: false)
            return respond(.error(error.status, error.explanation), to: exchange)
        }
        let match = loop.router.match(method: head.method, target: target)
        var isResponders = false
        if case .route = match { isResponders = true }
        current = Current(
            exchange: exchange, method: head.method, path: target.path, start: .now(), isResponders: isResponders)
        if let answer = loop.preflight(head, match) { return respond(answer, to: exchange) }
        switch match {
        case .route(let number, let parameters):
            var headers = head.headerFields
            if let authority = head.authority { headers[.host] = authority }  // the codec has taken it out
            var request = Request(
                method: head.method, target: target, headers: headers, body: body, clientAddress: clientAddress)
            request.isHTTP10 = isHTTP10
            request.pathParameters = parameters
            let handle = Exchange(id: exchange, handler: NIOLoopBound(self, eventLoop: loop.eventLoop), loop: loop)
            loop.responder.respond(to: request, route: number, exchange: handle)
        case .methodNotAllowed(let allowed):
            let otherwise = AllowedMethods.response(to: head.method, allowed)
            serveFile(head.method, target, exchange, routes: allowed, otherwise: otherwise)
        case .notFound:
            serveFile(head.method, target, exchange, otherwise: .error(.notFound, "nothing is at \(target.path)"))
        }
    }

    /// There are too many connections: this one gets one answer.
    private func sendAway(_ head: HTTPRequest, _ refusal: ConnectionCap.Refusal) {
        let acceptsStream = head.headerFields[.accept]?.lowercased().contains("text/event-stream") ?? false
        let response = refusal.response(acceptsStream: acceptsStream)
        loop.responder.completed(
            RequestSummary(
                method: head.method.rawValue, path: (try? RequestTarget(head.path ?? ""))?.path ?? "",
                status: response.status.code, seconds: 0))
        write(response, method: head.method, closes: true)
        finishAnswer(closes: true)
    }

    private func serveFile(
        _ method: HTTPRequest.Method, _ target: RequestTarget, _ exchange: Exchange.ID, routes: [String] = [],
        otherwise: Response
    ) {
        guard let files = loop.staticFiles else { return respond(otherwise, to: exchange) }
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        Disk.run(on: loop.eventLoop, { files.response(for: target) }) { found in
            var response = found ?? otherwise
            if found != nil, method != .get, method != .head {
                response = AllowedMethods.response(to: method, atFileAndRoutes: routes)
            }
            handler.value.respond(response, to: exchange)
        }
    }

    // MARK: answers

    /// Answers an exchange, if it is the current one and still unanswered.
    func respond(_ response: Response, to exchange: Exchange.ID) {
        guard let current, current.exchange == exchange, context != nil else { return }
        self.current = nil
        let closes = state.closesAfterAnswer
        loop.responder.completed(summary(of: current, status: response.status.code))
        if write(response, method: current.method, closes: closes) { finishAnswer(closes: closes) }
    }

    private func summary(of current: Current, status: Int) -> RequestSummary {
        let nanoseconds = (NIODeadline.now() - current.start).nanoseconds
        return RequestSummary(
            method: current.method.rawValue, path: current.path, status: status, seconds: Double(nanoseconds) / 1e9)
    }

    /// Writes head and body. False when the body goes on in pieces, which finish the answer later.
    @discardableResult
    private func write(_ response: Response, method: HTTPRequest.Method, closes: Bool) -> Bool {
        guard let context else { return true }
        var headers = response.headers
        addCORS(to: &headers)
        if let length = response.contentLength { headers[.contentLength] = String(length) }
        headers[.date] = loop.date
        if closes { headers[.connection] = "close" }
        context.write(
            wrapOutboundOut(.head(HTTPResponse(status: response.status, headerFields: headers))), promise: nil)
        if method != .head, response.allowsBody {
            switch response.body {
            case .bytes(let bytes):
                if bytes.readableBytes > 0 { context.write(wrapOutboundOut(.body(bytes)), promise: nil) }
            case .file(let file):
                writePiece(of: file, at: 0, closes: closes)
                return false
            case .stream: break
            }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        return true
    }

    private func addCORS(to headers: inout HTTPFields) {
        loop.cors?.apply(to: &headers, origin: origin)
        origin = nil
    }

    private static let pieceSize = 64 << 10

    /// A file goes out piece by piece, each read when the one before is with the kernel.
    private func writePiece(of file: OpenFile, at offset: Int, closes: Bool) {
        guard offset < file.size else {
            context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            return finishAnswer(closes: closes)
        }
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let count = min(Self.pieceSize, file.size - offset)
        Disk.run(on: loop.eventLoop, { file.read(at: offset, count: count) }) { piece in
            guard let context = handler.value.context else { return }
            // A file that shrank cannot keep the length that was promised.
            guard let piece else { return context.close(promise: nil) }
            context.writeAndFlush(handler.value.wrapOutboundOut(.body(piece))).whenComplete { result in
                guard case .success = result else { return }
                handler.value.writePiece(of: file, at: offset + piece.readableBytes, closes: closes)
            }
        }
    }

    private func finishAnswer(closes: Bool) {
        guard let context else { return }
        guard state.answered() == .nextRequest, !closes else {
            queue.removeAll()
            return leave(context, lingers: true)
        }
        // An answer that comes at once ends here again; the loop goes on with the next request, and the stack does not
        // grow with their number.
        guard !isEmptyingQueue else { return }
        isEmptyingQueue = true
        while !state.isAnswering, !state.isEnding, let part = queue.popFirst() { receive(part) }
        isEmptyingQueue = false
        if readIsHeld, queue.isEmpty {
            readIsHeld = false
            context.read()
        }
    }

    /// Ends the connection once the kernel has all that was written, however slowly the client takes it. With `lingers`
    /// our side is shut down first and what still comes is dropped: closing over unread bytes would reset the
    /// connection, and the client might never see the answer.
    private func leave(_ context: ChannelHandlerContext, lingers: Bool) {
        state.end()
        guard !isLeaving else { return }
        isLeaving = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        // An empty write is done when everything before it is. (To shut a half-closed channel down would close it at
        // once, whatever is still to be written.)
        context.writeAndFlush(wrapOutboundOut(.body(ByteBuffer()))).whenComplete { _ in
            handler.value.hasWrittenAll(lingers: lingers)
        }
        if readIsHeld {
            readIsHeld = false
            context.read()
        }
    }

    private func hasWrittenAll(lingers: Bool) {
        guard let context else { return }
        guard lingers, !state.inputIsClosed else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        linger = loop.timers.schedule(after: Self.lingerTime) { channel.close(promise: nil) }
    }

    // MARK: streams

    /// Writes the head of an event stream and hands the channel to the delivery loop.
    func open(_ opening: StreamOpening, for exchange: Exchange.ID) {
        guard let current, current.exchange == exchange, let context else {
            if let sockets = loop.sockets { return sockets.neverOpened(opening.id) }
            return loop.delivery.neverOpened(opening.id, ledger: opening.ledger)
        }
        self.current = nil
        loop.responder.completed(summary(of: current, status: 200))
        var head = StreamHead.response(date: loop.date, adding: opening.headers)
        addCORS(to: &head.headerFields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if let sockets = loop.sockets { return handOver(opening.id, opening.retry, to: sockets, context) }
        let channel = context.channel
        let inputIsClosed = state.inputIsClosed
        state.end()
        queue.removeAll()
        Pipeline.removeHTTPHandlers(from: channel)
        loop.delivery.adopt(
            channel, as: opening.id, ledger: opening.ledger, limits: opening.limits, retry: opening.retry)
        if inputIsClosed { channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        if readIsHeld { channel.read() }
        if loop.isShuttingDown { loop.delivery.close(opening.id, reason: .shutdown) }
    }

    /// Hands the connection's socket to another loop once the head is with the kernel, and lets go of the channel.
    private func handOver(
        _ id: StreamID, _ retry: Int?, to sockets: any SocketDelivery, _ context: ChannelHandlerContext
    ) {
        state.end()
        queue.removeAll()
        isLeaving = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.body(StreamHead.firstBytes(retry: retry)))).whenComplete { result in
            handler.value.headIsOut(result, id, sockets)
        }
    }

    private func headIsOut(_ result: Result<Void, any Error>, _ id: StreamID, _ sockets: any SocketDelivery) {
        guard case .success = result, let context else { return sockets.neverOpened(id) }
        let pipeline = context.channel.pipeline.syncOperations
        let hasFinished = state.inputIsClosed
        loop.cap.handOver(place, to: id)
        let isTaken = try? pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            sockets.adopt(id, socket: socket, hasFinished: hasFinished)
        }
        if isTaken == nil { sockets.neverOpened(id) }
        if isTaken != true { loop.cap.takeBack(place, from: id) }
        if loop.isShuttingDown { sockets.close(id, reason: .shutdown) }
        context.close(promise: nil)
    }

    // MARK: the server stops

    func shutDown() {
        if state.shutDown(), let context { leave(context, lingers: false) }
    }

    func abort() { context?.close(promise: nil) }
}

/// Errors of the operating system, on which a channel closes itself.
private protocol IOErrorLike: Error {}
extension IOError: IOErrorLike {}
