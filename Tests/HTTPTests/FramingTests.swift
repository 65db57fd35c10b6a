import TestKit
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct FramingTests {
    private static let server = Task { try await sharedServer(Attack.script) }

    @Test(arguments: [
        Attack.head("a length and an encoding", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        Attack.head("an encoding and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5"),
        Attack.head("a length of 0 and an encoding", "Content-Length: 0\r\nTransfer-Encoding: chunked"),
        Attack.head("a length and an unknown encoding", "Content-Length: 5\r\nTransfer-Encoding: x"),
        Attack.head("two lengths", "Content-Length: 5\r\nContent-Length: 6"),
        Attack.head("the same length twice", "Content-Length: 5\r\nContent-Length: 5"),
        Attack.head("two lengths in different case", "Content-Length: 0\r\ncontent-length: 5"),
        Attack.head("a list of lengths", "Content-Length: 5, 5"),
        Attack.head("a list of different lengths", "Content-Length: 5,6"),
        Attack.head("a negative length", "Content-Length: -5"),
        Attack.head("a length with a plus", "Content-Length: +5"),
        Attack.head("a length in hex", "Content-Length: 0x5"),
        Attack.head("a length with a point", "Content-Length: 5.0"),
        Attack.head("a length with a letter", "Content-Length: 5a"),
        Attack.head("an empty length", "Content-Length:"),
        Attack.head("a length of spaces", "Content-Length:   "),
        Attack.head("a length with a space inside", "Content-Length: 1 0"),
        Attack.head("a quoted length", "Content-Length: \"5\""),
        Attack.head("a length that overflows 64 bits", "Content-Length: 18446744073709551621"),
        Attack.head("a length of a hundred digits", "Content-Length: " + String(repeating: "9", count: 100)),
        Attack.head("a length of 64 bits", "Content-Length: 9223372036854775808", 413),
    ])
    func `a doubtful Content-Length is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack.head("chunked, identity", "Transfer-Encoding: chunked, identity"),
        Attack.head("identity, chunked", "Transfer-Encoding: identity, chunked"),
        Attack.head("gzip, chunked", "Transfer-Encoding: gzip, chunked"),
        Attack.head("chunked twice", "Transfer-Encoding: chunked, chunked"),
        Attack.head("chunked in two headers", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
        Attack.head("chunked and identity in two headers", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        Attack.head("identity", "Transfer-Encoding: identity"),
        Attack.head("gzip", "Transfer-Encoding: gzip"),
        Attack.head("xchunked", "Transfer-Encoding: xchunked"),
        Attack.head("chunkedx", "Transfer-Encoding: chunkedx"),
        Attack.head("chunked with a parameter", "Transfer-Encoding: chunked;q=1"),
        Attack.head("chunked after a comma", "Transfer-Encoding: ,chunked"),
        Attack.head("chunked before a comma", "Transfer-Encoding: chunked,"),
        Attack.head("quoted", "Transfer-Encoding: \"chunked\""),
        Attack.head("in single quotes", "Transfer-Encoding: 'chunked'"),
        Attack.head("empty", "Transfer-Encoding:"),
        Attack.head("with a vertical tab", "Transfer-Encoding: \u{b}chunked"),
        Attack("HTTP/1.0", "POST /run HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ])
    func `an encoding other than chunked is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack.chunks("hex with 0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a plus", "+5\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a minus", "-5\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("no hex", "g\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("no digits", "\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("only an extension", ";a\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a space before", " 5\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a space behind", "5 \r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a tab behind", "5\t\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a comma", "5,5\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a point", "5.0\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("an underscore", "1_0\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a NUL", "5\u{0}\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("more than 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a hundred digits", String(repeating: "F", count: 100) + "\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare LF", "5\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare CR", "5\rhello\r\n0\r\n\r\n"),
        Attack.chunks("CR CR LF", "5\r\r\nhello\r\n0\r\n\r\n"),
    ])
    func `a chunk size that is none is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack.chunks("no line end behind it", "5\r\nhello0\r\n\r\n"),
        Attack.chunks("a bare LF behind it", "5\r\nhello\n0\r\n\r\n"),
        Attack.chunks("a bare CR behind it", "5\r\nhello\r0\r\n\r\n"),
        Attack.chunks("more bytes than it says", "5\r\nhello!\r\n0\r\n\r\n"),
        Attack.chunks("fewer bytes than it says", "5\r\nhi\r\n0\r\n\r\n"),
        Attack.chunks("a bare LF after the last size", "0\n\r\n"),
        Attack.chunks("a bare LF at the end", "0\r\n\n"),
        Attack.chunks("only bare LF at the end", "0\n\n"),
        Attack.chunks("a bare CR at the end", "0\r\n\rX"),
    ])
    func `a chunk that does not end where it says is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack.chunks("a bare LF in the name", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare LF in the value", "5;a=b\nc\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare LF in quotes", "5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a bare CR in quotes", "5;a=\"b\rc\"\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a NUL", "5;a\u{0}\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a NUL in quotes", "5;a=\"\u{0}\"\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("after a space", "5 ;a=b\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("a space inside", "5;a b\r\nhello\r\n0\r\n\r\n"),
        Attack.chunks("an open quote", "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
    ])
    func `junk in a chunk's extension is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack.chunks("a bare LF", "0\r\nX: a\n\r\n"),
        Attack.chunks("a bare CR", "0\r\nX: a\rY: b\r\n\r\n"),
        Attack.chunks("folded", "0\r\nX: a\r\n b\r\n\r\n"),
        Attack.chunks("a space before the colon", "0\r\nX : a\r\n\r\n"),
        Attack.chunks("no colon", "0\r\nX\r\n\r\n"),
        Attack.chunks("a length", "0\r\nContent-Length: 5\r\n\r\n"),
        Attack.chunks("a request", "0\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack.chunks("a NUL", "0\r\nX: \u{0}\r\n\r\n"),
    ])
    func `a trailer that is no header is refused`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        ("Content-Length: 5", "hello"), ("Content-Length: 005", "hello"), ("Content-Length:\t5 ", "hello"),
        ("Content-Length: 0", ""), ("X: y", ""),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: CHUNKED", "5\r\nhello\r\n0\r\n\r\n"),
        ("transfer-encoding:chunked", "2\r\nhe\r\n003\r\nllo\r\n000\r\n\r\n"),
        ("Transfer-Encoding: chunked", "5;a\r\nhello\r\n0;b=c\r\n\r\n"),
        ("Transfer-Encoding: chunked", "5;a=\"b c\"\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX: y\r\n\r\n"),
        ("Transfer-Encoding: chunked", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"),
    ])
    func `a request that ends where it says is answered, and the next one too`(_ header: String, _ body: String)
        async throws
    {
        let client = try await Self.server.value.connect()
        try await client.request("POST", "/one", headers: [header])
        try await client.send(body + "GET /two HTTP/1.1\r\nHost: a\r\n\r\n")
        let responses = try await client.responses(2)
        #expect(responses.map(\.status) == [200, 200])
        let content = body.contains("0123456789") ? "01234567890123456789" : (body.contains("l") ? "hello" : "")
        #expect(responses.map(\.text) == ["ran POST /one \(content)", "ran GET /two "])
        try await client.close()
    }
}
