import TestKit
import Testing

/// Line 10 of the promises: what two readers could read differently is refused, and the connection ends.
@Suite(.serialized, .timeLimit(.minutes(5))) struct MalformedHeadTests {
    private static let server = Task { try await sharedServer(Attack.script) }

    @Test(arguments: [
        Attack("no Host", "GET /run HTTP/1.1\r\n\r\n"),
        Attack("an empty Host", "GET /run HTTP/1.1\r\nHost:\r\n\r\n"),
        Attack("a Host of spaces", "GET /run HTTP/1.1\r\nHost:   \r\n\r\n"),
        Attack("two Hosts", "GET /run HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
        Attack("the same Host twice", "GET /run HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        Attack("two Hosts in different case", "GET /run HTTP/1.1\r\nHost: a\r\nhOsT: a\r\n\r\n"),
        Attack("two Hosts in HTTP/1.0", "GET /run HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
        Attack("a Host with a space", "GET /run HTTP/1.1\r\nHost: a b\r\n\r\n"),
        Attack("a Host with a path", "GET /run HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        Attack("a Host with a user", "GET /run HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        Attack("a list of Hosts", "GET /run HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        Attack("a Host with a high byte", Array("GET /run HTTP/1.1\r\nHost: a".utf8) + [0xFF] + Array("\r\n\r\n".utf8)),
    ])
    func `a Host that is missing, doubled or bad is answered by 400`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }

    @Test(arguments: [
        Attack("after the request line", "GET /run HTTP/1.1\nHost: a\r\n\r\n"),
        Attack("after the last header", "GET /run HTTP/1.1\r\nHost: a\n\r\n"),
        Attack("between headers", "GET /run HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
        Attack("as the empty line", "GET /run HTTP/1.1\r\nHost: a\r\n\n"),
        Attack("after CR CR", "GET /run HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        Attack("everywhere", "GET /run HTTP/1.1\nHost: a\n\n"),
        Attack("in a value", "GET /run HTTP/1.1\r\nHost: a\r\nX: b\nc\r\n\r\n"),
        Attack("in a name", "GET /run HTTP/1.1\r\nHost: a\r\nX\n: b\r\n\r\n"),
        Attack("in the target", "GET /r\nun HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("before the colon's value", "GET /run HTTP/1.1\r\nHost: a\r\nX:\nb: c\r\n\r\n"),
        Attack("in the version", "GET /run HTTP/1.1\n\r\nHost: a\r\n\r\n"),
    ])
    func `a bare LF is answered by 400`(_ attack: Attack) async throws { try await attack.run(on: Self.server.value) }

    @Test(arguments: [
        Attack("after the request line", "GET /run HTTP/1.1\rHost: a\r\n\r\n"),
        Attack("in the target", "GET /r\run HTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("before the version", "GET /run \rHTTP/1.1\r\nHost: a\r\n\r\n"),
        Attack("after a header", "GET /run HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
        Attack("in a value", "GET /run HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n"),
        Attack("at the start of a value", "GET /run HTTP/1.1\r\nHost: a\r\nX:\rb\r\n\r\n"),
        Attack("in a name", "GET /run HTTP/1.1\r\nHost: a\r\nX\rY: b\r\n\r\n"),
        Attack("as the empty line", "GET /run HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n"),
        Attack("everywhere", "GET /run HTTP/1.1\rHost: a\r\r\r\n\r\n"),
    ])
    func `a bare CR is answered by 400`(_ attack: Attack) async throws { try await attack.run(on: Self.server.value) }

    @Test(arguments: [
        Attack.head("a space before the colon", "X : b"),
        Attack.head("a tab before the colon", "X\t: b"),
        Attack.head("a space before the colon of a length", "Content-Length : 5"),
        Attack.head("a space before the colon of an encoding", "Transfer-Encoding : chunked"),
        Attack.head("no colon", "nonsense"),
        Attack.head("no name", ": b"),
        Attack.head("a space in the name", "X Y: b"),
        Attack.head("parentheses in the name", "X(Y): b"),
        Attack.head("quotes in the name", "\"X\": b"),
        Attack.head("an umlaut in the name", "Xü: b"),
        Attack.head("a control character in the name", "X\u{1}: b"),
        Attack.head("a NUL in the name", "X\u{0}: b"),
        Attack.head("a NUL in the value", "X: b\u{0}c"),
        Attack.head("a NUL as the value", "X: \u{0}"),
        Attack.head("a control character in the value", "X: b\u{1}c"),
        Attack.head("an escape character in the value", "X: \u{1b}[31m"),
        Attack.head("a DEL in the value", "X: b\u{7f}c"),
        Attack.head("a folded value", "X: b\r\n c"),
        Attack.head("a value folded with a tab", "X: b\r\n\tc"),
        Attack.head("a folded empty value", "X:\r\n c"),
        Attack.head("a folded length", "Content-Length: 0\r\n 5"),
        Attack.head("a folded encoding", "Transfer-Encoding:\r\n chunked"),
        Attack("a folded first header", "GET /run HTTP/1.1\r\n Host: a\r\n\r\n"),
        Attack("a space on a line of its own", "GET /run HTTP/1.1\r\nHost: a\r\n \r\n\r\n"),
    ])
    func `a header that is none is answered by 400`(_ attack: Attack) async throws {
        try await attack.run(on: Self.server.value)
    }
}
