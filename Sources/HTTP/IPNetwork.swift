/// Addresses that begin alike: "10.0.0.0/8", "2001:db8::/32", or a single one (RFC 4632, 3.1).
public struct IPNetwork: Hashable, Sendable {
    private let base: UInt128
    private let mask: UInt128

    /// Nil for anything else, and for an address with bits behind its prefix: "10.0.0.1/8" may mean either.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
            .map(Substring.init)
        guard let address = IPAddress(parts[0]) else { return nil }
        let width = parts[0].utf8.contains(UInt8(ascii: ":")) ? 128 : 32
        var length = width
        if parts.count == 2 {
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            guard (1...3).contains(parts[1].utf8.count), parts[1].utf8.allSatisfy({ digits.contains($0) }),
                let number = Int(parts[1]), number <= width
            else { return nil }
            length = number
        }
        mask = UInt128.max << (width - length)
        base = address.bits
        guard base & mask == base else { return nil }
    }

    public func contains(_ address: IPAddress) -> Bool { address.bits & mask == base }
}
