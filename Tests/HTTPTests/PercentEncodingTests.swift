import Testing

@testable import HTTP

@Suite struct PercentEncodingTests {
    @Test(arguments: [
        ("", ""), ("abc", "abc"), ("%41", "A"), ("%4a%4A", "JJ"), ("a%20b", "a b"), ("a+b", "a+b"), ("%2B", "+"),
        ("%25%34%31", "%41"), ("%2541", "%41"), ("%E2%82%AC", "€"), ("€", "€"), ("%e2%82", "\u{FFFD}"),
        ("%ff", "\u{FFFD}"),
        ("%C0%AF", "\u{FFFD}\u{FFFD}"), ("%00", "\u{0}"), ("%0d%0a", "\r\n"),
    ])
    func `escapes become bytes`(_ text: String, _ decoded: String) throws {
        let found = try #require(PercentEncoding.decode(text))
        #expect(found.utf8.elementsEqual(decoded.utf8))
    }

    @Test(arguments: [
        "%", "%4", "a%", "%%", "%4%41", "%g0", "%0g", "% 41", "%+1", "%-1", "%0x", "%\u{661}\u{661}", "%é1",
    ])
    func `a percent sign without two hex digits is refused`(_ text: String) {
        #expect(PercentEncoding.decode(text) == nil)
    }

    @Test func `every byte can be written as an escape`() throws {
        for byte in UInt8(0)...127 {
            let hex = String(byte, radix: 16)
            let decoded = try #require(PercentEncoding.decode("%" + (hex.count == 1 ? "0" : "") + hex))
            #expect(Array(decoded.utf8) == [byte])
        }
    }

    struct Form: Sendable, CustomTestStringConvertible {
        let text: String
        let pairs: [[String]]
        init(_ text: String, _ pairs: [String]...) { (self.text, self.pairs) = (text, pairs) }
        var testDescription: String { text }
    }

    @Test(arguments: [
        Form(""),
        Form("&&"),
        Form("a=1", ["a", "1"]),
        Form("a=1&b=2", ["a", "1"], ["b", "2"]),
        Form("&a=1&&b=2&", ["a", "1"], ["b", "2"]),
        Form("a", ["a", ""]),
        Form("a=", ["a", ""]),
        Form("=a", ["", "a"]),
        Form("=", ["", ""]),
        Form("a=b=c", ["a", "b=c"]),
        Form("a=1&a=2", ["a", "1"], ["a", "2"]),
        Form("a+b=c+d", ["a b", "c d"]),
        Form("a=%2B", ["a", "+"]),
        Form("a=%41", ["a", "A"]),
        Form("%61=%26%3d", ["a", "&="]),
        Form("a=%", ["a", "%"]),
        Form("a=%4", ["a", "%4"]),
        Form("a=%4&b", ["a", "%4"], ["b", ""]),
        Form("a=%zz+%41", ["a", "%zz A"]),
        Form("a=%%41", ["a", "%A"]),
        Form("a=100%", ["a", "100%"]),
        Form("a=%C3%BC", ["a", "ü"]),
        Form("a=%ff", ["a", "\u{FFFD}"]),
        Form("a;b=1", ["a;b", "1"]),
    ])
    func `a form is pairs in their order`(_ form: Form) {
        #expect(PercentEncoding.formPairs(form.text).map { [$0.name, $0.value] } == form.pairs)
    }
}
