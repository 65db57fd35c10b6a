import HTTPTypes
import Testing

@testable import HTTP

@Suite struct RouterTests {
    struct Example: Sendable, CustomTestStringConvertible {
        /// "GET /a"; numbered from 1.
        let routes: [String]
        let request: String
        /// "2 id=7", "405 GET, HEAD" or "404".
        let match: String
        init(_ routes: [String], _ request: String, _ match: String) {
            (self.routes, self.request, self.match) = (routes, request, match)
        }
        var testDescription: String { "\(request) in \(routes.joined(separator: ", "))" }
    }

    private func match(_ example: Example) throws -> String {
        var routes: [Router.Route] = []
        for (index, text) in example.routes.enumerated() {
            let parts = text.split(separator: " ")
            routes.append(
                .init(method: String(parts[0]), pattern: try RoutePattern(String(parts[1])), number: index + 1))
        }
        let parts = example.request.split(separator: " ")
        let method = try #require(HTTPRequest.Method(String(parts[0])))
        switch Router(routes).match(method: method, target: try RequestTarget(String(parts[1]))) {
        case .route(let number, let parameters):
            return ([String(number)] + parameters.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
        case .methodNotAllowed(let methods): return "405 " + methods.joined(separator: ", ")
        case .notFound: return "404"
        }
    }

    @Test(arguments: [
        Example([], "GET /", "404"),
        Example(["GET /"], "GET /", "1"),
        Example(["GET /a"], "GET /b", "404"),
        Example(["GET /a"], "GET /a?b=c", "1"),
        Example(["GET /a"], "GET /%61", "1"),
        Example(["GET /a/b"], "GET /a%2Fb", "404"),
        Example(["GET /a/b", "GET /{x}"], "GET /a%2Fb", "2 x=a/b"),
        Example(["GET /a"], "GET /a/", "404"),
        Example(["GET /ü"], "GET /%C3%BC", "1"),
        Example(["GET /{id}", "GET /{rest...}"], "GET /7%2F8", "1 id=7/8"),
    ])
    func `a path is found by its segments`(_ example: Example) throws { #expect(try match(example) == example.match) }

    @Test(arguments: [
        Example(["GET /{rest...}", "GET /{id}", "GET /a"], "GET /a", "3"),
        Example(["GET /{rest...}", "GET /{id}", "GET /a"], "GET /b", "2 id=b"),
        Example(["GET /{rest...}", "GET /{id}", "GET /a"], "GET /b/c", "1 rest=b/c"),
        Example(["GET /{a}/b", "GET /a/{b}"], "GET /a/b", "2 b=b"),
        Example(["GET /{a}/b", "GET /a/{b}"], "GET /x/b", "1 a=x"),
        Example(["GET /{a}/{b}", "GET /{c}/b"], "GET /x/b", "2 c=x"),
        Example(["GET /a/{rest...}", "GET /{x}/{y}"], "GET /a/b", "1 rest=b"),
        Example(["GET /{x}/{rest...}", "GET /{x}/b/{rest...}"], "GET /1/b/2", "2 x=1 rest=2"),
        Example(["* /{rest...}", "GET /{id}"], "GET /7", "2 id=7"),
        Example(["* /{rest...}", "GET /a"], "POST /a", "1 rest=a"),
        Example(["GET /{id}", "POST /a"], "GET /a", "1 id=a"),
    ])
    func `a literal beats a parameter, a parameter beats the rest`(_ example: Example) throws {
        #expect(try match(example) == example.match)
    }

    @Test(arguments: [
        Example(["GET /a", "GET /a"], "GET /a", "1"),
        Example(["GET /{a}", "GET /{b}"], "GET /x", "1 a=x"),
        Example(["GET /{a...}", "GET /{b...}"], "GET /x", "1 a=x"),
        Example(["* /a", "GET /a"], "GET /a", "1"),
        Example(["GET /a", "* /a"], "GET /a", "1"),
        Example(["GET /a", "* /a"], "PUT /a", "2"),
        Example(["POST /{a}", "* /{b}", "GET /{c}"], "GET /x", "2 b=x"),
        Example(["POST /{a}", "GET /{b}"], "GET /x", "2 b=x"),
    ])
    func `among equals the first registered wins`(_ example: Example) throws {
        #expect(try match(example) == example.match)
    }

    @Test(arguments: [
        Example(["GET /a"], "HEAD /a", "1"),
        Example(["GET /{id}"], "HEAD /7", "1 id=7"),
        Example(["GET /a", "HEAD /a"], "HEAD /a", "2"),
        Example(["GET /{a}", "HEAD /{b}"], "HEAD /x", "2 b=x"),
        Example(["GET /a", "HEAD /{x}"], "HEAD /a", "1"),
        Example(["GET /{id}", "* /{rest...}"], "HEAD /7", "1 id=7"),
        Example(["HEAD /{rest...}", "GET /{id}"], "HEAD /7", "2 id=7"),
        Example(["HEAD /a"], "GET /a", "405 HEAD"),
        Example(["POST /a"], "HEAD /a", "405 POST"),
    ])
    func `a GET route answers HEAD, unless one for HEAD is as good`(_ example: Example) throws {
        #expect(try match(example) == example.match)
    }

    @Test(arguments: [
        Example(["GET /a"], "POST /a", "405 GET, HEAD"),
        Example(["POST /a"], "GET /a", "405 POST"),
        Example(["POST /a", "GET /a", "PUT /a"], "DELETE /a", "405 POST, GET, HEAD, PUT"),
        Example(["GET /a", "HEAD /a"], "POST /a", "405 GET, HEAD"),
        Example(["HEAD /a", "GET /a"], "POST /a", "405 HEAD, GET"),
        Example(["GET /a", "GET /a"], "POST /a", "405 GET, HEAD"),
        Example(["GET /a", "PUT /{x}", "DELETE /{rest...}", "PATCH /b"], "POST /a", "405 GET, HEAD, PUT, DELETE"),
        Example(["DELETE /{rest...}", "PUT /{x}", "GET /a"], "POST /a", "405 GET, HEAD, PUT, DELETE"),
        Example(["GET /a"], "OPTIONS /a", "405 GET, HEAD"),
        Example(["GET /a"], "get /a", "405 GET, HEAD"),
    ])
    func `a known path with another method lists the methods that it has`(_ example: Example) throws {
        #expect(try match(example) == example.match)
    }

    @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
    func `a star answers every method`(_ method: String) throws {
        #expect(try match(Example(["* /a"], "\(method) /a", "")) == "1")
    }

    @Test func `parameters of a pattern that did not match do not leak into one that did`() throws {
        let example = Example(["GET /{x}/{y}/c", "GET /{a}/{b}/d", "POST /{m}/{n}/{o}"], "GET /1/2/d", "2 a=1 b=2")
        #expect(try match(example) == example.match)
    }
}
