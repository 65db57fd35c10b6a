import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import HTTP

/// Which answers are compressed.
@Suite struct CompressionTests {
    private static let words = String(repeating: "words ", count: 1000)

    private func response(
        _ type: String?, _ more: [(HTTPField.Name, String)] = [], status: HTTPResponse.Status = .ok,
        body: Response.Body = .bytes(ByteBuffer(string: words))
    ) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        for (name, value) in more { headers.append(HTTPField(name: name, value: value)) }
        return Response(status: status, headers: headers, body: body)
    }

    @Test(
        arguments: [
            ("text/plain", true), ("text/html; charset=utf-8", true), ("TEXT/CSS", true), (" text/csv ;header=1", true),
            ("application/json", true), ("application/json;charset=utf-8", true), ("application/javascript", true),
            ("application/xml", true), ("application/wasm", true), ("application/manifest+json", true),
            ("application/problem+json", true), ("image/svg+xml", true), ("application/atom+xml", true),
            ("text/event-stream", false), ("text/event-stream; charset=utf-8", false), ("Text/Event-Stream", false),
            ("image/png", false), ("application/octet-stream", false), ("application/gzip", false),
            ("application/zip", false), ("multipart/byteranges; boundary=text/", false), ("font/woff2", false),
            ("application/jsonx", false), ("", false), (";", false), (nil, false),
        ] as [(String?, Bool)])
    func `the type says whether a body shrinks`(_ type: String?, _ isAllowed: Bool) {
        #expect(Compression.allows(response(type)) == isAllowed)
    }

    @Test(
        arguments: [
            ([(.contentEncoding, "br")], false), ([(.contentEncoding, "identity")], false), ([(.eTag, "\"a\"")], false),
            ([(.eTag, "W/\"a\"")], false), ([(.contentRange, "bytes 0-1/2")], false),
            ([(HTTPField.Name("Content-Digest")!, "sha-256=:x:")], false),
            ([(HTTPField.Name("repr-digest")!, "sha-256=:x:")], false),
            ([(.cacheControl, "no-transform")], false), ([(.cacheControl, "max-age=1 ,No-Transform")], false),
            ([(.cacheControl, "private"), (.cacheControl, "no-transform")], false),
            ([(.cacheControl, "no-store")], true), ([(.vary, "*")], true), ([(.lastModified, "x")], true),
        ] as [([(HTTPField.Name, String)], Bool)])
    func `headers about the very bytes keep them`(_ headers: [(HTTPField.Name, String)], _ isAllowed: Bool) {
        #expect(Compression.allows(response("text/plain", headers)) == isAllowed)
    }

    @Test(arguments: [(0, false), (1, false), (1023, false), (1024, true), (1_000_000, true)])
    func `a small body is sent as it is`(_ size: Int, _ isAllowed: Bool) {
        let bytes = ByteBuffer(repeating: UInt8(ascii: "a"), count: size)
        #expect(Compression.allows(response("text/plain", body: .bytes(bytes))) == isAllowed)
    }

    @Test(arguments: [(200, true), (404, true), (500, true), (204, false), (205, false), (304, false)])
    func `a status without a body has nothing to compress`(_ status: Int, _ isAllowed: Bool) {
        #expect(Compression.allows(response("text/plain", status: .init(code: status))) == isAllowed)
    }

    @Test func `streams and files are not compressed`() {
        #expect(!Compression.allows(.streamHead(adding: [])))
        #expect(!Compression.allows(response("text/plain", body: .stream)))
        var file = response("text/plain")
        file.isFile = true
        #expect(!Compression.allows(file))
    }

    @Test func `what comes out is gzip, the same each time`() throws {
        let bytes = ByteBuffer(string: Self.words)
        let coded = try #require(Compression.gzip(bytes))
        #expect(coded.getBytes(at: coded.readerIndex, length: 3) == [0x1F, 0x8B, 8])
        // The length of what went in is at the end (RFC 1952, 2.3.1).
        #expect(coded.getInteger(at: coded.writerIndex - 4, endianness: .little, as: UInt32.self) == 6000)
        #expect(coded.readableBytes < 100)
        #expect(Compression.gzip(bytes) == coded)
    }

    @Test(arguments: [
        ([], ["Accept-Encoding"]), (["Origin"], ["Origin", "Accept-Encoding"]), (["*"], ["*"]),
        (["Origin, accept-encoding"], ["Origin, accept-encoding"]), (["Accept"], ["Accept", "Accept-Encoding"]),
        (["Origin", "X , ACCEPT-ENCODING"], ["Origin", "X , ACCEPT-ENCODING"]),
    ])
    func `Vary keeps what it says, and says nothing twice`(_ before: [String], _ after: [String]) {
        var fields = HTTPFields()
        for value in before { fields.append(HTTPField(name: .vary, value: value)) }
        Vary.add(.acceptEncoding, to: &fields)
        #expect(fields[values: .vary] == after)
    }
}
