import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a connection is not there, in words.
struct ConnectionFault {
    let text: String
    /// Whether it would be the same the next time: who answers is not who was asked for.
    let isFinal: Bool

    /// A stream that its server ended.
    static let end = ConnectionFault(text: "the stream ended", isFinal: false)

    private init(text: String, isFinal: Bool) {
        self.text = text
        self.isFinal = isFinal
    }

    init(_ error: any Error, at url: HTTPURL) {
        switch error {
        case let error as NIOConnectionError:
            isFinal = false
            if let cause = error.connectionErrors.first?.error {
                text = "no connection to \(url.place): \(Self.text(of: cause))"
            } else {
                text = "no connection to \(url.place): there is no such host"
            }
        case NIOSSLError.handshakeFailed(.sslError(let stack)):
            isFinal = true
            let isUntrusted = stack.contains { $0.description.contains("CERTIFICATE_VERIFY_FAILED") }
            text =
                isUntrusted
                ? Self.untrusted("its certificate is of no authority that is trusted here, or has run out")
                : "the TLS handshake failed: \(stack.first?.description ?? "no reason given")"
        case NIOSSLError.unableToValidateCertificate:
            isFinal = true
            text = Self.untrusted("its certificate is of no authority that is trusted here, or has run out")
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            isFinal = true
            text = Self.untrusted("its certificate is for another name")
        case HTTPParserError.invalidEOFState:
            isFinal = false
            text = "the connection to \(url.place) broke inside an answer"
        case is HTTPParserError:
            isFinal = false
            text = "\(url.place) does not speak HTTP/1.1: \(error)"
        default:
            isFinal = false
            text = "the connection to \(url.place) broke: \(Self.text(of: error))"
        }
    }

    private static func untrusted(_ reason: String) -> String {
        "\(reason); --cacert FILE names an authority, --insecure trusts anyone"
    }

    static func text(of error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case ChannelError.connectTimeout: "no answer in time"
        case ChannelError.eof, ChannelError.ioOnClosedChannel, NIOSSLError.uncleanShutdown: "it was closed"
        default: "\(error)"
        }
    }
}
