import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The certificate chain and private key with which a server answers TLS, from two PEM files. The files can be read
/// again; connections that are open keep what they began with.
public final class TLSIdentity: Sendable {
    /// Why there is no identity.
    public struct Failure: Error, Equatable, Sendable {
        public enum Kind: Sendable { case missing, forbidden, invalid }
        public let kind: Kind
        /// Whether it is the key's fault; else the certificate's, or that of both.
        public let isOfKey: Bool
        public let description: String
    }

    private let key: String
    private let certificate: String
    private let loaded: Mutex<Loaded>

    private struct Loaded {
        let context: NIOSSLContext
        let notBefore: time_t
        let notAfter: time_t
    }

    /// - Parameters:
    ///   - key: the path of the private key's PEM file.
    ///   - certificate: the path of a PEM file with the server's own certificate first, then those that vouch for it.
    public init(key: String, certificate: String) throws(Failure) {
        self.key = key
        self.certificate = certificate
        loaded = Mutex(try Self.load(key: key, certificate: certificate))
    }

    /// Reads the files again. When they do not hold an identity the old one stays.
    public func reload() throws(Failure) {
        let new = try Self.load(key: key, certificate: certificate)
        loaded.withLock { $0 = new }
    }

    /// What a client will object to: the certificate has expired, or is not valid yet. Nil for nothing.
    public var warning: String? {
        let (notBefore, notAfter) = loaded.withLock { ($0.notBefore, $0.notAfter) }
        let now = time(nil)
        if now > notAfter { return "the certificate \(certificate) expired on \(HTTPDate.string(notAfter))" }
        if now < notBefore { return "the certificate \(certificate) is not valid before \(HTTPDate.string(notBefore))" }
        return nil
    }

    var context: NIOSSLContext { loaded.withLock { $0.context } }

    private static func load(key: String, certificate: String) throws(Failure) -> Loaded {
        let chain: [NIOSSLCertificate]
        let certificateBytes = try read(certificate, "certificate")
        do { chain = try NIOSSLCertificate.fromPEMBytes(certificateBytes) } catch { chain = [] }
        guard let first = chain.first else {
            throw invalid("the certificate \(certificate) is not a PEM file with a certificate", isOfKey: false)
        }
        let keyBytes = try read(key, "key")
        let privateKey: NIOSSLPrivateKey
        do { privateKey = try NIOSSLPrivateKey(bytes: keyBytes, format: .pem) } catch {
            throw invalid(
                "the key \(key) is not a PEM file with a private key that needs no passphrase", isOfKey: true)
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(privateKey))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = farewellTime
        do {
            return Loaded(
                context: try NIOSSLContext(configuration: configuration),
                notBefore: time_t(first.notValidBefore), notAfter: time_t(first.notValidAfter))
        } catch {
            throw invalid("the key \(key) does not belong to the certificate \(certificate)", isOfKey: true)
        }
    }

    /// How long a client has to answer the end of the TLS session before the connection is closed.
    private static let farewellTime = TimeAmount.seconds(2)

    private static func invalid(_ description: String, isOfKey: Bool) -> Failure {
        Failure(kind: .invalid, isOfKey: isOfKey, description: description)
    }

    /// More than any chain takes.
    private static let maxFileSize = 1 << 20

    private static func read(_ path: String, _ what: String) throws(Failure) -> [UInt8] {
        func failure(_ code: CInt) -> Failure {
            let reason = "cannot read the \(what) \(path): \(String(cString: strerror(code)).lowercased())"
            let kind: Failure.Kind =
                switch code {
                case ENOENT, ENOTDIR: .missing
                case EACCES, EPERM: .forbidden
                default: .invalid
                }
            return Failure(kind: kind, isOfKey: what == "key", description: reason)
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: maxFileSize)
        var count = 0
        while count < bytes.count {
            let taken = bytes.withUnsafeMutableBytes { buffer in
                #if canImport(Glibc)
                    Glibc.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                #else
                    Darwin.read(descriptor, buffer.baseAddress! + count, buffer.count - count)
                #endif
            }
            guard taken >= 0 else { throw failure(errno) }
            if taken == 0 { return Array(bytes[..<count]) }
            count += taken
        }
        throw invalid("the \(what) \(path) is larger than \(maxFileSize) bytes", isOfKey: what == "key")
    }
}
