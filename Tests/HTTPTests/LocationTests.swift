import Testing

@testable import HTTP

@Suite struct LocationTests {
    @Test(arguments: [
        ("/", "/"), ("/a?b=c&d#e", "/a?b=c&d#e"), ("next", "next"), ("?a", "?a"), ("#a", "#a"),
        ("//host/a", "//host/a"),
        ("https://example.com:8080/a;b?c[]=1", "https://example.com:8080/a;b?c[]=1"), ("/%20%zz%", "/%20%zz%"),
        ("/a b", "/a%20b"), ("/é€", "/%C3%A9%E2%82%AC"), ("/\"<>\\^`{|}", "/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("/\\evil.example", "/%5Cevil.example"), ("http://[::1]/", "http://[::1]/"), ("/~'()*!$,:@", "/~'()*!$,:@"),
    ])
    func `what a URI cannot hold is encoded, and the rest stays`(reference: String, encoded: String) {
        #expect(Location.encode(reference.utf8) == encoded)
        #expect(Location.encode(encoded.utf8) == encoded)
    }

    @Test func `bytes that are no UTF-8 are encoded as they are`() {
        #expect(Location.encode([0x2F, 0xFF, 0xC3]) == "/%FF%C3")
    }

    @Test func `a control character is refused wherever it stands, and so is nothing`() {
        #expect(Location.encode([]) == nil)
        for byte in Array(UInt8(0)..<0x20) + [0x7F] {
            #expect(Location.encode([byte]) == nil)
            #expect(Location.encode([0x2F, byte, 0x61]) == nil)
        }
    }
}
