import HTTPTypes
import TestKit
import Testing

@testable import HTTP

@Suite struct CookiesTests {
    private func pairs(_ headers: [String]) -> [[String]] {
        var fields = HTTPFields()
        for header in headers { fields.append(HTTPField(name: .cookie, value: header)) }
        return Cookies.pairs(fields).map { [$0.name, $0.value] }
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let headers: [String]
        let pairs: [[String]]
        init(_ headers: String..., gives pairs: [[String]]) { (self.headers, self.pairs) = (headers, pairs) }
        var testDescription: String { headers.joined(separator: " | ") }
    }

    @Test(arguments: [
        Example(gives: []),
        Example("", gives: []),
        Example("a=1", gives: [["a", "1"]]),
        Example("a=1; b=2", gives: [["a", "1"], ["b", "2"]]),
        Example("a=1;b=2", gives: [["a", "1"], ["b", "2"]]),
        Example(" a = 1 ;\t b\t=\t2 ", gives: [["a", "1"], ["b", "2"]]),
        Example("a=1; a=2", gives: [["a", "1"], ["a", "2"]]),
        Example("a=1", "b=2", gives: [["a", "1"], ["b", "2"]]),
        Example("a=", gives: [["a", ""]]),
        Example("a=b=c==", gives: [["a", "b=c=="]]),
        Example("a=b c", gives: [["a", "b c"]]),
        Example("a=1,b=2", gives: [["a", "1,b=2"]]),
        Example("a=\"b\"", gives: [["a", "\"b\""]]),
        Example("a=\"b; c\"", gives: [["a", "\"b"]]),
        Example("a=%41+%zz", gives: [["a", "%41+%zz"]]),
        Example("a=é€; é=b", gives: [["a", "é€"], ["é", "b"]]),
        Example("a=1;\u{301}b=2", gives: [["a", "1"], ["\u{301}b", "2"]]),
        Example("A=1; a=2", gives: [["A", "1"], ["a", "2"]]),
        Example("$Version=1; a=b; $Path=/", gives: [["$Version", "1"], ["a", "b"], ["$Path", "/"]]),
        Example("a", gives: []),
        Example("a; b=2", gives: [["b", "2"]]),
        Example("=1; b=2", gives: [["b", "2"]]),
        Example(" = 1; b=2", gives: [["b", "2"]]),
        Example("=", gives: []),
        Example(";;; ; a=1;;", gives: [["a", "1"]]),
    ])
    func `cookies are pairs in their order`(_ example: Example) { #expect(pairs(example.headers) == example.pairs) }

    @Test(arguments: 1...20)
    func `random headers give names that are not empty, and nothing that was not there`(seed: Int) {
        var dice = SplitMix64(seed: UInt64(seed))
        for _ in 0..<200 {
            let header = String(
                (0..<Int.random(in: 0...40, using: &dice)).map { _ in "ab=;, \t\"é\\%".randomElement(using: &dice)! })
            for pair in pairs([header]) {
                #expect(!pair[0].isEmpty && !pair.joined().contains(";"), "\(header)")
                #expect(header.contains(pair[0]) && header.contains(pair[1]), "\(header)")
            }
        }
    }
}
