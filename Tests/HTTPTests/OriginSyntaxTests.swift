import HTTP
import Testing

@Suite struct OriginSyntaxTests {
    @Test(arguments: [
        "https://example.com", "http://localhost:3000", "http://127.0.0.1:8080", "https://example.com:80",
        "http://example.com:443", "http://[::1]:8080", "https://[2001:db8::1]", "null", "file://",
        "chrome-extension://abcdefghijklmnop", "capacitor://localhost", "https://xn--bcher-kva.example",
        "https://a_b.example", "app+x.y://-", "https://example.com:65535",
    ])
    func `what a browser sends is an origin`(_ text: String) { #expect(OriginSyntax.isValid(text)) }

    @Test(arguments: [
        "", "*", "example.com", "https://", "https:/example.com", "//example.com", "://example.com",
        "https://example.com/",
        "https://example.com/a", "https://example.com?a", "https://example.com#a", "HTTPS://example.com",
        "https://Example.com", "https://example.com:443", "http://example.com:80", "http://example.com:",
        "http://example.com:0", "http://example.com:080", "http://example.com:65536", "http://example.com:999999",
        "http://example.com:a", "http://user@example.com", "https://*.example.com",
        "https://a.example, https://b.example",
        "https://a.example https://b.example", " https://a.example", "https://a.example ", "https://bücher.example",
        "http://[::1", "http://[]", "http://[1.2.3.4]", "http://[::1]80", "http://[::1]:", "http://[::FF]",
        "http://::1",
        "1http://a", "ht tp://a", "file://localhost", "file:///", "Null", "https://a\u{0}b", "https://a\nb",
        "https://\u{301}a",
    ])
    func `what no browser sends is none`(_ text: String) { #expect(!OriginSyntax.isValid(text)) }
}
