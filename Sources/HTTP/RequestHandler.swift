import Delivery
import EventStream
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOSSL
import NIOTLS

/// Serves one connection until it closes or becomes a stream: performs what `RequestState` says.
final class RequestHandler: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    let loop: ServerLoop
    let place: ConnectionCap.Place
    let isSecure: Bool
    /// The connection is to be encrypted, and is not yet.
    private(set) var isShakingHands: Bool
    var state: RequestState
    private(set) var context: ChannelHandlerContext?
    /// Parts of requests behind the one being answered; while there are any, nothing is read.
    private var queue = CircularBuffer<HTTPRequestPart>()
    var readIsHeld = false
    private var current: Current?
    /// For what the client owes.
    var timer = LazyTimer()
    var linger: LoopTimers.Token?
    /// Of a connection that gets only one answer.
    private var farewell: LoopTimers.Token?
    private var isHTTP10 = false
    /// Of the request that may be refused.
    private var asksForHead = false
    private var isEmptyingQueue = false
    var isLeaving = false
    /// The `Origin` of the request that is being read or answered.
    private var origin: String?
    /// Looked up once, for every request of the connection.
    private lazy var clientAddress = context?.channel.remoteAddress

    /// The exchange whose answer is under way, where the responder wants to hear of its end.
    private var reporting: Exchange.ID?

    /// The request being answered.
    private struct Current {
        let exchange: Exchange.ID
        let method: HTTPRequest.Method
        let path: String
        let target: String
        let start = NIODeadline.now()
        /// Whether the responder has it.
        var isResponders = false
        /// What the client takes, where responses are compressed.
        var accepted: AcceptEncoding?
        /// Whether the answer is there, and is only being compressed.
        var isAnswered = false
    }

    /// Who is not let in has that long to ask and to take the answer.
    private static let refusedTime = TimeAmount.seconds(5)

    init(loop: ServerLoop, place: ConnectionCap.Place, isSecure: Bool) {
        self.loop = loop
        self.place = place
        self.isSecure = isSecure
        self.isShakingHands = isSecure
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
        watch()
        // Accepted by one loop while this one had stopped already.
        guard loop.isShuttingDown else { return }
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.execute { handler.value.shutDown() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer.cancel(loop.timers)
        loop.remove(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .head = part { state.headEnded() }
        if state.isAnswering || isBehind || !queue.isEmpty { queue.append(part) } else { take(part) }
    }

    private func take(_ part: HTTPRequestPart) {
        if case .head(let head) = part {
            asksForHead = head.method == .head
            origin = head.headerFields[.origin]
        }
        perform(state.received(part))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        watch()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { goOn() }
        context.fireChannelWritabilityChanged()
    }

    /// The client has not taken enough of the last answer for another one: so many who read nothing would fill the memory.
    private var isBehind: Bool { state.isIdle && context?.channel.isWritable == false }

    func read(context: ChannelHandlerContext) {
        if state.isEnding || queue.isEmpty && !isBehind {
            context.read()
        } else {
            readIsHeld = true
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is HeadCheck.IsHTTP10 { isHTTP10 = true }
        if event is HeadCheck.IsHEAD { asksForHead = true }
        if event is RequestDecoder.HeadBegan { return state.headBegan() }
        if isShakingHands, case TLSUserEvent.handshakeCompleted? = event as? TLSUserEvent {
            isShakingHands = false
            watch()
        }
        if let refused = event as? HeadCheck.RefusedOrigin, !state.isAnswering { origin = refused.origin }
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        guard state.closeInput(), queue.isEmpty else { return }
        if linger != nil { context.close(promise: nil) } else { leave(context, lingers: false) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.end()
        queue.removeAll()
        if let current, current.isResponders { loop.responder.clientGone(exchange: current.exchange) }
        current = nil
        if let reporting { loop.responder.clientGone(exchange: reporting) }
        reporting = nil
        if let linger { loop.timers.cancel(linger) }
        if let farewell { loop.timers.cancel(farewell) }
        timer.cancel(loop.timers)
        loop.remove(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case let error as RequestError: perform(state.failed(error))
        case HTTPParserError.headerOverflow: perform(state.failed(.headTooLarge))
        case HTTPParserError.invalidVersion: perform(state.failed(.unsupportedVersion))
        case is HTTPParserError: perform(state.failed(.badMessage))
        case is IOError, is NIOSSLError, is BoringSSLError, is NIOSSLExtraError, is NIOSSLCloseTimedOutError:
            break  // the channel closes itself
        default: perform(state.failed(.badMessage))
        }
    }

    // MARK: requests

    func perform(_ action: RequestState.Action) {
        switch action {
        case .none: break
        case .close: if let context { leave(context, lingers: false) }
        case .sendContinue:
            context?.writeAndFlush(wrapOutboundOut(ResponseHead(status: .continue, fields: [:]).bytes()), promise: nil)
        case .refuse(let error):
            // Of the request nothing is certain.
            loop.responder.completed(
                RequestSummary(
                    method: "", path: "", target: "", status: error.status.code, seconds: 0, client: clientAddress))
            write(.error(error.status, error.explanation), method: asksForHead ? .head : .get, closes: true)
            finishAnswer(closes: true)
        case .dispatch(let head, let body): dispatch(head, body)
        }
    }

    private func dispatch(_ head: HTTPRequest, _ body: ByteBuffer) {
        if let refusal = place.refusal { return sendAway(head, refusal) }
        let exchange = loop.newExchange()
        if head.method == .options, head.path == "*" {
            current = Current(exchange: exchange, method: .options, path: "*", target: "*")
            return respond(Response(status: .noContent, headers: [.allow: AllowedMethods.all]), to: exchange)
        }
        let target: RequestTarget
        do {
            target = try RequestTarget(head.path ?? "")
        } catch {
            current = Current(exchange: exchange, method: head.method, path: "", target: head.path ?? "")
            return respond(.error(error.status, error.explanation), to: exchange)
        }
        current = Current(exchange: exchange, method: head.method, path: target.path, target: target.raw)
        let headers = head.headerFields
        if loop.compresses { current?.accepted = AcceptEncoding(headers[.acceptEncoding]) }
        var request = Request(
            method: head.method, target: target, headers: headers, body: body, clientAddress: clientAddress)
        request.isHTTP10 = isHTTP10
        request.isSecure = isSecure
        let handle = Exchange(
            id: exchange, handler: NIOLoopBound(self, eventLoop: loop.eventLoop), loop: loop, isSecure: isSecure)
        var dispatch = Dispatch(loop: loop, request: request, exchange: handle)
        dispatch.begin()
    }

    /// The responder has the exchange now, and is to hear when its client goes.
    func isResponders(_ exchange: Exchange.ID) {
        if current?.exchange == exchange { current?.isResponders = true }
    }

    /// There are too many connections: this one gets one answer.
    private func sendAway(_ head: HTTPRequest, _ refusal: ConnectionCap.Refusal) {
        let acceptsStream = head.headerFields[.accept]?.lowercased().contains("text/event-stream") ?? false
        let response = refusal.response(acceptsStream: acceptsStream)
        loop.responder.completed(
            RequestSummary(
                method: head.method.rawValue, path: (try? RequestTarget(head.path ?? ""))?.path ?? "",
                target: head.path ?? "", status: response.status.code, seconds: 0, client: clientAddress))
        write(response, method: head.method, closes: true)
        finishAnswer(closes: true)
    }

    // MARK: answers

    /// Answers an exchange, if it is the current one and still unanswered.
    func respond(_ response: Response, to exchange: Exchange.ID) {
        guard let current, current.exchange == exchange, !current.isAnswered, context != nil else { return }
        guard let accepted = current.accepted else { return send(response, current) }
        // It stays the current one meanwhile, as while a file is opened.
        self.current?.isAnswered = true
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        Compression.apply(to: response, accepted, on: loop.eventLoop) { response in
            guard let current = handler.value.current, current.exchange == exchange else { return }
            handler.value.send(response, current)
        }
    }

    private func send(_ response: Response, _ current: Current) {
        self.current = nil
        reporting = response.reportsEnd ? current.exchange : nil
        state.hasMore = !queue.isEmpty
        let closes = state.closesAfterAnswer
        loop.responder.completed(summary(of: current, status: response.status.code))
        if write(response, method: current.method, closes: closes) { finishAnswer(closes: closes) }
    }

    private func summary(of current: Current, status: Int) -> RequestSummary {
        let nanoseconds = (NIODeadline.now() - current.start).nanoseconds
        return RequestSummary(
            method: current.method.rawValue, path: current.path, target: current.target, status: status,
            seconds: Double(nanoseconds) / 1e9, client: clientAddress)
    }

    /// Writes head and body. False when the body goes on in pieces, which finish the answer later.
    @discardableResult
    private func write(_ response: Response, method: HTTPRequest.Method, closes: Bool) -> Bool {
        guard let context else { return true }
        var fields = response.headers
        addCORS(to: &fields)
        let head = ResponseHead(
            status: response.status, fields: fields, contentLength: response.contentLength, date: loop.date,
            closes: closes)
        guard method != .head, response.allowsBody else {
            context.writeAndFlush(wrapOutboundOut(head.bytes()), promise: nil)
            return true
        }
        switch response.body {
        case .bytes(let body): write(head, body, context)
        case .file(let file):
            context.write(wrapOutboundOut(head.bytes()), promise: nil)
            writePieces(of: file, closes: closes)
            return false
        case .stream: context.writeAndFlush(wrapOutboundOut(head.bytes()), promise: nil)
        }
        return true
    }

    /// A body of so many bytes is copied behind its head, which costs less than a second buffer to write.
    private static let copied = 16 << 10

    private func write(_ head: ResponseHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        let isCopied = body.readableBytes <= Self.copied
        var bytes = head.bytes(room: isCopied ? body.readableBytes : 0)
        if isCopied { bytes.writeImmutableBuffer(body) } else { context.write(wrapOutboundOut(bytes), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(isCopied ? bytes : body), promise: nil)
    }

    private func addCORS(to headers: inout HTTPFields) {
        loop.cors?.apply(to: &headers, origin: origin)
        origin = nil
    }

    /// A file goes out piece by piece, each read when the one before is with the kernel.
    private func writePieces(of file: FileBody, closes: Bool) {
        guard file.length > 0 else {
            context?.flush()
            return finishAnswer(closes: closes)
        }
        let handler = NIOLoopBound(self, eventLoop: loop.eventLoop)
        Disk.run(on: loop.eventLoop, { file.nextPiece() }) { piece in
            guard let context = handler.value.context else { return }
            // A file that shrank cannot keep the length that was promised.
            guard let piece else { return context.close(promise: nil) }
            context.writeAndFlush(handler.value.wrapOutboundOut(piece.bytes)).whenComplete { result in
                guard case .success = result else { return }
                handler.value.writePieces(of: piece.rest, closes: closes)
            }
        }
    }

    private func finishAnswer(closes: Bool) {
        guard let context else { return }
        if let reporting {
            self.reporting = nil
            let responder = loop.responder
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { result in
                if case .success = result {
                    responder.answered(reporting)
                } else {
                    responder.clientGone(exchange: reporting)
                }
            }
        }
        state.hasMore = !queue.isEmpty
        guard state.answered() == .nextRequest, !closes else {
            queue.removeAll()
            return leave(context, lingers: true)
        }
        state.limits = loop.limits
        goOn()
    }

    /// Takes up what has come meanwhile.
    private func goOn() {
        // An answer that comes at once ends here again; the loop goes on with the next request, and the stack does not
        // grow with their number.
        guard !isEmptyingQueue else { return }
        isEmptyingQueue = true
        while !state.isAnswering, !state.isEnding, !isBehind, let part = queue.popFirst() {
            take(part)
        }
        isEmptyingQueue = false
        if state.inputIsClosed, queue.isEmpty, !state.isAnswering, !state.isEnding, let context {
            return leave(context, lingers: false)
        }
        if readIsHeld, queue.isEmpty, !isBehind {
            readIsHeld = false
            context?.read()
        }
        watch()
    }

    // MARK: streams

    /// Writes the head of an event stream and hands the channel to the delivery loop.
    func open(_ opening: StreamOpening, for exchange: Exchange.ID) {
        let sockets = loop.sockets(isSecure: isSecure)
        guard let current, current.exchange == exchange, !current.isAnswered, let context else {
            if let sockets { return sockets.neverOpened(opening.id) }
            return loop.delivery.neverOpened(opening.id, ledger: opening.ledger)
        }
        self.current = nil
        loop.responder.completed(summary(of: current, status: 200))
        var fields = StreamHead.fields(adding: opening.headers)
        addCORS(to: &fields)
        let head = ResponseHead(status: .ok, fields: fields, date: loop.date, closes: true)
        let inputIsClosed = state.inputIsClosed
        state.end()
        queue.removeAll()
        if let sockets { return handOver(opening, head, to: sockets, context) }
        context.write(wrapOutboundOut(head.bytes()), promise: nil)
        let channel = context.channel
        Pipeline.removeHTTPHandlers(from: channel)
        loop.delivery.adopt(
            channel, as: opening.id, ledger: opening.ledger, limits: opening.limits, retry: opening.retry,
            first: opening.welcome ?? ByteBuffer(), hasFinished: inputIsClosed)
        if readIsHeld { channel.read() }
        if loop.isShuttingDown { loop.delivery.close(opening.id, reason: .shutdown) }
    }
}
