public import Redis

/// A Redis that the scripts use and that the start may not do without.
public struct MissingRedis: Error, Equatable, Sendable {
    public let url: RedisURL
    public let reason: String

    public var message: String { "\(url) is required and not connected: \(reason)" }
}
