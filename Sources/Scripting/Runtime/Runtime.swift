import Delivery
import EventStream
import HTTP
import HTTPTypes
import Logging
import Lua
import NIOCore
import PubSub

/// The scripts at work: interpreter, tasks, streams, routes. Lives on the script loop, reached only through `ScriptHost`.
final class Runtime: HandlerObserver {
    let configuration: ScriptHost.Configuration
    let directory: ScriptDirectory
    let log: Logger
    let loop: any EventLoop
    let state: LuaState
    let reporter: ErrorReporter
    let scheduler: Scheduler
    let nodes: Nodes
    let callbackTimers: CallbackTimers
    let streams = StreamTable()
    let routes = RouteTable()
    let middleware = Middleware()
    let responses = OpenResponses()
    let staticDirectory: StaticDirectory
    let listener: Listener
    let json: JSONMarkers
    private let requestLog: RequestLog?
    private(set) var prelude: Prelude!
    private(set) var classes: APIClasses!
    private var signals: [HostSignal: LuaReference] = [:]
    /// Signals that have callbacks or are waited for.
    private var listening: Set<HostSignal> = []
    /// Signals that are waited for.
    private var awaited: Set<HostSignal> = []
    /// Handlers that wait, by what their client is owed.
    var handlers: [Exchange.ID: ScriptTask] = [:]
    var lastClientID = 0
    /// With what turns their news into signals.
    var publishers: [(PublisherObject, ChannelSignals)] = []
    /// Clients that are not closed.
    var redisClients: [RedisObject] = []
    private(set) var defaultPublisher: PublisherObject!
    var expiry: LoopTimers.Token?
    /// What is counted here; the rest is added by who asks.
    var statistics = Statistics()
    /// Adds what other loops count.
    var addCounts: (inout Statistics) -> Void = { _ in }
    private var lastGroup = 0
    /// What clients are held to.
    private(set) var limits: HTTPLimits
    /// Told when somebody begins or ceases to listen to `request_completed`, which other loops ask.
    var onListening: (HostSignal, Bool) -> Void = { _, _ in }
    var server: Server? {
        didSet {
            listener.server = server
            staticDirectory.server = server
            server?.setRouter(routes.router(middleware))
            server?.setCORS(cors.policy)
            server?.setCompression(compresses)
        }
    }
    var cors = CORSSettings() {
        didSet { server?.setCORS(cors.policy) }
    }
    /// Whether responses are compressed.
    var compresses = false {
        didSet { server?.setCompression(compresses) }
    }

    init(
        configuration: ScriptHost.Configuration, limits: HTTPLimits, loop: any EventLoop, timers: LoopTimers,
        log: Logger
    ) throws {
        self.configuration = configuration
        self.limits = limits
        self.directory = configuration.directory
        self.log = log
        self.loop = loop
        requestLog = configuration.logsRequests ? RequestLog(log: log) : nil
        state = try LuaState(memoryLimit: configuration.limits.memory)
        json = JSONMarkers(in: state)
        let names = KnownNames()
        reporter = ErrorReporter(directory: directory, limits: configuration.limits, names: names)
        scheduler = Scheduler(
            state: state, loop: loop, timers: timers, limits: configuration.limits, reporter: reporter)
        nodes = Nodes(scheduler: scheduler)
        staticDirectory = StaticDirectory(directory: configuration.directory, log: log)
        callbackTimers = CallbackTimers(timers: timers)
        listener = Listener(configuration: configuration, loop: loop, log: log)
        scheduler.handlers = self
        scheduler.onFault = { [unowned self] report, origin in noteFault(report, origin) }
        listener.onEvent = { [unowned self] event in listenerEvent(event) }
        enter()
        let host = HostPrimitives(runtime: self).makeTable()
        prelude = try Prelude(host: host, in: state)
        defaultPublisher = makePublisher()
        classes = try APIClasses(runtime: self, names: names)
        PublisherAPI(runtime: self).registerConstructors()
    }

    /// A number for a channel's members that no other channel of the process has.
    func newGroup() -> GroupID {
        lastGroup += 1
        return lastGroup
    }

    /// Gives code outside any task the budget of an entrance.
    func enter() {
        if scheduler.current == nil { state.startBudget(configuration.limits.budget) }
    }

    /// No script runs any more.
    func end() {
        nodes.stopTicks()
        if let expiry { scheduler.timers.cancel(expiry) }
        callbackTimers.cancelAll()
        scheduler.end()
    }

    /// Holds clients to these limits, as far as the command line leaves them to scripts.
    func setLimits(_ wanted: HTTPLimits) {
        limits = configuration.settle(wanted)
        server?.setLimits(limits)
    }

    /// Everything that is counted, now.
    func readStatistics() -> Statistics {
        var statistics = statistics
        statistics.streams.bufferedBytes = streams.bufferedBytes
        statistics.scripts.times = scheduler.times
        statistics.scripts.memory = state.memoryUsed
        addCounts(&statistics)
        return statistics
    }

    // MARK: streams

    /// Opens a stream, once: tells `sse_connection_opened`, and sends the head, behind which comes what was sent meanwhile.
    func open(_ connection: ConnectionObject, _ response: ResponseObject) {
        guard let handle = connection.handle, let opening = response.opening else { return }
        response.opening = nil
        handle.loop.expect(connection.id, ledger: handle.ledger, limits: opening.limits)
        sendHead(opening, response.exchange)
        for (publisher, _) in publishers { publisher.hub.opened(connection.id) }
        connection.release()
        if response.pin != nil { responses.await(response, connection.id) }
        statistics.streams.opened += 1
        requestLog?.opened(connection.id, connection.path)
        emit(.opened) { [classes] stack in
            stack.push(connection.id)
            stack.push(connection.path)
            classes!.pushHeaders(response.requestObject.request.headers, on: stack)
            return 3
        }
    }

    /// Sends a stream's head as soon as what any node publishes from then on to the stream's channels comes here: who has
    /// the head misses nothing. The rest of the program need not know; the stream's loop waits for the connection.
    private func sendHead(_ opening: StreamOpening, _ exchange: Exchange) {
        var left = publishers.count
        for (publisher, _) in publishers {
            publisher.hub.whenSubscribed(opening.id) {
                left -= 1
                if left == 0 { exchange.open(opening) }
            }
        }
    }

    func streamClosed(_ id: Int, _ reason: CloseReason) {
        guard let connection = streams.stream(id) else { return }
        connection.phase = .closed
        for (publisher, _) in publishers { publisher.hub.closed(id) }
        _ = streams.remove(id)
        statistics.streams.closed[reason, default: 0] += 1
        requestLog?.closed(
            id, connection.path, reason.rawValue,
            seconds: MonotonicSeconds.of(scheduler.timers.now) - connection.openedAt)
        if reason != .server, let task = connection.opening?.task, !task.isDetached { scheduler.cancel(task) }
        emit(.closed) { stack in
            stack.push(id)
            stack.push(reason.rawValue)
            return 2
        }
        emit("disconnected", of: connection) { stack in
            stack.push(reason.rawValue)
            return 1
        }
        connection.pin = nil
        if let response = responses.closed(id) { end(response, leaves: reason.isClients ? reason.rawValue : nil) }
    }

    func streamLagging(_ id: Int, _ bytes: Int) {
        guard let connection = streams.active(id) else { return }
        emit("lagging", of: connection) { stack in
            stack.push(bytes)
            return 1
        }
    }

    func streamDrained(_ id: Int) {
        guard let connection = streams.active(id) else { return }
        emit("drained", of: connection) { _ in 0 }
    }

    // MARK: signals

    func isListening(_ signal: HostSignal) -> Bool { listening.contains(signal) }

    func setListening(_ number: Int, callbacks: Bool, waiters: Bool) {
        guard let signal = HostSignal(rawValue: number) else { return }
        if waiters { awaited.insert(signal) } else { awaited.remove(signal) }
        let listens = callbacks || waiters
        if listens { listening.insert(signal) } else { listening.remove(signal) }
        onListening(signal, listens)
    }

    func register(_ signal: HostSignal, _ reference: LuaReference) { signals[signal] = reference }

    /// Emits one of the server's signals: each callback is an entrance of its own.
    func emit(_ signal: HostSignal, push: (LuaStack) -> Int) {
        guard listening.contains(signal), let reference = signals[signal] else { return }
        run(callbacksOf: reference, name: signal.name, isAwaited: awaited.contains(signal), push)
    }

    /// Emits a signal of the prelude's, without arguments.
    func emit(_ signal: LuaReference) { run(callbacksOf: signal, name: "timeout") { _ in 0 } }

    /// Emits a signal of one connection, if a script has ever asked for it.
    private func emit(_ name: String, of connection: ConnectionObject, push: (LuaStack) -> Int) {
        if connection.pin != nil { emit(name, of: connection, classes.connection, push: push) }
    }

    /// The same of a publisher, in a turn of its own.
    func emit(_ name: String, of publisher: PublisherObject, push: @escaping (LuaStack) -> Int) {
        guard publisher.pin != nil else { return }
        scheduler.nextTurn { [unowned self] in emit(name, of: publisher, classes.publisher, push: push) }
    }

    /// Emits the signal that hangs on an object, if a script has ever asked for it.
    func emit<Object>(_ name: String, of object: Object, _ type: LuaClass<Object>, push: (LuaStack) -> Int) {
        let stack = state.stack
        type.push(object, on: stack)
        type.pushAttachments(of: -1, on: stack, create: true)
        stack.pushField(name, of: -1)
        let reference =
            stack.isNil(at: -1)
            ? nil
            : {
                stack.pushCopy(of: -1); return state.popReference(from: stack)
            }()
        stack.pop(3)
        if let reference { run(callbacksOf: reference, name: name, push) }
    }

    /// - Parameter isAwaited: asked when the callbacks have run.
    private func run(
        callbacksOf signal: LuaReference, name: String, isAwaited: @autoclosure () -> Bool = true,
        _ push: (LuaStack) -> Int
    ) {
        enter()
        let stack = state.stack
        stack.push(prelude.takeCallbacks)
        stack.push(signal)
        guard (try? state.call(arguments: 1, results: 1)) != nil else { return }
        var callbacks: [LuaReference] = []
        if stack.type(at: -1) == .function {
            callbacks.append(state.popReference(from: stack))
        } else {
            for index in 0..<stack.length(of: -1) {
                stack.pushElement(index + 1, of: -1)
                callbacks.append(state.popReference(from: stack))
            }
            stack.pop()
        }
        let origin = ScriptTask.Origin.callback("signal \(name)", name == "timeout" ? .timer : .signal)
        for callback in callbacks { scheduler.start(origin, callback, push: push) }
        guard isAwaited() else { return }
        enter()
        stack.push(prelude.wakeSignal)
        stack.push(signal)
        try? state.call(arguments: 1 + push(stack), results: 0)
    }

    // MARK: faults

    private func noteFault(_ report: ErrorReport, _ origin: ScriptTask.Origin) {
        statistics.scripts.errors += 1
        if case .loading = origin { return }  // whoever loads tells it
        log.error("\(report.message)", metadata: ["in": "\(origin.label)", "traceback": "\(report.traceback)"])
        if case .callback("signal server_error", _) = origin { return }
        // In a turn of its own: the entrance that is at fault may have no time left.
        scheduler.nextTurn { [unowned self] in
            emit(.error) { stack in
                stack.push(report.message)
                return 1
            }
        }
    }

    private func listenerEvent(_ event: Listener.Event) {
        switch event {
        case .started(let port):
            emit(.started) { stack in
                stack.push(port); return 1
            }
        case .stopping: emit(.stopping) { _ in 0 }
        }
    }
}
