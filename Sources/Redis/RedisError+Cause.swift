import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

extension RedisError {
    /// Why no connection came about.
    static func unopened(_ error: any Error, _ url: RedisURL) -> RedisError {
        switch error {
        case let error as RedisError: return error
        case let error as NIOConnectionError:
            guard let cause = error.connectionErrors.first?.error else {
                return .refused("no connection to \(url.place): there is no such host")
            }
            return .refused("no connection to \(url.place): \(words(for: cause))")
        case NIOSSLError.handshakeFailed(.sslError(let stack)):
            let isUntrusted = stack.contains { $0.description.contains("CERTIFICATE_VERIFY_FAILED") }
            if isUntrusted { return .refused(untrusted) }
            return .refused("the TLS handshake failed: \(stack.first?.description ?? "no reason given")")
        case NIOSSLError.unableToValidateCertificate: return .refused(untrusted)
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return .refused("its certificate is for another name than \(url.host)")
        default: return .refused("no connection to \(url.place): \(words(for: error))")
        }
    }

    /// Why a connection that stood is gone.
    static func broken(_ error: any Error) -> RedisError {
        .connectionLost("the connection broke: \(words(for: error))")
    }

    private static let untrusted =
        "its certificate is of no authority that is trusted here, or has run out (?ca=FILE names an authority)"

    private static func words(for error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case ChannelError.connectTimeout: "no answer in time"
        case ChannelError.eof, ChannelError.ioOnClosedChannel, NIOSSLError.uncleanShutdown: "it was closed"
        default: "\(error)"
        }
    }
}
