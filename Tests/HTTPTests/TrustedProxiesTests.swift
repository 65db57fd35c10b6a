import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import HTTP

/// Whom the server takes for the client.
@Suite struct TrustedProxiesTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let peer: String
        let lines: [String]
        let client: String
        init(_ peer: String, _ lines: String..., is client: String) {
            (self.peer, self.lines, self.client) = (peer, lines, client)
        }
        var testDescription: String { "\(peer): \(lines.joined(separator: " | "))" }
    }

    /// 10.0.0.0/8 and ::1 are proxies.
    private static let proxies = TrustedProxies(["10.0.0.0/8", "::1"].map { IPNetwork($0)! })

    private static func fields(_ lines: [String]) -> HTTPFields {
        var fields = HTTPFields()
        for line in lines {
            let parts = line.split(separator: ": ", maxSplits: 1)
            fields.append(HTTPField(name: HTTPField.Name(String(parts[0]))!, value: String(parts[1])))
        }
        return fields
    }

    private func client(_ peer: String, _ lines: [String], _ proxies: TrustedProxies = Self.proxies) throws -> String {
        let address = try SocketAddress(ipAddress: peer, port: 4000)
        let client = proxies.client(peer: address, headers: Self.fields(lines))
        return "\(client.scheme) \(client.address) \(client.port)"
    }

    @Test(arguments: [
        Example("192.0.2.1", is: "http 192.0.2.1 4000"),
        Example("192.0.2.1", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", is: "http 192.0.2.1 4000"),
        Example("192.0.2.1", "Forwarded: for=203.0.113.9;proto=https", is: "http 192.0.2.1 4000"),
        Example("192.0.2.1", "X-Forwarded-For: 10.0.0.1", is: "http 192.0.2.1 4000"),
        Example("11.0.0.1", "X-Forwarded-For: 203.0.113.9", is: "http 11.0.0.1 4000"),
        Example("::ffff:192.0.2.1", is: "http 192.0.2.1 4000"),
        Example("2001:db8::1", "X-Forwarded-For: ::1", is: "http 2001:db8::1 4000"),
    ])
    func `a peer that is no proxy is the client`(_ example: Example) throws {
        #expect(try client(example.peer, example.lines) == example.client)
    }

    @Test(arguments: [
        Example("10.0.0.1", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "X-Forwarded-For: 203.0.113.9", is: "http 203.0.113.9 0"),
        Example("::ffff:10.0.0.1", "X-Forwarded-For: 203.0.113.9", is: "http 203.0.113.9 0"),
        Example("::1", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", is: "https 203.0.113.9 0"),
        Example("::1", "Forwarded: for=\"[2001:db8::9]:1234\";proto=https", is: "https 2001:db8::9 1234"),
        Example("10.0.0.1", "X-Forwarded-For: 203.0.113.9:1234", is: "http 203.0.113.9 1234"),
        Example("10.0.0.1", "X-Forwarded-For: ::ffff:203.0.113.9", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "X-Forwarded-Proto: https", is: "https 10.0.0.1 4000"),
    ])
    func `a proxy says who the client is`(_ example: Example) throws {
        #expect(try client(example.peer, example.lines) == example.client)
    }

    @Test(arguments: [
        // From the right over proxies, to the first that is none.
        Example("10.0.0.1", "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.0.0.2, 10.0.0.3", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 203.0.113.9", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "X-Forwarded-For: 10.9.9.9, 203.0.113.9", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "X-Forwarded-For: 203.0.113.9, ::1, ::ffff:10.0.0.2", is: "http 203.0.113.9 0"),
        Example(
            "10.0.0.1", "Forwarded: for=1.1.1.1, for=203.0.113.9;proto=https, for=10.0.0.2;proto=http",
            is: "https 203.0.113.9 0"),
        // All are proxies: the farthest.
        Example("10.0.0.1", "X-Forwarded-For: 10.0.0.3, 10.0.0.2", is: "http 10.0.0.3 0"),
        // The scheme that the farthest told, where the nearer ones pass it on.
        Example(
            "10.0.0.1", "X-Forwarded-For: 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto: https", is: "https 203.0.113.9 0"),
        Example(
            "10.0.0.1", "X-Forwarded-For: 203.0.113.9, 10.0.0.2", "X-Forwarded-Proto: https, http",
            is: "https 203.0.113.9 0"),
        // What a client wrote itself stands further left.
        Example("10.0.0.1", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https, http", is: "http 203.0.113.9 0"),
    ])
    func `a chain of proxies is walked from the right`(_ example: Example) throws {
        #expect(try client(example.peer, example.lines) == example.client)
    }

    @Test(arguments: [
        Example("10.0.0.1", "X-Forwarded-For: nonsense", "X-Forwarded-Proto: https", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "X-Forwarded-For: nonsense, 10.0.0.2", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "X-Forwarded-For: 203.0.113.9, unknown", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "X-Forwarded-For: unknown", "X-Forwarded-Proto: https", is: "https 10.0.0.1 4000"),
        Example("10.0.0.1", "X-Forwarded-Proto: gopher", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "Forwarded: for=203.0.113.9, for=_hidden;proto=https", is: "https 10.0.0.1 4000"),
        Example("10.0.0.1", "Forwarded: for=203.0.113.9, by=10.0.0.1", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "Forwarded: for=\"203.0.113.9;proto=https", is: "http 10.0.0.1 4000"),
        Example("10.0.0.1", "Forwarded: for=203.0.113.9;proto=https;proto=https", is: "http 10.0.0.1 4000"),
        // But not because of what a client wrote.
        Example("10.0.0.1", "X-Forwarded-For: nonsense, 203.0.113.9", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "Forwarded: for=\"nonsense, for=203.0.113.9", is: "http 203.0.113.9 0"),
        Example("10.0.0.1", "Forwarded: for=\"nonsense\\, for=\"203.0.113.9\"", is: "http 203.0.113.9 0"),
    ])
    func `what a proxy does not say leaves the peer`(_ example: Example) throws {
        #expect(try client(example.peer, example.lines) == example.client)
    }

    @Test func `nobody is a proxy unless named, and a socket without an address is none`() throws {
        let lines = ["X-Forwarded-For: 203.0.113.9"]
        #expect(try client("127.0.0.1", lines, TrustedProxies()) == "http 127.0.0.1 4000")
        let all = TrustedProxies([IPNetwork("::/0")!])
        #expect(all.client(peer: nil, headers: Self.fields(lines)) == .init(address: "", port: 0, scheme: "http"))
        let path = try SocketAddress(unixDomainSocketPath: "/tmp/s")
        #expect(all.client(peer: path, headers: Self.fields(lines)).address == "")
    }

    // MARK: clients cannot choose

    private struct Liar {
        var random: SplitMix64
        private let pieces = [
            "for=", "10.0.0.7", "203.0.113.1", "\"", "\\", ",", ", ", ";", "[::1]", ":", "proto=https", "unknown", "_x",
            "x",
            "=", " ", "by=\"", "for=10.0.0.9", "é", "\t",
        ]

        init(seed: UInt64) { random = SplitMix64(seed: seed) }

        mutating func text() -> String {
            (0..<Int.random(in: 0...8, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
        }

        mutating func lines() -> [String] {
            let names = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"]
            return (0..<Int.random(in: 0...3, using: &random)).map { _ in
                "\(names.randomElement(using: &random)!): \(text())x"
            }
        }
    }

    @Test func `a client without a proxy is its own address, whatever it sends`() throws {
        var liar = Liar(seed: 1)
        for _ in 0..<5000 {
            let lines = liar.lines()
            #expect(try client("192.0.2.1", lines) == "http 192.0.2.1 4000", "\(lines)")
        }
    }

    /// One proxy or two, each appending to the line that has come or adding its own.
    @Test(arguments: ["X-Forwarded-For", "Forwarded"])
    func `a client behind proxies is its own address, whatever it sends`(header: String) throws {
        var liar = Liar(seed: 2)
        for _ in 0..<20_000 {
            let isOld = header == "X-Forwarded-For"
            // Who writes the new header must drop the old ones.
            var lines = liar.lines().filter { isOld || !$0.hasPrefix("X-Forwarded-") }
            lines.removeAll { $0.hasPrefix("X-Forwarded-Proto") }
            var heard = "203.0.113.9"
            for proxy in ["10.0.0.2", "10.0.0.1"].suffix(Int.random(in: 1...2, using: &liar.random)) {
                let word =
                    isOld ? heard : "for=\(Bool.random(using: &liar.random) ? heard : "\"\(heard):80\"");proto=http"
                if let last = lines.lastIndex(where: { $0.hasPrefix("\(header):") }), Bool.random(using: &liar.random) {
                    lines[last] += ", \(word)"
                } else {
                    lines.append("\(header): \(word)")
                }
                heard = proxy
            }
            let client = try client("10.0.0.1", lines)
            #expect(client == "http 203.0.113.9 0" || !isOld && client == "http 203.0.113.9 80", "\(lines)")
        }
    }
}
