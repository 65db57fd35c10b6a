import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// What the proxies' headers say, hop by hop, the nearest first.
@Suite struct ForwardedChainTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let lines: [String]
        /// "192.0.2.1:80 https", "hidden", "malformed".
        let hops: [String]
        init(_ lines: String..., is hops: [String]) { (self.lines, self.hops) = (lines, hops) }
        var testDescription: String { lines.joined(separator: " | ") }
    }

    private func hops(_ lines: [String]) -> [String] {
        var fields = HTTPFields()
        for line in lines {
            let parts = line.split(separator: ": ", maxSplits: 1).map(String.init)
            fields.append(HTTPField(name: HTTPField.Name(parts[0])!, value: parts.count > 1 ? parts[1] : ""))
        }
        return ForwardedChain(fields).map { hop in
            let node =
                switch hop.node {
                case .address(let address, 0): "\(address)"
                case .address(let address, let port): "\(address) port \(port)"
                case .hidden: "hidden"
                case .malformed: "malformed"
                }
            return hop.scheme.map { "\(node) by \($0)" } ?? node
        }
    }

    @Test(arguments: [
        Example(is: []),
        Example("Forwarded: for=192.0.2.60;proto=http;by=203.0.113.43", is: ["192.0.2.60 by http"]),
        Example("Forwarded: for=192.0.2.43, for=198.51.100.17", is: ["198.51.100.17", "192.0.2.43"]),
        Example("Forwarded: for=192.0.2.43", "Forwarded: for=198.51.100.17", is: ["198.51.100.17", "192.0.2.43"]),
        Example(
            "Forwarded: for=192.0.2.43,for=\"[2001:db8:cafe::17]\"", "Forwarded: for=unknown",
            is: ["hidden", "2001:db8:cafe::17", "192.0.2.43"]),
        Example("Forwarded: For=\"[2001:db8:cafe::17]:4711\"", is: ["2001:db8:cafe::17 port 4711"]),
        Example("forwarded: FOR=192.0.2.1;PROTO=HTTPS", is: ["192.0.2.1 by https"]),
        Example("Forwarded: for=\"192.0.2.1:80\"", is: ["192.0.2.1 port 80"]),
        Example("Forwarded: for=\"192.0.2.1:_port\"", is: ["192.0.2.1"]),
        Example("Forwarded: for=\"192.0.2.1\"", is: ["192.0.2.1"]),
        Example("Forwarded: for=\"\\1\\9\\2.0.2.1\"", is: ["192.0.2.1"]),
        Example("Forwarded: for=\"[::ffff:192.0.2.1]\"", is: ["192.0.2.1"]),
        Example("Forwarded: for=_hidden, for=_SEVKISEK", is: ["hidden", "hidden"]),
        Example("Forwarded: for=\"_gazonk:80\"", is: ["hidden"]),
        Example("Forwarded: for=UNKNOWN", is: ["hidden"]),
        Example("Forwarded: for=\"unknown:_p\"", is: ["hidden"]),
        Example("Forwarded: proto=https;by=_me", is: ["hidden by https"]),
        Example("Forwarded: for=192.0.2.1;secret=\"a,b;c=\\\"d\"", is: ["192.0.2.1"]),
        Example("Forwarded: for=192.0.2.1;by=\"x,y\", for=192.0.2.2", is: ["192.0.2.2", "192.0.2.1"]),
        Example("Forwarded: for=192.0.2.1 ; proto=https\t,\t for=192.0.2.2;", is: ["192.0.2.2", "192.0.2.1 by https"]),
        Example("Forwarded: , for=192.0.2.1,, ,", is: ["192.0.2.1"]),
        Example("Forwarded: for=192.0.2.1;proto=gopher", is: ["192.0.2.1"]),
        Example("Forwarded", is: []),
    ])
    func `Forwarded is read as RFC 7239 has it`(_ example: Example) { #expect(hops(example.lines) == example.hops) }

    @Test(arguments: [
        "for", "for=", "=192.0.2.1", "for =192.0.2.1", "for= 192.0.2.1", "for=192.0.2.1;for=192.0.2.2",
        "for=192.0.2.1 x",
        "for=192.0.2.1 for=192.0.2.2", "for=\"192.0.2.1", "for=192.0.2.1\"", "for=\"192.0.2.1\\\"",
        "for=\"192.0.2.1\"x",
        "for=[2001:db8::1]", "for=192.0.2.1:80", "for=\"\"", "for=\"[192.0.2.1]\"", "for=\"[::1\"", "for=\"::1]\"",
        "for=\"[::1]80\"", "for=\"[::1]:\"", "for=\"[::1]:x\"", "for=\"192.0.2.1:\"", "for=\"192.0.2.1:65536\"",
        "for=\"192.0.2.1:123456\"", "for=\"192.0.2.1:-1\"", "for=\"192.0.2.1:_\"", "for=\"_\"", "for=_a@b",
        "for=example.com",
        "for=192.0.2.256", "for=\" 192.0.2.1\"", "{}", "for=192.0.2.1;;proto", "for=192.0.2.1/32", "för=192.0.2.1",
        "for=\"[_hidden]\"", "for=\"[unknown]\"", "for=\"[]\"",
    ])
    func `what RFC 7239 does not have is malformed`(_ element: String) {
        #expect(hops(["Forwarded: \(element)"]) == ["malformed"])
        // It says nothing of what stands to its right.
        #expect(hops(["Forwarded: \(element), for=192.0.2.9"]).first == "192.0.2.9")
        #expect(hops(["Forwarded: \(element)", "Forwarded: for=192.0.2.9"]) == ["192.0.2.9", "malformed"])
    }

    @Test(arguments: [
        Example("X-Forwarded-For: 192.0.2.1", is: ["192.0.2.1"]),
        Example("X-Forwarded-For: 192.0.2.1, 192.0.2.2,192.0.2.3", is: ["192.0.2.3", "192.0.2.2", "192.0.2.1"]),
        Example("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2", is: ["192.0.2.2", "192.0.2.1"]),
        Example(
            "X-Forwarded-For: 2001:db8::1, [2001:db8::2], [2001:db8::3]:80",
            is: ["2001:db8::3 port 80", "2001:db8::2", "2001:db8::1"]),
        Example("X-Forwarded-For: ::ffff:192.0.2.1", is: ["192.0.2.1"]),
        Example("X-Forwarded-For: 192.0.2.1:4711", is: ["192.0.2.1 port 4711"]),
        Example("X-Forwarded-For: unknown, _x", is: ["hidden", "hidden"]),
        Example("X-Forwarded-For: , 192.0.2.1 ,, ", is: ["192.0.2.1"]),
        Example("X-Forwarded-For: 192.0.2.1, \"192.0.2.2\", example.com", is: ["malformed", "malformed", "192.0.2.1"]),
        Example("X-Forwarded-For: 192.0.2.1 192.0.2.2", is: ["malformed"]),
        Example("X-Forwarded-For", is: []),
        Example("X-Forwarded-Proto: https", is: ["hidden by https"]),
        Example("X-Forwarded-Proto: http, https", is: ["hidden by https"]),
        Example("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: HTTPS", is: ["192.0.2.1 by https"]),
        Example("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: ftp", is: ["192.0.2.1"]),
        Example(
            "X-Forwarded-For: 192.0.2.1, 192.0.2.2", "X-Forwarded-Proto: https",
            is: ["192.0.2.2 by https", "192.0.2.1"]),
        Example(
            "X-Forwarded-For: 192.0.2.1, 192.0.2.2", "X-Forwarded-Proto: https, http",
            is: ["192.0.2.2 by http", "192.0.2.1 by https"]),
        Example("X-Forwarded-For: 192.0.2.2", "X-Forwarded-Proto: https, http", is: ["192.0.2.2 by http"]),
    ])
    func `the older headers are lists`(_ example: Example) { #expect(hops(example.lines) == example.hops) }

    @Test(arguments: [
        Example("Forwarded: for=192.0.2.9", "X-Forwarded-For: 192.0.2.1", is: ["192.0.2.1"]),
        Example("X-Forwarded-Proto: https", "Forwarded: for=192.0.2.9;proto=http", is: ["hidden by https"]),
        Example("X-Forwarded-For", "Forwarded: for=192.0.2.9", is: []),
        Example("X-Forwarded-Host: 192.0.2.1", "X-Real-IP: 192.0.2.1", "Forwarded: for=192.0.2.9", is: ["192.0.2.9"]),
    ])
    func `Forwarded counts only without the older headers`(_ example: Example) {
        #expect(hops(example.lines) == example.hops)
    }

    @Test func `random bytes are read to their end`() {
        var random = SplitMix64(seed: 3)
        let alphabet = Array("for=192.0.2.1,;\"\\ []:_unkowproths".utf8)
        var seen: Set<String> = []
        for _ in 0..<50_000 {
            let count = Int.random(in: 0...30, using: &random)
            let value = String(
                decoding: (0..<count).map { _ in alphabet.randomElement(using: &random)! }, as: UTF8.self)
            for name in ["Forwarded", "X-Forwarded-For"] {
                let hops = hops(["\(name): \(value)"])
                #expect(hops.count <= count)
                seen.formUnion(hops.prefix(1).map { String($0.prefix(6)) })
            }
        }
        #expect(seen.isSuperset(of: ["hidden", "malfor"]))
    }
}
