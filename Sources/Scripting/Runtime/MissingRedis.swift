import Redis

/// A Redis that the scripts use and that the start may not do without.
public struct MissingRedis: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(url: RedisURL, failure: RedisError?) {
        description = "\(url) is required and not connected: \(failure?.description ?? "no answer yet")"
    }
}
