import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Which servers an `https` URL may lead to.
public enum Trust: Sendable, Equatable {
    /// Those that the system's authorities vouch for.
    case system
    /// Those that the authorities in this PEM file vouch for, and no others.
    case file(String)
    /// Any: the connection is encrypted, and nobody knows with whom.
    case anyone

    /// A file of authorities that is none.
    public struct Failure: Error, Equatable, Sendable { public let message: String }

    /// The context of every connection that is opened under this trust.
    func makeContext() throws(Failure) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = .seconds(1)  // nobody waits for what comes behind the last event
        switch self {
        case .system: break
        case .file(let path): configuration.trustRoots = .certificates(try Self.certificates(path))
        case .anyone: configuration.certificateVerification = .none
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(message: "TLS cannot be set up: \(error)")
        }
    }

    private static func certificates(_ path: String) throws(Failure) -> [NIOSSLCertificate] {
        guard access(path, R_OK) == 0 else {
            throw Failure(message: "'\(path)': \(String(cString: strerror(errno)).lowercased())")
        }
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
            throw Failure(message: "'\(path)' holds no certificate (expected a PEM file)")
        }
        return certificates
    }
}
