import HTTPTypes

/// Why a request is refused before anybody's handler sees it.
public enum RequestError: Error, Equatable, Sendable {
    case badTarget
    case badHost
    case badFraming
    case badMessage
    case headTooLarge
    case targetTooLong
    case bodyTooLarge(limit: Int)
    case unsupportedVersion
    case expectationFailed
    case headTimeout
    case bodyTimeout

    var status: HTTPResponse.Status {
        switch self {
        case .badTarget, .badHost, .badFraming, .badMessage: .badRequest
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .targetTooLong: .uriTooLong
        case .bodyTooLarge: .contentTooLarge
        case .unsupportedVersion: .httpVersionNotSupported
        case .expectationFailed: .expectationFailed
        case .headTimeout, .bodyTimeout: .requestTimeout
        }
    }

    var explanation: String {
        switch self {
        case .badTarget: "the request target is not a valid path"
        case .badHost: "the Host header is missing, doubled or not a host"
        case .badFraming: "Content-Length and Transfer-Encoding leave the end of the request in doubt"
        case .badMessage: "the request is not valid HTTP/1.1"
        case .headTooLarge: "the request's head is too large"
        case .targetTooLong: "the request's target is too long"
        case .bodyTooLarge(let limit): "the request's body is larger than \(limit) bytes"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .expectationFailed: "the only expectation known here is 100-continue"
        case .headTimeout: "the request's head took too long"
        case .bodyTimeout: "the request's body took too long"
        }
    }
}
