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
        // In network order; not as C's structures, of whose members the compiler is not sure which module has them.
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            bits = Self.mapped | bytes[..<4].reduce(0) { $0 << 8 | UInt128($1) }
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            bits = bytes.reduce(0) { $0 << 8 | UInt128($1) }
        } else {
            return nil
        }
    }

    /// "192.0.2.1", also where it was mapped; IPv6 as RFC 5952 has it.
    public var description: String {
        if bits >> 32 == Self.mapped >> 32 {
            return (0..<4).reversed().map { String(UInt8(truncatingIfNeeded: bits >> ($0 * 8))) }.joined(separator: ".")
        }
        let address = (0..<16).map { UInt8(truncatingIfNeeded: bits >> ((15 - $0) * 8)) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            inet_ntop(AF_INET6, address, buffer.baseAddress, socklen_t(buffer.count)).map { String(cString: $0) } ?? ""
        }
    }
}
