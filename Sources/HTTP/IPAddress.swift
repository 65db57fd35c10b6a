#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// An IPv4 or IPv6 address as one number. IPv4 is mapped into IPv6 (RFC 4291, 2.5.5.2), so that a client has one address
/// whichever kind of socket it came to.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    let bits: UInt128

    private static let mapped: UInt128 = 0xFFFF << 32

    /// Reads what `inet_pton` reads: dotted decimals, or IPv6 without a zone. Nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard !text.utf8.contains(0) else { return nil }
        let text = String(text)
        var ipv4 = in_addr()
        var ipv6 = in6_addr()
        if inet_pton(AF_INET, text, &ipv4) == 1 {
            bits = Self.mapped | UInt128(UInt32(bigEndian: ipv4.s_addr))
        } else if inet_pton(AF_INET6, text, &ipv6) == 1 {
            bits = withUnsafeBytes(of: &ipv6) { $0.reduce(0) { $0 << 8 | UInt128($1) } }
        } else {
            return nil
        }
    }

    /// "192.0.2.1", also where it was mapped; IPv6 as RFC 5952 has it.
    public var description: String {
        if bits >> 32 == Self.mapped >> 32 {
            return (0..<4).reversed().map { String(UInt8(truncatingIfNeeded: bits >> ($0 * 8))) }.joined(separator: ".")
        }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { bytes in
            for index in 0..<16 { bytes[index] = UInt8(truncatingIfNeeded: bits >> ((15 - index) * 8)) }
        }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(AF_INET6, &address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) } ?? ""
        }
    }
}
