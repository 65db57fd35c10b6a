import Testing

@testable import HTTP

@Suite struct RoutePatternTests {
    @Test(arguments: [
        "/", "/a", "/a/", "/a/b", "//", "/{id}", "/{id}/", "/a/{id}/b", "/{a}/{b}", "/{rest...}", "/a/{rest...}",
        "/a b",
        "/ü", "/a.b", "/*", "/:id", "/{a b}", "/{...x}",
    ])
    func `these are patterns`(_ text: String) throws {
        #expect(try RoutePattern(text).text == text)
    }

    @Test(arguments: [
        ("", "must begin with '/'"),
        ("a", "must begin with '/'"),
        ("{id}", "must begin with '/'"),
        ("http://host/", "must begin with '/'"),
        ("/{}", "has a parameter without a name"),
        ("/{...}", "has a parameter without a name"),
        ("/{id}/{id}", "names the parameter 'id' twice"),
        ("/{id}/a/{id...}", "names the parameter 'id' twice"),
        ("/{rest...}/a", "has a segment after '{name...}'"),
        ("/{rest...}/", "has a segment after '{name...}'"),
        ("/{a...}/{b...}", "has a segment after '{name...}'"),
        ("/a{id}", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{id}.json", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{id", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/id}", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{a}{b}", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{{a}}", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
        ("/{a}b}", "has a brace inside a segment: a parameter is a whole segment, like '/{name}/'"),
    ])
    func `these are not, and it is said why`(_ text: String, _ reason: String) {
        #expect(throws: RoutePattern.Invalid(reason: reason)) { try RoutePattern(text) }
    }

    struct Example: Sendable, CustomTestStringConvertible {
        let pattern: String
        let target: String
        let parameters: [String]?
        init(_ pattern: String, _ target: String, _ parameters: [String]?) {
            (self.pattern, self.target, self.parameters) = (pattern, target, parameters)
        }
        var testDescription: String { "\(pattern) for \(target)" }
    }

    @Test(arguments: [
        Example("/", "/", []),
        Example("/", "/a", nil),
        Example("/a", "/a", []),
        Example("/a", "/a/", nil),
        Example("/a/", "/a", nil),
        Example("/a/", "/a/", []),
        Example("/a", "/A", nil),
        Example("/a", "/a/b", nil),
        Example("/a/b", "/a", nil),
        Example("/a/b", "/a%2Fb", nil),
        Example("/{id}", "/7", ["id=7"]),
        Example("/{id}", "/", nil),
        Example("/{id}", "/7/", nil),
        Example("/{id}", "/a%2Fb", ["id=a/b"]),
        Example("/{id}", "/a%20b", ["id=a b"]),
        Example("/{id}", "/{id}", ["id={id}"]),
        Example("/{a}/{b}", "/1/2", ["a=1", "b=2"]),
        Example("/{a}/{b}", "/1/", nil),
        Example("/{a}/x/{b}", "/1/y/2", nil),
        Example("/{rest...}", "/", ["rest="]),
        Example("/{rest...}", "/a/b", ["rest=a/b"]),
        Example("/{rest...}", "/a/b/", ["rest=a/b/"]),
        Example("/a/{rest...}", "/a", nil),
        Example("/a/{rest...}", "/a/", ["rest="]),
        Example("/a/{rest...}", "/b/c", nil),
        Example("/{id}/{rest...}", "/1/a//b", ["id=1", "rest=a//b"]),
        Example("/*", "/a", nil),
        Example("/:id", "/a", nil),
    ])
    func `a pattern matches whole segments`(_ example: Example) throws {
        let parameters = try RoutePattern(example.pattern).match(RequestTarget(example.target).segments)
        #expect(parameters?.map { "\($0.name)=\($0.value)" } == example.parameters)
    }
}
