import NIOCore
import Testing

@testable import HTTP

/// Which bodies are forms, and what `application/x-www-form-urlencoded` holds.
@Suite struct FormTests {
    private func pairs(_ body: [UInt8], type: String = "application/x-www-form-urlencoded") throws -> [[String]] {
        try FormRequest.parse(body, type: type).get().map { field in
            #expect(field.file == nil)
            return [String(decoding: field.name, as: UTF8.self), String(buffer: field.value)]
        }
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let body: String
        let pairs: [[String]]
        init(_ body: String, _ pairs: [String]...) { (self.body, self.pairs) = (body, pairs) }
        var testDescription: String { body }
    }

    @Test(arguments: [
        Example(""),
        Example("a=1&b=2", ["a", "1"], ["b", "2"]),
        Example("a=1&a=2", ["a", "1"], ["a", "2"]),
        Example("&&a=1&", ["a", "1"]),
        Example("a", ["a", ""]),
        Example("=a", ["", "a"]),
        Example("a=b=c", ["a", "b=c"]),
        Example("a+b=c+d", ["a b", "c d"]),
        Example("%61=%26%3d%2B", ["a", "&=+"]),
        Example("a=100%&b=%zz", ["a", "100%"], ["b", "%zz"]),
        Example("a=%00%0d%0a", ["a", "\0\r\n"]),
        Example("a=\r\n", ["a", "\r\n"]),
        Example("a=%EF%BB%BFx", ["a", "\u{FEFF}x"]),
        Example("a=\u{301}&\u{301}b=c", ["a", "\u{301}"], ["\u{301}b", "c"]),
    ])
    func `a urlencoded form is decoded as WHATWG URL says`(_ example: Example) throws {
        #expect(try pairs(Array(example.body.utf8)) == example.pairs)
    }

    @Test func `bytes and escapes are one text before they are read as UTF-8`() throws {
        #expect(try pairs([0x61, 0x3D, 0xE2] + Array("%82%AC".utf8)) == [["a", "€"]])
        #expect(try pairs([0xFF, 0x3D, 0xC3]) == [["\u{FFFD}", "\u{FFFD}"]])
        #expect(try pairs(Array("a=%C0%AF".utf8)) == [["a", "\u{FFFD}\u{FFFD}"]])
    }

    @Test(arguments: [
        "application/x-www-form-urlencoded", "APPLICATION/X-WWW-Form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8", "application/x-www-form-urlencoded;charset=\"utf-8\" ;",
        " application/x-www-form-urlencoded \t",
    ])
    func `the type is known whatever its case and parameters`(type: String) throws {
        #expect(try pairs(Array("a=1".utf8), type: type) == [["a", "1"]])
    }

    @Test(
        arguments: [
            ([], .noContentType),
            (["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"], .repeatedContentType),
            (["text/plain"], .otherContentType("text/plain")),
            (["Application/JSON; charset=utf-8"], .otherContentType("application/json")),
            (["multipart/mixed; boundary=b"], .otherContentType("multipart/mixed")),
            ([String(repeating: "x", count: 4000)], .otherContentType(String(repeating: "x", count: 80))),
            ([""], .badContentType),
            (["multipart/form-data, multipart/form-data; boundary=b"], .badContentType),
            (["multipart/form-data; boundary=a; boundary=b"], .badContentType),
            (["multipart/form-data; boundary=a; Boundary=a"], .badContentType),
            (["multipart/form-data; boundary=a b"], .badContentType),
            (["multipart/form-data; boundary=\"a"], .badContentType),
            (["multipart/form-data; boundary=a\"b"], .badContentType),
            (["multipart/form-data; boundary="], .badContentType),
            (["multipart/form-data; boundary"], .badContentType),
            (["multipart/form-data; =a"], .badContentType),
            (["multipart/form-data boundary=a"], .badContentType),
            (["multipart/form-data"], .noBoundary),
            (["multipart/form-data; charset=utf-8;"], .noBoundary),
            (["multipart/form-data; boundary=\"\""], .badBoundary),
            (["multipart/form-data; boundary=\"a \""], .badBoundary),
            (["multipart/form-data; boundary=a@b"], .badBoundary),
            (["multipart/form-data; boundary=é"], .badBoundary),
            (["multipart/form-data; boundary=\(String(repeating: "b", count: 71))"], .badBoundary),
        ] as [([String], FormError)])
    func `another Content-Type is refused`(types: [String], error: FormError) {
        #expect(FormRequest.parse(Array("--b--".utf8), types: types) == .failure(error))
    }

    @Test(arguments: [
        "multipart/form-data; boundary=b", "Multipart/Form-Data;BOUNDARY=b", "multipart/form-data ; boundary=\"b\"",
        "multipart/form-data;;charset=x; boundary=b;", "multipart/form-data; boundary=\"\\b\"",
    ])
    func `a boundary is found in a Content-Type`(type: String) {
        // The last one holds a backslash, which is no character of a boundary.
        let expected: Result<[Form.Field], FormError> = type.contains("\\") ? .failure(.badBoundary) : .success([])
        #expect(FormRequest.parse(Array("--b--".utf8), type: type) == expected)
    }

    @Test(arguments: [
        "b", "----WebKitFormBoundary7MA4YWxkTrZu0gW", "-----------------------------9051914041544843365972754266",
        "a b", "'()+_,-./:=?", "=_Part_1_=", String(repeating: "b", count: 70),
    ])
    func `a boundary may be of all the characters of RFC 2046`(boundary: String) throws {
        let body = "--\(boundary)\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--\(boundary)--\r\n"
        for quoted in ["\"\(boundary)\""] + (boundary.contains(" ") ? [] : [boundary]) {
            #expect(try pairs(Array(body.utf8), type: "multipart/form-data; boundary=\(quoted)") == [["a", "1"]])
        }
    }

    @Test func `a thousand fields are taken and no more`() throws {
        let type = "application/x-www-form-urlencoded"
        let most = Array(repeatElement("a=1", count: 1000).joined(separator: "&").utf8)
        #expect(try FormRequest.parse(most, type: type).get().count == 1000)
        #expect(FormRequest.parse(most + Array("&b".utf8), type: type) == .failure(.tooManyFields(limit: 1000)))
        #expect(try FormRequest.parse(most + Array("&&".utf8), type: type).get().count == 1000)
    }
}
