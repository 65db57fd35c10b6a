public import HTTPTypes
public import NIOCore

/// The proxies whose word on a client is taken. A client that comes to them can never choose what they say of it: their
/// headers are read from the right, where they append, and only as far as trusted ones wrote.
public struct TrustedProxies: Sendable, Equatable {
    /// Who made a request, as far as is known.
    public struct Client: Sendable, Equatable {
        /// Empty where there is none.
        public var address: String
        /// 0 where it is not known.
        public var port: Int
        /// "http" or "https": what the client used.
        public var scheme: String
    }

    private let networks: [IPNetwork]

    public init(_ networks: [IPNetwork] = []) { self.networks = networks }

    private func contains(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// The peer itself unless it is trusted; then the nearest on the way to it that is not, or else the farthest. Where a
    /// trusted proxy does not say it, or says what cannot be understood, again the peer.
    ///
    /// - Parameter isSecure: whether the peer itself speaks TLS.
    public func client(peer: SocketAddress?, isSecure: Bool = false, headers: HTTPFields) -> Client {
        let text = peer?.ipAddress ?? ""
        let address = IPAddress(text)
        let direct = Client(
            address: address?.description ?? text, port: peer?.port ?? 0, scheme: isSecure ? "https" : "http")
        guard !networks.isEmpty, let address, contains(address) else { return direct }
        var client = direct
        for hop in ForwardedChain(headers) {
            if let scheme = hop.scheme { client.scheme = scheme }
            switch hop.node {
            case .malformed: return direct
            case .hidden: return Client(address: direct.address, port: direct.port, scheme: client.scheme)
            case .address(let address, let port):
                client.address = address.description
                client.port = port
                guard contains(address) else { return client }
            }
        }
        return client
    }
}
