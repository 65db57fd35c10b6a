import TestKit
import Testing

@testable import HTTP

@Suite struct IPNetworkTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::1", "::1"),
        ("::", "::"), ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"), ("fe80::1:2:3:4", "fe80::1:2:3:4"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func `an address has one form`(_ text: String, _ canonical: String) throws {
        #expect(try #require(IPAddress(text)).description == canonical)
        #expect(IPAddress(canonical) == IPAddress(text))
    }

    @Test(arguments: [
        "", " ", "localhost", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80",
        "0x7f.0.0.1", "[::1]", "::1%lo", "fe80::1%eth0", ":::", "1::2::3", "12345::", "g::", "::1.2.3", "1.2.3.4\u{0}",
        "١.٢.٣.٤", "1.2.3.４",
    ])
    func `what is no address is refused`(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "9.255.255.255", false),
        ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("10.0.0.0/8", "::10.1.2.3", false), ("10.0.0.0/8", "a00::", false),
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "127.0.0.2", false), ("127.0.0.1", "::1", false),
        ("127.0.0.1/32", "::ffff:127.0.0.1", true), ("192.0.2.128/25", "192.0.2.127", false),
        ("192.0.2.128/25", "192.0.2.255", true), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::", false),
        ("::/0", "2001:db8::", true), ("::/0", "203.0.113.9", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::", false), ("::1", "::1", true), ("::1/128", "::2", false),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true), ("fe80::/10", "febf::1", true), ("fe80::/10", "fec0::1", false),
    ])
    func `a network holds the addresses that begin with its prefix`(_ network: String, _ address: String, _ holds: Bool)
        throws
    {
        #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == holds)
    }

    @Test(arguments: [
        "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/x",
        "10.0.0.0/0008", "10.0.0.1/8", "::1/129", "::1/64", "10/8", "10.0.0.0 /8", "10.0.0.0/ 8", "localhost/8",
        "10.0.0.0/255.0.0.0", "10.0.0.0/1000000000000000000000",
    ])
    func `what is no network is refused`(_ text: String) { #expect(IPNetwork(text) == nil) }

    @Test func `every address of a random network is in it, and one with a flipped bit of the prefix is not`() throws {
        var random = SplitMix64(seed: 6)
        for _ in 0..<5000 {
            let length = Int.random(in: 0...32, using: &random)
            let mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
            let base = random.next() as UInt64
            func text(_ bits: UInt32) -> String {
                "\(bits >> 24).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
            }
            let prefix = UInt32(truncatingIfNeeded: base) & mask
            let network = try #require(IPNetwork("\(text(prefix))/\(length)"))
            let inside = prefix | UInt32(truncatingIfNeeded: base >> 32) & ~mask
            #expect(network.contains(try #require(IPAddress(text(inside)))))
            guard length > 0 else { continue }
            let flipped = inside ^ (1 << UInt32(32 - Int.random(in: 1...length, using: &random)))
            #expect(!network.contains(try #require(IPAddress(text(flipped)))))
        }
    }
}
