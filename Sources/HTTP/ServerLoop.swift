import Delivery
import HTTPTypes
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What one event loop of the server knows. Everything but `delivery` is used on the loop only.
final class ServerLoop: Sendable {
    let eventLoop: any EventLoop
    let delivery: ChannelLoop
    /// Where streams go whose sockets can be taken over; nil leaves them all with `delivery`.
    let sockets: (any SocketDelivery)?
    let responder: any Responder
    let cap: ConnectionCap
    private let state: NIOLoopBound<State>

    private final class State {
        var limits: HTTPLimits
        var router = Router()
        var staticFiles: StaticFiles?
        var cors: CORSPolicy?
        var compresses = false
        var connections: [ObjectIdentifier: RequestHandler] = [:]
        var nextExchange: Exchange.ID
        let exchangeStep: Exchange.ID
        var isShuttingDown = false
        var emptied: [EventLoopPromise<Void>] = []
        var date = ""
        var dateSecond = 0

        init(limits: HTTPLimits, firstExchange: Exchange.ID, step: Exchange.ID) {
            self.limits = limits
            nextExchange = firstExchange
            exchangeStep = step
        }
    }

    /// Made on its event loop. Loop `index` of `count` numbers its exchanges so that no other loop uses them.
    init(
        delivery: ChannelLoop, sockets: (any SocketDelivery)?, responder: any Responder, limits: HTTPLimits,
        cap: ConnectionCap, index: Int, count: Int
    ) {
        self.cap = cap
        self.sockets = sockets
        self.eventLoop = delivery.eventLoop
        self.delivery = delivery
        self.responder = responder
        let state = State(limits: limits, firstExchange: Exchange.ID(index + 1), step: Exchange.ID(count))
        self.state = NIOLoopBound(state, eventLoop: delivery.eventLoop)
        delivery.onStreamClosed { [unowned self] in checkEmpty() }
    }

    var timers: LoopTimers { delivery.timers }

    /// Who takes over the sockets of streams: nobody where what is sent must be encrypted.
    func sockets(isSecure: Bool) -> (any SocketDelivery)? { isSecure ? nil : sockets }

    var limits: HTTPLimits {
        get { state.value.limits }
        set {
            guard newValue != state.value.limits else { return }
            state.value.limits = newValue
            for connection in Array(state.value.connections.values) { connection.limitsChanged() }
        }
    }

    var router: Router {
        get { state.value.router }
        set { state.value.router = newValue }
    }

    var staticFiles: StaticFiles? {
        get { state.value.staticFiles }
        set { state.value.staticFiles = newValue }
    }

    /// What other origins may read; nil says nothing of them.
    var cors: CORSPolicy? {
        get { state.value.cors }
        set { state.value.cors = newValue }
    }

    /// Whether ordinary responses are compressed.
    var compresses: Bool {
        get { state.value.compresses }
        set { state.value.compresses = newValue }
    }

    /// The answer to a preflight, which only a route for OPTIONS gives itself: one for every method was not made for it.
    func preflight(_ request: Request, _ match: Router.Match) -> Response? {
        guard request.method == .options, let answer = cors?.preflight(request.headers) else { return nil }
        guard case .route(let number, _) = match, router.isForOneMethod(number) else { return answer }
        return nil
    }

    func newExchange() -> Exchange.ID {
        defer { state.value.nextExchange += state.value.exchangeStep }
        return state.value.nextExchange
    }

    func add(_ connection: RequestHandler) { state.value.connections[ObjectIdentifier(connection)] = connection }

    func remove(_ connection: RequestHandler) {
        if state.value.connections.removeValue(forKey: ObjectIdentifier(connection)) != nil { checkEmpty() }
    }

    /// Done when no connection and no stream is left.
    func emptied() -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        state.value.emptied.append(promise)
        noteEmpty()
        return promise.futureResult
    }

    /// Later, because a connection that becomes a stream is in neither table for a moment.
    private func checkEmpty() {
        guard !state.value.emptied.isEmpty else { return }
        eventLoop.execute { self.noteEmpty() }
    }

    private func noteEmpty() {
        guard !state.value.emptied.isEmpty, state.value.connections.isEmpty, delivery.openCount == 0 else { return }
        let promises = state.value.emptied
        state.value.emptied = []
        for promise in promises { promise.succeed() }
    }

    /// Ends connections that wait for a request, and the others after their answer.
    func shutDownConnections() {
        state.value.isShuttingDown = true
        for connection in Array(state.value.connections.values) { connection.shutDown() }
    }

    /// Whether a stream that opens now must end at once.
    var isShuttingDown: Bool {
        get { state.value.isShuttingDown }
        set { state.value.isShuttingDown = newValue }
    }

    func abortConnections() {
        for connection in Array(state.value.connections.values) { connection.abort() }
    }

    /// The `Date` header (RFC 9110, 6.6.1), formatted once a second.
    var date: String {
        let second = time(nil)
        if second != state.value.dateSecond {
            state.value.dateSecond = second
            state.value.date = HTTPDate.string(second)
        }
        return state.value.date
    }
}
