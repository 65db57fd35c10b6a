import PubSub

extension RedisError {
    /// What that means to who asked a broker.
    var failure: BrokerFailure {
        switch self {
        case .server(let error) where error.code == "OOM": .outOfMemory
        case .server(let error): .refused(error.message)
        case .connectionLost, .refused, .timedOut, .protocolViolation, .closed: .unreachable
        }
    }
}
