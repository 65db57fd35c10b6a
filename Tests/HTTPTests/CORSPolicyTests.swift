import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// What a policy adds to a response.
@Suite struct CORSPolicyTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let policy: CORSPolicy
        let origin: String?
        /// What the response has, and what it has then, as "Name: value".
        let before: [String]
        let added: [String]
        init(_ policy: CORSPolicy, _ origin: String?, _ before: [String] = [], adds added: [String]) {
            (self.policy, self.origin, self.before, self.added) = (policy, origin, before, added)
        }
        var testDescription: String { "\(policy.origins) \(origin ?? "-") \(before)" }
    }

    private static func fields(_ lines: [String]) -> HTTPFields {
        var fields = HTTPFields()
        for line in lines {
            let colon = line.firstIndex(of: ":")!
            fields.append(
                HTTPField(name: HTTPField.Name(String(line[..<colon]))!, value: String(line[colon...].dropFirst(2))))
        }
        return fields
    }

    private static func lines(_ fields: HTTPFields) -> [String] { fields.map { "\($0.name.rawName): \($0.value)" } }

    private func check(_ example: Example) {
        var fields = Self.fields(example.before)
        example.policy.apply(to: &fields, origin: example.origin)
        #expect(Self.lines(fields) == example.before + example.added)
        // A second time there is nothing left to add.
        example.policy.apply(to: &fields, origin: example.origin)
        #expect(Self.lines(fields) == example.before + example.added)
    }

    private static let any = CORSPolicy()
    private static let anyWithCredentials = CORSPolicy(.always("*"), allowsCredentials: true)
    private static let one = CORSPolicy(.always("https://a.example"))
    private static let oneWithCredentials = CORSPolicy(.always("https://a.example"), allowsCredentials: true)
    private static let list = CORSPolicy(.oneOf(["https://a.example", "http://b.example:81", "null"]))
    private static let listWithCredentials = CORSPolicy(.oneOf(["https://a.example"]), allowsCredentials: true)
    private static let star = "Access-Control-Allow-Origin: *"
    private static let a = "Access-Control-Allow-Origin: https://a.example"
    private static let credentials = "Access-Control-Allow-Credentials: true"
    private static let vary = "Vary: Origin"

    @Test(arguments: [
        Example(any, nil, adds: [star]),
        Example(any, "https://a.example", adds: [star]),
        Example(any, "null", adds: [star]),
        Example(anyWithCredentials, "https://a.example", adds: [star]),
        Example(one, nil, adds: [a]),
        Example(one, "https://a.example", adds: [a]),
        Example(one, "https://b.example", adds: [a]),
        Example(oneWithCredentials, "https://a.example", adds: [a, credentials]),
    ])
    func `what is the same for all is always sent, and credentials never with a star`(_ example: Example) {
        check(example)
    }

    @Test(arguments: [
        Example(list, nil, adds: [vary]),
        Example(list, "https://a.example", adds: [vary, a]),
        Example(list, "http://b.example:81", adds: [vary, "Access-Control-Allow-Origin: http://b.example:81"]),
        Example(list, "null", adds: [vary, "Access-Control-Allow-Origin: null"]),
        Example(list, "https://a.example:443", adds: [vary]),
        Example(list, "HTTPS://A.EXAMPLE", adds: [vary]),
        Example(list, "https://a.example.evil", adds: [vary]),
        Example(list, "https://evil-a.example", adds: [vary]),
        Example(list, "https://a.example, http://b.example:81", adds: [vary]),
        Example(list, "", adds: [vary]),
        Example(list, "*", adds: [vary]),
        Example(listWithCredentials, nil, adds: [vary]),
        Example(listWithCredentials, "https://a.example", adds: [vary, a, credentials]),
        Example(listWithCredentials, "https://b.example", adds: [vary]),
        Example(CORSPolicy(.oneOf([]), allowsCredentials: true), "https://a.example", adds: [vary]),
    ])
    func `an origin of the list is reflected, and caches are told that it matters`(_ example: Example) {
        check(example)
    }

    @Test(arguments: [
        Example(any, nil, ["Access-Control-Allow-Origin: https://own.example"], adds: []),
        Example(any, nil, ["access-control-allow-origin: https://own.example"], adds: []),
        Example(listWithCredentials, "https://a.example", ["Access-Control-Allow-Origin: *"], adds: []),
        Example(oneWithCredentials, nil, ["Access-Control-Allow-Credentials: false"], adds: [a]),
        Example(list, "https://a.example", ["Vary: Accept-Encoding"], adds: [vary, a]),
        Example(list, "https://a.example", ["Vary: Accept-Encoding, origin"], adds: [a]),
        Example(list, "https://a.example", ["Vary: Accept-Encoding", "Vary: ORIGIN"], adds: [a]),
        Example(list, "https://a.example", ["Vary: *"], adds: [a]),
        Example(list, "https://a.example", ["Vary: X-Origin"], adds: [vary, a]),
    ])
    func `what a response says itself is not doubled`(_ example: Example) { check(example) }

    @Test(arguments: [
        Example(
            any, nil, ["Content-Type: a/b", "Cache-Control: no-store", "Set-Cookie: a=b", "Last-Modified: x"],
            adds: [star]),
        Example(any, nil, ["MCP-Session-Id: 7"], adds: [star, "Access-Control-Expose-Headers: MCP-Session-Id"]),
        Example(
            any, nil, ["ETag: \"1\"", "Content-Type: a/b", "X-A: 1", "X-A: 2"],
            adds: [star, "Access-Control-Expose-Headers: ETag, X-A"]),
        Example(any, nil, ["X-A: 1", "Access-Control-Expose-Headers: X-B"], adds: [star]),
        Example(
            any, nil, ["X-A: 1", "Access-Control-Allow-Origin: https://own.example"],
            adds: ["Access-Control-Expose-Headers: X-A"]),
        Example(
            oneWithCredentials, nil, ["X-A: 1"], adds: [a, credentials, "Access-Control-Expose-Headers: X-A"]),
        Example(list, "https://a.example", ["X-A: 1"], adds: [vary, a, "Access-Control-Expose-Headers: X-A"]),
        Example(list, "https://b.example", ["X-A: 1"], adds: [vary]),
    ])
    func `who may read a response may read its headers`(_ example: Example) { check(example) }

    // MARK: preflights

    private static let standard =
        "Content-Type, Authorization, Last-Event-ID, Cache-Control, Accept, MCP-Session-Id, MCP-Protocol-Version"

    private func preflight(_ policy: CORSPolicy, _ lines: [String]) -> [String]? {
        guard var response = policy.preflight(Self.fields(lines)) else { return nil }
        #expect(response.status == .noContent)
        policy.apply(to: &response.headers, origin: Self.fields(lines)[.origin])
        return Self.lines(response.headers)
    }

    private func wanted(_ headers: String = standard, _ more: String...) -> [String] {
        [
            "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            "Access-Control-Allow-Headers: \(headers)", "Access-Control-Max-Age: 7200",
        ] + more
    }

    private static let request = ["Origin: https://a.example", "Access-Control-Request-Method: PUT"]

    @Test(arguments: [
        [], ["Origin: https://a.example"], ["Access-Control-Request-Method: PUT"],
        ["Access-Control-Request-Headers: a", "Origin: https://a.example"],
    ])
    func `without Origin and a method it is no preflight`(_ lines: [String]) {
        #expect(preflight(Self.any, lines) == nil)
    }

    @Test func `a preflight says what may be asked`() {
        #expect(preflight(Self.any, Self.request) == wanted(Self.standard, Self.star))
        #expect(preflight(Self.one, Self.request) == wanted(Self.standard, Self.a))
        #expect(preflight(Self.list, Self.request) == wanted(Self.standard, Self.a))
        #expect(preflight(Self.listWithCredentials, Self.request) == wanted(Self.standard, Self.a, Self.credentials))
    }

    @Test func `a preflight of an origin that is not on the list gets nothing`() {
        let request = ["Origin: https://b.example", "Access-Control-Request-Method: PUT"]
        #expect(preflight(Self.listWithCredentials, request) == [wanted()[0]])
    }

    @Test(
        arguments: [
            ([], ""), ([""], ""), ["x-a"].both(", x-a"), ["x-a,x-b"].both(", x-a, x-b"),
            ["x-a , \tx-b "].both(", x-a, x-b"),
            ["x-a", "x-b"].both(", x-a, x-b"), ["x-a,,x-a,X-A"].both(", x-a"), ["authorization,last-event-id"].both(""),
            ["content-type,x-b"].both(", x-b"), ["*"].both(", *"), ["x a"].both(""), ["x-a,x:b"].both(""),
            ["x-a;q=1"].both(""), ["\"x-a\""].both(""), ["x-ä"].both(""), ["x-a, (comment)"].both(""),
            [":path"].both(""),
        ] as [([String], String)])
    func `headers that are asked for are allowed, if they are names`(_ asked: [String], _ more: String) {
        let lines = Self.request + asked.map { "Access-Control-Request-Headers: \($0)" }
        #expect(preflight(Self.any, lines) == wanted(Self.standard + more, Self.star))
    }

    // MARK: anything at all

    /// Whatever a client sends: no origin is let in but those of the list, and what is allowed is a list of names.
    @Test func `no bytes of a client get more than the policy says`() {
        var random = SplitMix64(seed: 8)
        let alphabet = Array(#"https://a.example,b:; "\*%Ann=()[]x-AUTHORIZATION"#.utf8) + [9, 0xC3, 0xA9, 0xFF]
        func text() -> [UInt8] {
            (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
        }
        var admitted = 0
        for _ in 0..<20_000 {
            var headers = HTTPFields()
            for name in [HTTPField.Name.origin, .accessControlRequestMethod, .accessControlRequestHeaders] {
                for _ in 0..<Int.random(in: 0...2, using: &random) {
                    let isPlain = name == .origin && Bool.random(using: &random)
                    headers.append(
                        HTTPField(name: name, lenientValue: isPlain ? Array("https://a.example".utf8) : text()))
                }
            }
            guard var response = Self.listWithCredentials.preflight(headers) else { continue }
            Self.listWithCredentials.apply(to: &response.headers, origin: headers[.origin])
            let isAdmitted = headers[.origin] == "https://a.example"
            if isAdmitted { admitted += 1 }
            #expect(response.headers[.accessControlAllowOrigin] == (isAdmitted ? "https://a.example" : nil))
            #expect(response.headers[.accessControlAllowCredentials] == (isAdmitted ? "true" : nil))
            #expect(response.headers.contains(.accessControlAllowMethods) == isAdmitted)
            let names = response.headers[.accessControlAllowHeaders]?.split(separator: ", ") ?? []
            #expect(names.allSatisfy { HTTPField.Name(String($0)) != nil })
            #expect(names.count >= (isAdmitted ? 7 : 0))
        }
        #expect(admitted > 1000)
    }
}

extension [String] {
    fileprivate func both(_ more: String) -> ([String], String) { (self, more) }
}
