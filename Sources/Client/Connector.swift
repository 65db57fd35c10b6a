import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Opens connections: TCP, TLS where the URL wants it, HTTP/1.1.
struct Connector: Sendable {
    typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private let trust: Trust
    /// Made at the start where it is needed for certain; a redirect may also lead to TLS.
    private let tls: NIOSSLContext?

    private static let connectTimeout = TimeAmount.seconds(10)

    init(trust: Trust, isForTLS: Bool) throws(Trust.Failure) {
        self.trust = trust
        if case .file = trust { tls = try trust.makeContext() } else { tls = isForTLS ? try trust.makeContext() : nil }
    }

    func connect(to url: HTTPURL) async throws -> Connection {
        let tls = url.isSecure ? try self.tls ?? trust.makeContext() : nil
        return try await Self.bootstrap.connect(host: url.host, port: url.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if let tls {
                    // An address is no name: the certificate is held against the peer's address then.
                    let isAddress = (try? SocketAddress(ipAddress: url.host, port: url.port)) != nil
                    try pipeline.addHandler(
                        NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : url.host))
                }
                // A last event id may hold what no field value should, and goes back as it came. It has no CR, LF or
                // NUL, and the user's fields are checked where they are read.
                try pipeline.addHTTPClientHandlers(enableOutboundHeaderValidation: false)
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
    }

    /// With probes for a server that has gone without a word.
    private static var bootstrap: ClientBootstrap {
        let tcp = NIOBSDSocket.OptionLevel(rawValue: CInt(IPPROTO_TCP))
        #if os(Linux)
            let idle = TCP_KEEPIDLE
        #else
            let idle = TCP_KEEPALIVE
        #endif
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(connectTimeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
        for (option, value) in [(idle, 30), (TCP_KEEPINTVL, 10), (TCP_KEEPCNT, 3)] {
            let option = ChannelOptions.Types.SocketOption(level: tcp, name: NIOBSDSocket.Option(rawValue: option))
            bootstrap = bootstrap.channelOption(option, value: SocketOptionValue(value))
        }
        return bootstrap
    }
}
