public import Delivery
import EventStream
public import Logging
public import NIOCore
import NIOPosix

/// Accepts connections and serves them on event loops.
///
/// Every function may be called from any thread.
public final class Server: Sendable {
    private let group: any EventLoopGroup
    private let loops: [ServerLoop]
    private let log: Logger

    /// - Parameters:
    ///   - deliveries: one per event loop; each serves the connections of its loop.
    ///   - sockets: one per event loop, to take over the sockets of its streams; or none.
    ///   - group: the group of those loops.
    public static func make(
        deliveries: [ChannelLoop],
        sockets: [any SocketDelivery] = [],
        group: any EventLoopGroup,
        limits: HTTPLimits,
        responder: any Responder,
        log: Logger = Logger(label: "mooncast", factory: { _ in SwiftLogNoOpLogHandler() })
    ) -> EventLoopFuture<Server> {
        let cap = ConnectionCap()
        for loop in sockets { loop.onRelease { cap.released($0) } }
        let loops = deliveries.enumerated().map { index, delivery in
            delivery.eventLoop.submit {
                ServerLoop(
                    delivery: delivery, sockets: sockets.isEmpty ? nil : sockets[index], responder: responder,
                    limits: limits, cap: cap, index: index, count: deliveries.count)
            }
        }
        return EventLoopFuture.whenAllSucceed(loops, on: group.next()).map {
            Server(group: group, loops: $0, log: log)
        }
    }

    private init(group: any EventLoopGroup, loops: [ServerLoop], log: Logger) {
        self.log = log
        self.group = group
        self.loops = loops
    }

    /// Starts to accept; with an identity, connections speak TLS. The channel's close stops it.
    public func accept(on socket: ListeningSocket, identity: TLSIdentity? = nil) -> EventLoopFuture<any Channel> {
        let (loops, log) = (self.loops, self.log)
        // Behind a shut-down of this same turn, which waits in each loop's queue: a script may stop and listen at once.
        for loop in loops { loop.eventLoop.execute { loop.isShuttingDown = false } }
        // On the first loop, which is the scripts': a `stop` there closes the port at once, and a `listen` after it gets it.
        return ServerBootstrap(group: loops[0].eventLoop, childGroup: group)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause(log: log))
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let loop = loops.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    try Pipeline.configure(channel, loop: loop, identity: identity)
                }
            }
            .withBoundSocket(socket.descriptor)
            .map { channel in
                // NIO has listened again, with a backlog of 128 that no option of a bound socket changes: the 129th of
                // a crowd that comes at once would wait a second for its SYN to be sent again.
                socket.restoreBacklog()
                return channel
            }
    }

    /// Makes every loop use this table. A request that comes after this call on the calling loop sees it.
    public func setRouter(_ router: Router) { onEachLoop { $0.router = router } }

    /// Holds every connection that comes to these limits, and those that are open from their next request. (The bytes
    /// of a head that such a one may send are only lowered.)
    public func setLimits(_ limits: HTTPLimits) { onEachLoop { $0.limits = limits } }

    public func setStaticFiles(_ files: StaticFiles?) { onEachLoop { $0.staticFiles = files } }

    /// Which pages of other origins may read what is answered; with nil, as at first, none.
    public func setCORS(_ policy: CORSPolicy?) { onEachLoop { $0.cors = policy } }

    /// Whether responses are compressed for clients that take it; at first they are not. Counts for requests that come
    /// from now on.
    public func setCompression(_ isEnabled: Bool) { onEachLoop { $0.compresses = isEnabled } }

    /// Gives one event, encoded once, to every open stream.
    public func broadcast(_ frame: StreamFrame) {
        for loop in loops {
            loop.delivery.broadcast(frame)
            loop.sockets?.broadcast(frame)
        }
    }

    /// Ends what is idle at once, the rest after its answer, and streams between events: each client is first told to
    /// come back after a time from `retry` (milliseconds). Done when all are gone.
    public func shutDown(retry: ClosedRange<Int>?) -> EventLoopFuture<Void> {
        let done = loops.map { loop in
            loop.eventLoop.flatSubmit {
                loop.delivery.closeAll(reason: .shutdown, retry: retry)
                loop.sockets?.closeAll(reason: .shutdown, retry: retry)
                loop.shutDownConnections()
                return loop.emptied().flatMap {
                    guard let sockets = loop.sockets else { return loop.eventLoop.makeSucceededVoidFuture() }
                    let promise = loop.eventLoop.makePromise(of: Void.self)
                    sockets.emptied(promise)
                    return promise.futureResult
                }
            }
        }
        return EventLoopFuture.andAllSucceed(done, on: group.next())
    }

    /// Cuts what is left.
    public func abort() {
        onEachLoop { loop in
            loop.abortConnections()
            loop.delivery.abortAll()
            loop.sockets?.abortAll()
        }
    }

    private func onEachLoop(_ body: @escaping @Sendable (ServerLoop) -> Void) {
        for loop in loops {
            if loop.eventLoop.inEventLoop { body(loop) } else { loop.eventLoop.execute { body(loop) } }
        }
    }
}
