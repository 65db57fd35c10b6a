import Delivery
import HTTPTypes
import NIOCore
import Synchronization

/// Counts the connections of a server, whichever loop has their sockets, so that the process never runs out of
/// descriptors: who comes when all places are taken is answered and sent away.
final class ConnectionCap: Sendable {
    /// Why a connection gets only one answer.
    enum Refusal: Equatable {
        case full
        case fullForAddress(String)
    }

    /// One connection's place. Lives on its event loop.
    final class Place {
        let refusal: Refusal?
        /// Known only where addresses are counted.
        fileprivate let address: String?
        /// The socket has gone to a delivery loop, which says when it is closed.
        fileprivate var isHandedOver = false

        fileprivate init(_ refusal: Refusal?, _ address: String?) {
            self.refusal = refusal
            self.address = address
        }
    }

    private struct State {
        /// Those that are served.
        var count = 0
        /// Those that get only one answer.
        var refused = 0
        var byAddress: [String: Int] = [:]
        /// Of the sockets that were handed over.
        var addresses: [StreamID: String] = [:]
    }

    /// Connections over a limit that may wait for their answer at once; more are closed as they are.
    private static let doorstep = 32

    private let state = Mutex(State())

    /// A place for a connection that has come; nil when it is to be closed without a word. Addresses are counted while
    /// there is a limit for them: connections from before it are not among theirs.
    func enter(_ channel: any Channel, _ limits: HTTPLimits) -> Place? {
        let address = limits.maxConnectionsPerAddress == .max ? nil : channel.remoteAddress?.ipAddress
        let place: Place? = state.withLock { state in
            var refusal: Refusal?
            if state.count >= limits.maxConnections {
                refusal = .full
            } else if let address, state.byAddress[address, default: 0] >= limits.maxConnectionsPerAddress {
                refusal = .fullForAddress(address)
            }
            if refusal != nil {
                guard state.refused < Self.doorstep else { return nil }
                state.refused += 1
                return Place(refusal, nil)
            }
            state.count += 1
            if let address { state.byAddress[address, default: 0] += 1 }
            return Place(nil, address)
        }
        guard let place else { return nil }
        channel.closeFuture.assumeIsolated().whenComplete { [self] _ in
            guard !place.isHandedOver else { return }
            state.withLock { if place.refusal == nil { Self.leave(place.address, &$0) } else { $0.refused -= 1 } }
        }
        return place
    }

    /// The connection's socket is about to go to a delivery loop. To be taken back when that fails.
    func handOver(_ place: Place, to stream: StreamID) {
        place.isHandedOver = true
        guard let address = place.address else { return }
        state.withLock { $0.addresses[stream] = address }
    }

    func takeBack(_ place: Place, from stream: StreamID) {
        place.isHandedOver = false
        if place.address != nil { state.withLock { _ = $0.addresses.removeValue(forKey: stream) } }
    }

    /// The socket of a stream that was handed over is closed.
    func released(_ stream: StreamID) {
        state.withLock { state in
            let address = state.addresses.isEmpty ? nil : state.addresses.removeValue(forKey: stream)
            Self.leave(address, &state)
        }
    }

    private static func leave(_ address: String?, _ state: inout State) {
        state.count -= 1
        guard let address, let count = state.byAddress[address] else { return }
        state.byAddress[address] = count > 1 ? count - 1 : nil
    }
}

extension ConnectionCap.Refusal {
    /// Seconds after which to try again.
    private static let retryAfter = 5

    /// An event stream gets 200 and the time at which to come back, since at any error a browser's EventSource gives up
    /// for good.
    func response(acceptsStream: Bool) -> Response {
        if acceptsStream {
            var response = Response.streamHead(adding: [])
            let retry = Int.random(in: Self.retryAfter * 1000...Self.retryAfter * 3000)
            response.body = .bytes(StreamHead.firstBytes(retry: retry))
            return response
        }
        var response: Response
        switch self {
        case .full: response = .error(.serviceUnavailable, "all connections of this server are taken")
        case .fullForAddress(let address):
            response = .error(.tooManyRequests, "\(address) has as many connections as one address may have")
        }
        response.headers[.retryAfter] = "\(Self.retryAfter)"
        return response
    }
}
