import Delivery
import EventStream
import HTTP
import HTTPTypes
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Answers GET /json from Swift, with the bytes that the Lua handler of `Benchmarks/scripts/json` answers: what remains
/// between the two is the price of the script.
@main
struct HostServer: Responder, StreamObserver {
    static func main() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let responder = HostServer()
        let delivery = try await loop.submit {
            ChannelLoop(eventLoop: loop, timers: LoopTimers(loop: loop, clock: SystemClock()), observer: responder)
        }.get()
        let server = try await Server.make(
            deliveries: [delivery], group: group, limits: HTTPLimits(), responder: responder
        ).get()
        let pattern = try RoutePattern("/json")
        server.setRouter(Router([Router.Route(method: "GET", pattern: pattern, number: 1)]))
        server.setCORS(CORSPolicy())
        let socket = try ListeningSocket(address: "127.0.0.1", port: 0)
        let channel = try await server.accept(on: socket).get()
        print("listening url=http://127.0.0.1:\(socket.port)")
        fflush(nil)
        try await channel.closeFuture.get()
    }

    func respond(to request: Request, as destination: Destination, exchange: Exchange) {
        let body = ByteBuffer(string: #"{"message":"hello"}"#)
        exchange.respond(Response(status: .ok, headers: [.contentType: "application/json"], body: .bytes(body)))
    }

    func clientGone(exchange: Exchange.ID) {}
    func answered(_ exchange: Exchange.ID) {}
    func completed(_ summary: RequestSummary) {}
    func streamClosed(_ stream: StreamID, reason: CloseReason) {}
    func streamLagging(_ stream: StreamID, bufferedBytes: Int) {}
    func streamDrained(_ stream: StreamID) {}
    func delivered(_ tally: DeliveryTally) {}
}
