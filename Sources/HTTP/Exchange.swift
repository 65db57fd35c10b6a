public import Delivery
public import HTTPTypes
import NIOCore

/// One request that waits for its answer: a value that may cross threads. Answers after the first, and answers to a
/// client that is gone, do nothing.
public struct Exchange: Sendable {
    /// Unique in this process.
    public typealias ID = UInt64

    public let id: ID
    let handler: NIOLoopBound<RequestHandler>
    let loop: ServerLoop
    let isSecure: Bool

    /// The loop that will serve the stream, if the answer becomes one.
    public var deliveryLoop: any DeliveryLoop { loop.sockets(isSecure: isSecure) ?? loop.delivery }

    public func respond(_ response: Response) {
        onLoop { $0.respond(response, to: id) }
    }

    /// Answers a request that no route is for as if nobody had looked at it: with a file, or an error.
    /// - Parameter headers: what the answer gets besides its own.
    public func goOn(_ request: Request, adding headers: HTTPFields) {
        onLoop { _ in Dispatch(loop: loop, request: request, exchange: self).goOn(adding: headers) }
    }

    /// Answers with a file, which is opened and read away from the loops.
    public func respond(with file: FileAnswer, reportsEnd: Bool = false) {
        Disk.run(on: loop.eventLoop, { file.response() }) { response in
            var response = response ?? FileResponse.exhausted()
            response.reportsEnd = reportsEnd
            respond(response)
        }
    }

    /// Writes the head of an event stream and hands the connection to the delivery loop, which expects it. What is sent to
    /// the stream follows.
    public func open(_ opening: StreamOpening) {
        onLoop { $0.open(opening, for: id) }
    }

    private func onLoop(_ body: @escaping @Sendable (RequestHandler) -> Void) {
        let handler = self.handler
        loop.delivery.run { body(handler.value) }
    }
}
