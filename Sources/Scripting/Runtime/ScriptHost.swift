public import Delivery
public import EventStream
public import HTTP
public import Logging
import Lua
public import NIOCore
import Synchronization

/// The scripts of one process, reached from any thread: hops to the script loop, where everything of theirs happens.
public final class ScriptHost: Responder, StreamObserver {
    /// What the scripts are run with.
    public struct Configuration: Sendable {
        public static let defaultHost = "127.0.0.1"
        public static let defaultPort = 8080

        public var directory: ScriptDirectory
        /// Where to listen, before what scripts say; nil leaves it to them.
        public var host: String?
        public var port: Int?
        /// With what to answer TLS, before what scripts say; nil leaves it to them.
        public var identity: TLSIdentity?
        /// A line is logged for each request and each stream.
        public var logsRequests = false
        /// Connections at once, and those of one address, before what scripts say; nil leaves it to them.
        public var maxConnections: Int?
        public var maxConnectionsPerAddress: Int?
        /// As many connections as the process can have, whatever is asked for.
        public var connectionRoom = Int.max
        /// How long the start waits for every Redis that scripts use, and then fails; nil does not wait.
        public var redisPatience: TimeAmount?
        /// Errors are shown in the browser.
        public var isDevelopment: Bool
        /// Scripts are loaded and nothing else: no port is bound.
        public var isCheck: Bool
        public var limits: ScriptLimits
        /// Who may say what a request's client is.
        public var trustedProxies: TrustedProxies

        public init(
            directory: ScriptDirectory,
            host: String? = nil,
            port: Int? = nil,
            isDevelopment: Bool = false,
            isCheck: Bool = false,
            limits: ScriptLimits = ScriptLimits(),
            trustedProxies: TrustedProxies = TrustedProxies()
        ) {
            self.directory = directory
            self.host = host
            self.port = port
            self.isDevelopment = isDevelopment
            self.isCheck = isCheck
            self.limits = limits
            self.trustedProxies = trustedProxies
        }

        /// What is wanted, as far as the command line and the process allow it.
        func settle(_ wanted: HTTPLimits) -> HTTPLimits {
            var limits = wanted
            limits.maxConnections = min(maxConnections ?? wanted.maxConnections, connectionRoom)
            limits.maxConnectionsPerAddress = maxConnectionsPerAddress ?? wanted.maxConnectionsPerAddress
            return limits
        }
    }

    private let loop: any EventLoop
    private let runtime: NIOLoopBound<Runtime>
    /// Whether a script listens to `request_completed`: asked by every loop for every request.
    private let wantsCompletions = Atomic<Bool>(false)
    private let delivery = Mutex(DeliveryTally())
    private let requests = RequestTimes()
    private let requestLog: RequestLog?

    /// Fits the process's allocator to Lua's garbage. Once, before scripts run.
    public static func tuneAllocator() { LuaState.tuneAllocator() }

    /// An interpreter with the whole API and no script yet, on its loop.
    /// - Parameter limits: those of the server, which scripts may change.
    public static func make(
        _ configuration: Configuration,
        on loop: any EventLoop,
        timers: NIOLoopBound<LoopTimers>,
        log: Logger,
        limits: HTTPLimits = HTTPLimits()
    ) -> EventLoopFuture<ScriptHost> {
        loop.submit {
            let runtime = try Runtime(
                configuration: configuration, limits: limits, loop: loop, timers: timers.value, log: log)
            let host = ScriptHost(
                loop: loop, runtime: runtime, requestLog: configuration.logsRequests ? RequestLog(log: log) : nil)
            runtime.addCounts = { [unowned host] statistics in
                statistics.delivery = host.delivery.withLock { $0 }
                statistics.requests = host.requests.snapshot
            }
            runtime.onListening = { [unowned host] signal, listens in
                if signal == .completed { host.wantsCompletions.store(listens, ordering: .relaxed) }
            }
            return host
        }
    }

    private init(loop: any EventLoop, runtime: Runtime, requestLog: RequestLog?) {
        self.requestLog = requestLog
        self.loop = loop
        self.runtime = NIOLoopBound(runtime, eventLoop: loop)
    }

    /// Gives the scripts the server that they steer.
    public func attach(_ server: Server) -> EventLoopFuture<Void> {
        loop.submit { self.runtime.value.server = server }
    }

    /// Loads every script, in order, each to its end.
    /// - Throws: the `ErrorReport` of the first that fails, or `ScriptDirectory.Failure`.
    public func load() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        loop.execute { Loader(runtime: self.runtime.value).loadAll { promise.completeWith($0) } }
        return promise.futureResult
    }

    /// Runs every `_ready` and then accepts connections.
    /// - Throws: the `ErrorReport` of a `_ready` that fails, `ListeningSocket.Failure`, or `MissingRedis`.
    public func start() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            let runtime = self.runtime.value
            runtime.listener.onFailure = { error in promise.fail(error) }
            runtime.nodes.callAll("_ready") { fault in
                if let fault { return promise.fail(fault) }
                runtime.awaitRedis { missing in
                    if let missing { return promise.fail(missing) }
                    do {
                        try runtime.listener.ready()
                        runtime.nodes.startTicks()
                        promise.succeed()
                    } catch {
                        promise.fail(error)
                    }
                }
            }
        }
        return promise.futureResult
    }

    /// The port that is listened on; 0 for none.
    public func port() -> EventLoopFuture<Int> { loop.submit { self.runtime.value.listener.port } }

    /// The routes that are registered, in order.
    public func routes() -> EventLoopFuture<[RegisteredRoute]> {
        loop.submit { self.runtime.value.routes.entries.map(\.registered) }
    }

    /// Whether connections are accepted.
    public func isReady() -> EventLoopFuture<Bool> { loop.submit { self.runtime.value.listener.isAccepting } }

    /// Reads the files of the TLS certificate again; logs what is wrong with them.
    public func reloadCertificate() -> EventLoopFuture<Void> {
        loop.submit { self.runtime.value.listener.reloadCertificate() }
    }

    /// Stops accepting and tells `server_stopping`. Open streams and answers under way go on.
    public func stopAccepting() -> EventLoopFuture<Void> {
        loop.submit { self.runtime.value.listener.stop() }
    }

    /// Runs every `_exit_tree`.
    public func exitTree() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            self.runtime.value.nodes.stopTicks()
            self.runtime.value.nodes.callAll("_exit_tree") { _ in promise.succeed() }
        }
        return promise.futureResult
    }

    /// Ends the scripts: what waits does not go on, and nothing of theirs runs any more. Before the last reference to
    /// the host is let go.
    public func end() -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            self.runtime.value.leaveRedis {
                self.runtime.value.end()
                promise.succeed()
            }
        }
        return promise.futureResult
    }

    // MARK: Responder

    public func respond(to request: Request, as destination: Destination, exchange: Exchange) {
        if loop.inEventLoop { return runtime.value.handle(request, as: destination, exchange: exchange) }
        loop.execute { self.runtime.value.handle(request, as: destination, exchange: exchange) }
    }

    // The rest comes in a turn of its own, also on the script loop: it may be noticed while a script writes.

    public func clientGone(exchange: Exchange.ID) {
        loop.execute { self.runtime.value.clientGone(exchange) }
    }

    public func answered(_ exchange: Exchange.ID) {
        loop.execute { self.runtime.value.answered(exchange) }
    }

    public func completed(_ summary: RequestSummary) {
        requests.note(summary)
        requestLog?.answered(summary)
        guard wantsCompletions.load(ordering: .relaxed), !summary.method.isEmpty else { return }
        loop.execute {
            self.runtime.value.emit(.completed) { stack in
                stack.push(summary.method)
                stack.push(summary.path)
                stack.push(summary.status)
                stack.push(summary.seconds)
                return 4
            }
        }
    }

    // MARK: StreamObserver

    public func streamClosed(_ stream: StreamID, reason: CloseReason) {
        loop.execute { self.runtime.value.streamClosed(stream, reason) }
    }

    public func streamLagging(_ stream: StreamID, bufferedBytes: Int) {
        loop.execute { self.runtime.value.streamLagging(stream, bufferedBytes) }
    }

    public func streamDrained(_ stream: StreamID) {
        loop.execute { self.runtime.value.streamDrained(stream) }
    }

    public func delivered(_ tally: DeliveryTally) { delivery.withLock { $0.add(tally) } }

    // MARK: statistics

    public func statistics() -> EventLoopFuture<Statistics> { loop.submit { self.runtime.value.readStatistics() } }
}
