import ArgumentParser
import Testing

@testable import Tool

@Suite struct TailTests {
    @Test(arguments: [
        (["ftp://a"], "the URL 'ftp://a' must begin with http:// or https://, not ftp:"),
        (["localhost:80"], "the URL 'localhost:80' must begin with http:// or https://, not localhost:"),
        (["http://a", "--json", "--raw"], "--json and --raw exclude each other"),
        (["https://a", "--insecure", "--cacert", "x"], "--insecure and --cacert exclude each other"),
        (["http://a", "--count", "0"], "--count must be at least 1, got 0"),
        (["http://a", "--last-event-id", "a\nb"], "--last-event-id must not hold CR, LF or NUL"),
        (["http://a", "--header", "x"], "--header 'x' must be 'Name: value'"),
        (["http://a", "--header", "A: b", "--header", "A: \r"], "--header 'A: \r' must not hold a control character"),
    ])
    func `a bad command line says what is wrong`(arguments: [String], message: String) {
        let error = #expect(throws: (any Error).self) { try Tail.parse(arguments) }
        #expect(error.map(Tail.message) == message)
    }

    @Test func `a header may be given more than once`() throws {
        let tail = try Tail.parse(["http://a", "--header", "A: b", "--header", "-c: d"])
        #expect(tail.headers == ["A: b", "-c: d"])
    }
}
