import TestKit
import Testing

@testable import HTTP

@Suite struct AcceptEncodingTests {
    @Test(
        arguments: [
            (nil, nil), ("", nil), ("gzip", .gzip), ("br", .brotli), ("gzip, br", .brotli), ("br, gzip", .brotli),
            ("gzip, deflate, br, zstd", .brotli), ("gzip, deflate", .gzip), ("GZIP", .gzip), ("x-gzip", .gzip),
            ("deflate", nil), ("identity", nil), ("*", .brotli), ("gzip;q=1.0, br;q=0.5", .gzip),
            ("gzip;q=0.5, br;q=0.501", .brotli), ("gzip; q=0.5 , br ;q=0.4", .gzip), ("br;q=0", nil),
            ("br;q=0, gzip", .gzip), ("br;q=0.000, gzip;q=0.001", .gzip), ("br;q=0, *", .gzip), ("*;q=0", nil),
            ("*;q=0, gzip", .gzip), ("gzip, identity", .gzip), ("gzip;q=0.5, identity", nil),
            ("gzip;q=0.5, identity;q=0.5", .gzip), ("gzip;q=0.5, identity;q=0.4", .gzip), ("identity;q=0", nil),
            ("identity;q=0, gzip;q=0.1", .gzip), ("identity;q=1, *;q=0", nil), ("gzip;Q=0.5, br;Q=0.4", .gzip),
        ] as [(String?, ContentCoding?)])
    func `the client's weights decide, then the better coding`(_ field: String?, _ coding: ContentCoding?) {
        #expect(AcceptEncoding(field).best(of: [.brotli, .gzip]) == coding)
    }

    @Test(
        arguments: [("gzip, br", .gzip), ("br", nil), ("*", .gzip), ("gzip;q=0, br", nil)] as [(String, ContentCoding?)]
    )
    func `what is not there is not chosen`(_ field: String, _ coding: ContentCoding?) {
        #expect(AcceptEncoding(field).best(of: [.gzip]) == coding)
        #expect(AcceptEncoding(field).best(of: []) == nil)
    }

    @Test(arguments: [
        "gzip;q=2", "gzip;q=1.001", "gzip;q=-1", "gzip;q=0.1234", "gzip;q=", "gzip;q", "gzip;q=.5", "gzip;q=0,5;",
        "gzip;x=1", "gzip;q=1;x=1", "gzip;q=a", "gzip;q=0.a", "g zip x", ";q=1", "gzip;q=0.5\u{301}",
    ])
    func `what is malformed does not count`(_ field: String) {
        #expect(AcceptEncoding(field).best(of: [.brotli, .gzip]) == nil)
    }

    @Test func `a coding that is refused is never chosen, whatever else is said`() {
        var random = SplitMix64(seed: 9)
        let pieces = ["gzip", "br", "identity", "*", "deflate", ";q=", "0.5", "1", "0", ",", " ", ";", "x"]
        for _ in 0..<5_000 {
            let noise = (0..<8).map { _ in pieces.randomElement(using: &random)! }.joined()
            #expect(AcceptEncoding(noise + ",br;q=0").best(of: [.brotli]) == nil, "\(noise)")
        }
    }
}
