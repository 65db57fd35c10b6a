/// Why there is no reply, or no connection. Its description is what a log line shows: no password is in it.
public enum RedisError: Error, Equatable, CustomStringConvertible {
    /// Redis answered with an error.
    case server(RESPError)
    /// There is no connection, or it broke before the reply; whether the command had its effect is not known then.
    case connectionLost(String)
    /// No connection came about: nobody answers, or who answers is not wanted (certificate, password, role).
    case refused(String)
    /// Nothing was heard for too long.
    case timedOut
    /// What was read is not Redis' protocol.
    case protocolViolation(String)
    /// The connection was closed for good on this side.
    case closed

    public var description: String {
        switch self {
        case .server(let error): error.message
        case .connectionLost(let reason): reason
        case .refused(let reason): reason
        case .timedOut: "Redis did not answer in time"
        case .protocolViolation(let reason): "this is not Redis' protocol: \(reason)"
        case .closed: "the connection was closed"
        }
    }
}
