import Delivery
import EventStream
public import HTTP
import HTTPTypes
import NIOCore
import NIOPosix
public import Scripting

/// Answers `/metrics`, `/healthz` and `/readyz` on an address of its own and from a thread of its own, so that it
/// answers when nothing else does.
public final class MetricsServer: Responder, StreamObserver {
    private enum Route: Int, CaseIterable {
        case metrics, healthz, readyz

        var path: String { "/\(self)" }
    }

    /// How long the scripts may keep a question waiting.
    private static let patience = TimeAmount.seconds(2)

    private let host: ScriptHost
    private let group: MultiThreadedEventLoopGroup
    private var loop: any EventLoop { group.next() }

    private init(host: ScriptHost) {
        self.host = host
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    }

    /// Begins to answer.
    public static func start(on socket: ListeningSocket, host: ScriptHost) async throws -> MetricsServer {
        let metrics = MetricsServer(host: host)
        let loop = metrics.loop
        let delivery = try await loop.submit {
            ChannelLoop(eventLoop: loop, timers: LoopTimers(loop: loop, clock: SystemClock()), observer: metrics)
        }.get()
        let server = try await Server.make(
            deliveries: [delivery], group: metrics.group, limits: HTTPLimits(), responder: metrics
        ).get()
        server.setRouter(
            Router(
                try Route.allCases.map {
                    Router.Route(method: "GET", pattern: try RoutePattern($0.path), number: $0.rawValue)
                }))
        _ = try await server.accept(on: socket).get()
        return metrics
    }

    /// Ends it, with what it is about to answer.
    public func stop() async throws { try await group.shutdownGracefully() }

    // MARK: Responder

    public func respond(to request: Request, as destination: Destination, exchange: Exchange) {
        guard case .route(let number) = destination else { return }
        switch Route(rawValue: number) {
        case .metrics:
            ask(host.statistics()) { exchange.respond(Self.metrics($0)) }
        case .healthz:
            ask(host.isReady()) { answer in
                exchange.respond(
                    answer == nil ? Self.text(.serviceUnavailable, "the scripts do not answer") : Self.text(.ok, "ok"))
            }
        case .readyz:
            ask(host.isReady()) { answer in
                exchange.respond(
                    answer == true ? Self.text(.ok, "ok") : Self.text(.serviceUnavailable, "not accepting connections"))
            }
        case nil: break
        }
    }

    /// Hands the answer of the script loop to `body`; nil when there is none in time.
    private func ask<Answer: Sendable>(
        _ question: EventLoopFuture<Answer>, _ body: @escaping @Sendable (Answer?) -> Void
    ) {
        let answer = loop.makePromise(of: Answer?.self)
        question.whenSuccess { answer.succeed($0) }
        let timeout = loop.scheduleTask(in: Self.patience) { answer.succeed(nil) }
        answer.futureResult.whenSuccess {
            timeout.cancel()
            body($0)
        }
    }

    private static func metrics(_ statistics: Statistics?) -> Response {
        var text = PrometheusText()
        text.add(
            "mooncast_scripts_responsive", .gauge,
            "Whether the scripts have answered; without them much is missing here.",
            statistics == nil ? 0 : 1)
        statistics?.write(to: &text)
        ProcessUsage.write(to: &text)
        return Response(
            status: .ok, headers: [.contentType: PrometheusText.contentType],
            body: .bytes(ByteBuffer(string: text.text)))
    }

    private static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
            body: .bytes(ByteBuffer(string: text + "\n")))
    }

    public func clientGone(exchange: Exchange.ID) {}
    public func answered(_ exchange: Exchange.ID) {}
    public func completed(_ summary: RequestSummary) {}

    // MARK: StreamObserver: there are no streams here

    public func streamClosed(_ stream: StreamID, reason: CloseReason) {}
    public func streamLagging(_ stream: StreamID, bufferedBytes: Int) {}
    public func streamDrained(_ stream: StreamID) {}
    public func delivered(_ tally: DeliveryTally) {}
}
