import HTTPTypes
import NIOCore
import Testing

@testable import HTTP

@Suite struct ResponseHeadTests {
    private func text(_ head: ResponseHead) -> String { String(buffer: head.bytes()) }

    @Test func `a head is its status line, its fields in their order, and what hangs on the connection`() {
        var fields: HTTPFields = [.contentType: "text/plain", .server: "a"]
        fields[values: .setCookie] = ["b=1", "c=ü"]
        let head = ResponseHead(status: .ok, fields: fields, contentLength: 12, date: "now", closes: true)
        let lines = [
            "HTTP/1.1 200 OK", "Content-Type: text/plain", "Server: a", "Set-Cookie: b=1", "Set-Cookie: c=ü",
            "Content-Length: 12", "Date: now", "Connection: close", "", "",
        ]
        #expect(text(head) == lines.joined(separator: "\r\n"))
    }

    @Test(arguments: [
        (HTTPResponse.Status(code: 100), "100 Continue"), (.init(code: 200, reasonPhrase: "Fine"), "200 OK"),
        (.init(code: 413), "413 Payload Too Large"), (.init(code: 422), "422 Unprocessable Entity"),
        (.init(code: 418), "418 I'm a teapot"), (.init(code: 299), "299 "),
        (.init(code: 299, reasonPhrase: "Odd"), "299 Odd"),
    ])
    func `a status line has the phrase of its code`(_ status: HTTPResponse.Status, _ expected: String) {
        #expect(text(ResponseHead(status: status, fields: [:])) == "HTTP/1.1 \(expected)\r\n\r\n")
    }

    @Test func `a body goes into the room behind the head`() {
        var bytes = ResponseHead(status: .ok, fields: [:], contentLength: 100).bytes(room: 100)
        let start = bytes.withUnsafeReadableBytes { $0.baseAddress }
        bytes.writeRepeatingByte(UInt8(ascii: "a"), count: 100)
        #expect(bytes.withUnsafeReadableBytes { $0.baseAddress } == start)
        #expect(String(buffer: bytes).hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\naaa"))
    }
}
