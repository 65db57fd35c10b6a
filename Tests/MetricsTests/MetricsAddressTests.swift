import Metrics
import Testing

@Suite struct MetricsAddressTests {
    @Test(arguments: [
        ("9000", "127.0.0.1", 9000), ("0", "127.0.0.1", 0), ("65535", "127.0.0.1", 65535),
        ("10.0.0.1:9000", "10.0.0.1", 9000), ("localhost:9000", "localhost", 9000), ("*:9000", "*", 9000),
        ("[::1]:9000", "::1", 9000), ("[::]:0", "::", 0),
    ])
    func `a port, or a host and a port, is an address`(text: String, host: String, port: Int) throws {
        let address = try #require(MetricsAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(MetricsAddress(address.description) == address)
    }

    @Test(arguments: [
        "", ":", "x", "x:", ":9000", "9000:", "-1", "65536", "+1", "1.2.3.4", "::1", "::1:9000", "[::1]", "[]:1",
        "[::1",
        "a:b:1",
        "1 ", " 1", "٣", "99999999999999999999",
    ])
    func `anything else is none`(text: String) { #expect(MetricsAddress(text) == nil) }
}
