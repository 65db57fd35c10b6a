import NIOCore

/// Monotonic time as scripts see it: seconds, as a float.
enum MonotonicSeconds {
    static func of(_ deadline: NIODeadline) -> Double { Double(deadline.uptimeNanoseconds) / 1e9 }

    static func deadline(_ seconds: Double) -> NIODeadline {
        .uptimeNanoseconds(UInt64(max(0, min(seconds, 9e9)) * 1e9))
    }
}
