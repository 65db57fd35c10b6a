import Foundation
import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// Files that lie in a coding beside themselves (RFC 9110, 12.5.3).
@Suite(.timeLimit(.minutes(5))) struct CodedFileTests {
    private let served: ServedFiles

    init() throws {
        served = try ServedFiles([
            "both.js": "plain", "both.js.br": "brotli", "both.js.gz": "gzip",
            "one.css": "plain", "one.css.gz": "gzip", "alone.txt": "plain", "only.txt.gz": "gzip",
            "sub/index.html": "plain", "sub/index.html.br": "brotli",
        ])
    }

    private func answer(
        _ raw: String, accepting field: String?, _ more: HTTPFields = [:], method: HTTPRequest.Method = .get
    ) throws -> ServedFiles.Answer {
        var headers = more
        headers[.acceptEncoding] = field
        return try #require(try served.answer(raw, headers, method: method))
    }

    @Test(
        arguments: [
            ("/both.js", "gzip, deflate, br", "brotli", "br"), ("/both.js", "gzip", "gzip", "gzip"),
            ("/both.js", "br;q=0.5, gzip", "gzip", "gzip"), ("/both.js", nil, "plain", nil),
            ("/both.js", "", "plain", nil),
            ("/both.js", "deflate", "plain", nil), ("/both.js", "br;q=0, gzip;q=0", "plain", nil),
            ("/one.css", "br, gzip", "gzip", "gzip"), ("/one.css", "br", "plain", nil),
            ("/alone.txt", "br, gzip", "plain", nil), ("/sub/", "br", "brotli", "br"),
        ] as [(String, String?, String, String?)])
    func `the client's weights choose`(_ raw: String, _ field: String?, _ text: String, _ coding: String?) throws {
        let answer = try answer(raw, accepting: field)
        #expect(answer.status == 200)
        #expect(answer.text == text)
        #expect(answer.headers[.contentEncoding] == coding)
        #expect(answer.headers[.vary] == (raw == "/alone.txt" ? nil : "Accept-Encoding"))
    }

    @Test func `the type is that of the plain file`() throws {
        for field in [nil, "br", "gzip"] as [String?] {
            let type = try answer("/both.js", accepting: field).headers[.contentType]
            #expect(type == "text/javascript; charset=utf-8")
        }
    }

    @Test func `each coding has a tag of its own, and only plain bytes have parts`() throws {
        let answers = try [nil, "br", "gzip"].map { try answer("/both.js", accepting: $0) }
        #expect(Set(answers.compactMap { $0.headers[.eTag] }).count == 3)
        #expect(answers.map { $0.headers[.acceptRanges] } == ["bytes", nil, nil])
    }

    @Test func `HEAD says what GET says`() throws {
        for field in [nil, "br", "gzip"] as [String?] {
            let get = try answer("/both.js", accepting: field)
            let head = try answer("/both.js", accepting: field, method: .head)
            #expect(head.headers == get.headers)
            #expect(head.length == get.length)
        }
    }

    @Test func `a tag is that of the coding that would be sent`() throws {
        let coded = try #require(try answer("/both.js", accepting: "br").headers[.eTag])
        let plain = try #require(try answer("/both.js", accepting: nil).headers[.eTag])
        let answer = try answer("/both.js", accepting: "br", [.ifNoneMatch: coded])
        #expect(answer.status == 304)
        #expect(answer.headers[.vary] == "Accept-Encoding")
        #expect(answer.headers[.eTag] == coded)
        #expect(answer.headers[.contentEncoding] == nil)
        #expect(try self.answer("/both.js", accepting: nil, [.ifNoneMatch: coded]).text == "plain")
        #expect(try self.answer("/both.js", accepting: "br", [.ifNoneMatch: plain]).text == "brotli")
    }

    @Test func `a part is of the plain bytes, and never of a coding that the client has begun with`() throws {
        let part = try answer("/both.js", accepting: "br, gzip", [.range: "bytes=1-2"])
        #expect(part.status == 206)
        #expect(part.text == "la")
        #expect(part.headers[.contentEncoding] == nil)
        #expect(part.headers[.vary] == "Accept-Encoding")
        let coded = try #require(try answer("/both.js", accepting: "br").headers[.eTag])
        let resumed = try answer("/both.js", accepting: "br", [.range: "bytes=1-2", .ifRange: coded])
        #expect(resumed.status == 200)
        #expect(resumed.text == "plain")
    }

    @Test func `a coded file by its own name is a file like any other`() throws {
        let answer = try answer("/one.css.gz", accepting: "gzip")
        #expect(answer.text == "gzip")
        #expect(answer.headers[.contentType] == "application/gzip")
        #expect(answer.headers[.contentEncoding] == nil)
    }

    @Test func `without the plain file there is none`() throws {
        #expect(try served.answer("/only.txt", [.acceptEncoding: "gzip"]) == nil)
    }

    @Test func `a coded file that is a second older is of an earlier state`() throws {
        try served.setModified("both.js", 1000.75)
        try served.setModified("both.js.br", 999)
        try served.setModified("both.js.gz", 1000)
        #expect(try answer("/both.js", accepting: "br, gzip").text == "gzip")
        try served.setModified("both.js.gz", 999)
        let answer = try answer("/both.js", accepting: "br, gzip")
        #expect(answer.text == "plain")
        #expect(answer.headers[.vary] == nil)
    }

    @Test func `a coded file outside is not reached by a symlink`() throws {
        let outside = try TemporaryDirectory(["secret": "secret"])
        for name in ["one.css.br", "alone.txt.gz"] {
            try FileManager.default.createSymbolicLink(
                atPath: served.directory.path + "/" + name, withDestinationPath: outside.path + "/secret")
        }
        #expect(try answer("/one.css", accepting: "br").text == "plain")
        #expect(try answer("/alone.txt", accepting: "gzip").headers[.vary] == nil)
    }
}
