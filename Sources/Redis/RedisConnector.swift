import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Opens channels to one Redis: TCP, and TLS where the URL wants it. The name is resolved anew each time.
struct RedisConnector {
    private let url: RedisURL
    private let trust: RedisTrust
    private let timeout: TimeAmount
    /// Made once: the system's authorities take a while to read.
    private var context: NIOSSLContext?

    init(_ configuration: RedisConnection.Configuration) {
        url = configuration.url
        trust = configuration.trust
        timeout = configuration.connectTimeout
    }

    /// The handler is told what becomes of the channel; the future fails when there is none.
    mutating func connect(
        on loop: any EventLoop, _ handler: @escaping @Sendable () -> RedisChannelHandler
    ) throws(RedisError) -> EventLoopFuture<any Channel> {
        let tls = try self.tls()
        // An address is no name: the certificate is held against the peer's address then.
        let isAddress = (try? SocketAddress(ipAddress: url.host, port: url.port)) != nil
        let name = isAddress ? nil : url.host
        return ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
                    }
                    try pipeline.addHandler(handler())
                }
            }
            .connect(host: url.host, port: url.port)
    }

    private mutating func tls() throws(RedisError) -> NIOSSLContext? {
        guard url.isSecure else { return nil }
        if let context { return context }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.shutdownTimeout = .seconds(1)
        switch trust {
        case .system: break
        case .file(let path): configuration.trustRoots = .certificates(try Self.certificates(path))
        case .anyone: configuration.certificateVerification = .none
        }
        do {
            let made = try NIOSSLContext(configuration: configuration)
            context = made
            return made
        } catch {
            throw .refused("TLS cannot be set up: \(error)")
        }
    }

    static func certificates(_ path: String) throws(RedisError) -> [NIOSSLCertificate] {
        guard access(path, R_OK) == 0 else {
            throw .refused("the authorities' file '\(path)': \(String(cString: strerror(errno)).lowercased())")
        }
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
            throw .refused("the authorities' file '\(path)' holds no certificate (expected a PEM file)")
        }
        return certificates
    }
}
