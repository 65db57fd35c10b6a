public import Delivery
public import HTTP
public import Logging
public import NIOCore
import NIOPosix

/// One server with its scripts, wired together and ready to load them.
public struct Node: Sendable {
    public let host: ScriptHost
    public let server: Server
    private let clock: any MonotonicClock
    private let group: MultiThreadedEventLoopGroup
    private let loop: any EventLoop
    private let sockets: [any SocketDelivery]

    /// The parts, connected; no script is loaded yet. The first event loop is the script loop.
    public static func make(
        _ configuration: ScriptHost.Configuration,
        threads: Int,
        log: Logger,
        clock: any MonotonicClock = SystemClock(),
        limits: HTTPLimits = HTTPLimits()
    ) async throws -> Node {
        let limits = configuration.settle(limits)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let loops = Array(group.makeIterator())
        var timers: [NIOLoopBound<LoopTimers>] = []
        for loop in loops {
            timers.append(
                try await loop.submit { NIOLoopBound(LoopTimers(loop: loop, clock: clock), eventLoop: loop) }.get())
        }
        let host = try await ScriptHost.make(
            configuration, on: loops[0], timers: timers[0], log: log, limits: limits
        ).get()
        var deliveries: [ChannelLoop] = []
        for (loop, timers) in zip(loops, timers) {
            deliveries.append(
                try await loop.submit { ChannelLoop(eventLoop: loop, timers: timers.value, observer: host) }.get())
        }
        let sockets = try makeSocketLoops(loops, clock, host)
        let server = try await Server.make(
            deliveries: deliveries, sockets: sockets, group: group, limits: limits, responder: host, log: log
        ).get()
        try await host.attach(server).get()
        return Node(host: host, server: server, clock: clock, group: group, loop: loops[0], sockets: sockets)
    }

    /// Loops of our own that take over the sockets of streams, where the system has them. Without, streams stay with the
    /// event loops that serve the requests.
    private static func makeSocketLoops(_ loops: [any EventLoop], _ clock: any MonotonicClock, _ host: ScriptHost)
        throws
        -> [any SocketDelivery]
    {
        #if os(Linux)
            return try loops.map { loop in
                // Requests and scripts: the latter live on the first.
                let helpers = loop === loops[0] ? [loop] : [loops[0], loop]
                return try SocketLoop(clock: clock, alarm: loop, helpers: helpers, observer: host)
            }
        #else
            return []
        #endif
    }

    public func load() async throws { try await host.load().get() }

    /// Loads the scripts and accepts connections.
    public func start() async throws {
        try await load()
        try await host.start().get()
    }

    /// Stops accepting, ends streams and connections, and last the scripts. What has not ended by `deadline` is
    /// cut, also an `_exit_tree` that waits. `last` runs when all is done and the loops are still there.
    public func stop(within deadline: TimeAmount, last: () async throws -> Void = {}) async throws {
        try await host.stopAccepting().get()
        let (server, loop) = (self.server, self.loop)
        let ended = loop.makePromise(of: Void.self)
        let end = clock.now() + deadline
        let cut = clock.wake(loop, at: end) { server.abort() }
        server.shutDown(retry: ShutdownRetry.spread).hop(to: loop).cascade(to: ended)
        try await ended.futureResult.get()
        cut.cancel()
        let exited = loop.makePromise(of: Void.self)
        host.exitTree().hop(to: loop).cascade(to: exited)
        let leave = clock.wake(loop, at: end) { exited.succeed() }
        try await exited.futureResult.get()
        leave.cancel()
        try await host.end().get()
        for loop in sockets {
            let ended = self.loop.makePromise(of: Void.self)
            loop.end(ended)
            try await ended.futureResult.get()
        }
        try await last()
        try await group.shutdownGracefully()
    }
}
