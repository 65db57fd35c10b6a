#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The wall clock as the log shows it, in UTC.
struct Timestamp {
    /// `2026-01-31T12:34:56.789Z` (RFC 3339).
    let full: String
    /// `12:34:56.789`.
    let time: String

    static func now() -> Timestamp {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var parts = tm()
        gmtime_r(&now.tv_sec, &parts)
        let time = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(three(now.tv_nsec / 1_000_000))"
        let date = "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return Timestamp(full: "\(date)T\(time)Z", time: time)
    }

    private static func two(_ value: CInt) -> String { value < 10 ? "0\(value)" : "\(value)" }
    private static func three(_ value: Int) -> String {
        String(repeating: "0", count: 3 - String(value).count) + String(value)
    }
}
