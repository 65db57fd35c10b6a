import Testing

@testable import HTTP

@Suite struct RequestTargetTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let raw: String
        let path: String
        let segments: [String]
        var query = ""
        var testDescription: String { raw }
    }

    @Test(arguments: [
        Example(raw: "/", path: "/", segments: [""]),
        Example(raw: "/a", path: "/a", segments: ["a"]),
        Example(raw: "/a/", path: "/a/", segments: ["a", ""]),
        Example(raw: "//a", path: "//a", segments: ["", "a"]),
        Example(raw: "/a//b", path: "/a//b", segments: ["a", "", "b"]),
        Example(raw: "/a/../b", path: "/a/../b", segments: ["a", "..", "b"]),
        Example(raw: "/a%20b", path: "/a b", segments: ["a b"]),
        Example(raw: "/a+b", path: "/a+b", segments: ["a+b"]),
        Example(raw: "/a%2Fb/c", path: "/a/b/c", segments: ["a/b", "c"]),
        Example(raw: "/a%2fb", path: "/a/b", segments: ["a/b"]),
        Example(raw: "/%2e%2e", path: "/..", segments: [".."]),
        Example(raw: "/%252e", path: "/%2e", segments: ["%2e"]),
        Example(raw: "/%C3%BC", path: "/ü", segments: ["ü"]),
        Example(raw: "/%ff", path: "/\u{FFFD}", segments: ["\u{FFFD}"]),
        Example(raw: "/a?", path: "/a", segments: ["a"]),
        Example(raw: "/a?x=1&y=2", path: "/a", segments: ["a"], query: "x=1&y=2"),
        Example(raw: "/a?x=?y", path: "/a", segments: ["a"], query: "x=?y"),
        Example(raw: "/a?/b/c", path: "/a", segments: ["a"], query: "/b/c"),
        Example(raw: "/?x=%zz", path: "/", segments: [""], query: "x=%zz"),
        Example(raw: "/a%3Fb", path: "/a?b", segments: ["a?b"]),
    ])
    func `path, segments and query`(_ example: Example) throws {
        let target = try RequestTarget(example.raw)
        #expect(target.raw == example.raw)
        #expect(target.path == example.path)
        #expect(target.segments == example.segments)
        #expect(target.query == example.query)
    }

    /// A combining mark joins the character before it, and must not hide a `/`, `?`, `&` or `=` from us.
    @Test func `separators are bytes, not characters`() throws {
        let target = try RequestTarget("/\u{301}a/\u{301}b?\u{301}c=1&\u{301}d=\u{301}2")
        #expect(target.segments == ["\u{301}a", "\u{301}b"])
        #expect(target.path.utf8.elementsEqual("/\u{301}a/\u{301}b".utf8))
        #expect(target.query.utf8.elementsEqual("\u{301}c=1&\u{301}d=\u{301}2".utf8))
        #expect(target.queryPairs.map(\.name) == ["\u{301}c", "\u{301}d"])
        #expect(target.queryPairs.map(\.value) == ["1", "\u{301}2"])
    }

    @Test(arguments: ["/%CC%81a/%CC%81b", "/%41/\u{301}b"])
    func `an escape does not change where segments end`(_ raw: String) throws {
        #expect(try RequestTarget(raw).segments.count == 2)
    }

    @Test(arguments: [
        "", "a", "*", "?", "?a=/", "host:80", "\\a", "/%", "/%4", "/%4/1", "/%zz", "/%-1", "/%+1", "/% 1", "/a%",
        "/%00",
        "/a%00b", "/a\u{0}b", "/%41\u{0}",
    ])
    func `what is not a path is refused`(_ raw: String) {
        #expect(throws: RequestError.badTarget) { try RequestTarget(raw) }
    }

    @Test(arguments: [
        ("http://host/a/b?c=d", "/a/b?c=d"), ("HTTP://host:80/a", "/a"), ("https://host/a", "/a"), ("http://host", "/"),
        ("http://host?c=d", "/?c=d"), ("http://host//evil", "//evil"),
    ])
    func `the absolute form is read as its path`(_ absolute: String, _ origin: String) throws {
        #expect(try RequestTarget(absolute) == RequestTarget(origin))
    }

    @Test(arguments: ["http:", "http:/a", "http://", "http:///a", "http://?a", "ftp://host/a", "xhttp://host/a", "//"])
    func `a scheme without a host is no absolute form`(_ raw: String) {
        let path = (try? RequestTarget(raw))?.path
        #expect(path == (raw == "//" ? "//" : nil))
    }

    @Test func `query pairs keep their order and their doubles`() throws {
        let pairs = try RequestTarget("/?b=1&a=2&b=3&c&=4&d=%26").queryPairs
        #expect(pairs.map(\.name) == ["b", "a", "b", "c", "", "d"])
        #expect(pairs.map(\.value) == ["1", "2", "3", "", "4", "&"])
    }
}
