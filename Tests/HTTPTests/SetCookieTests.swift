import TestKit
import Testing

@testable import HTTP

@Suite struct SetCookieTests {
    private func line(_ name: String = "a", _ value: String = "b", _ change: (inout SetCookie) -> Void = { _ in })
        -> Result<String, SetCookie.Invalid>
    {
        var cookie = SetCookie(name: name, value: value)
        change(&cookie)
        return Result { () throws(SetCookie.Invalid) in try cookie.line() }
    }

    @Test func `without options a cookie is for the whole host and this session`() {
        #expect(line() == .success("a=b; Path=/"))
    }

    @Test func `all options are written in the order of the grammar`() {
        let found = line("id", "x") { cookie in
            cookie.path = "/a%20b"
            cookie.domain = "example.com"
            cookie.maxAge = 60
            cookie.expires = .second(784_111_777)
            cookie.isSecure = true
            cookie.isHTTPOnly = true
            cookie.sameSite = .strict
        }
        #expect(
            found
                == .success(
                    "id=x; Path=/a%20b; Domain=example.com; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT; Secure; "
                        + "HttpOnly; SameSite=Strict"))
    }

    @Test func `a cookie of age 0 is one of the past, which the grammar can say`() {
        #expect(line { $0.maxAge = 0 } == .success("a=b; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))
        let both = line { cookie in
            cookie.maxAge = 0
            cookie.expires = .second(4_000_000_000)
        }
        #expect(both == .success("a=b; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"))
        #expect(line { $0.maxAge = -1 } == .failure(.maxAge))
    }

    @Test(arguments: ["a", "A-1", "__x", "!#$%&'*+-.^_`|~", "session_id"])
    func `a name is a token`(name: String) { #expect(line(name) == .success("\(name)=b; Path=/")) }

    @Test(arguments: [
        "", " ", "a b", "a=b", "a;b", "a,b", "a\"", "a\r\nX: y", "a\0", "é", "a\u{7F}", "(a)", "a/b", "[a]",
    ])
    func `another name is refused`(name: String) { #expect(line(name) == .failure(.name)) }

    @Test(arguments: ["", "b", "\"b\"", "\"\"", "a=b==", "!#$%&'()*+-./:<=>?@[]^_`{|}~", "%C3%A9"])
    func `a value is cookie-octets, perhaps in quotes`(value: String) {
        #expect(line("a", value) == .success("a=\(value); Path=/"))
    }

    @Test(arguments: [
        " ", "a b", "a;b", "a,b", "a\\b", "\"", "\"a", "a\"", "\"a\"b\"", "a\r\nSet-Cookie: x=y", "a\0", "é", "\u{7F}",
        "\t",
    ])
    func `another value is refused`(value: String) { #expect(line("a", value) == .failure(.value)) }

    @Test func `name and value together may be 4096 bytes`() {
        let longest = String(repeating: "x", count: 4095)
        #expect(line("a", longest) == .success("a=\(longest); Path=/"))
        #expect(line("ab", longest) == .failure(.tooLong(4097)))
    }

    @Test(arguments: ["/", "/a", "/a/b?c=d&e", "/%20", "/" + String(repeating: "x", count: 1023)])
    func `a path begins with a slash`(path: String) {
        #expect(line { $0.path = path } == .success("a=b; Path=\(path)"))
    }

    @Test(arguments: [
        "", "a", "a/", " /", "/;Domain=x", "/\r\n", "/\0", "/é", "/a b", "/" + String(repeating: "x", count: 1024),
    ])
    func `another path is refused`(path: String) { #expect(line { $0.path = path } == .failure(.path)) }

    @Test(arguments: [
        "example.com", "localhost", "a.b.c", "x-1.example", "127.0.0.1", "xn--nxasmq6b.example", "1.example",
        String(repeating: "x", count: 63) + ".example",
    ])
    func `a domain is a host name`(domain: String) {
        #expect(line { $0.domain = domain } == .success("a=b; Path=/; Domain=\(domain)"))
    }

    @Test(arguments: [
        "", ".", ".example.com", "example.com.", "a..b", "-a.b", "a-.b", "a b", "a_b", "a;b", "a\r\n", "é.example",
        "https://a", "a:80", "[::1]", "*.example.com", String(repeating: "x", count: 64),
        String(repeating: "x.", count: 130) + "x",
    ])
    func `another domain is refused`(domain: String) { #expect(line { $0.domain = domain } == .failure(.domain)) }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (-11_644_473_600, "Mon, 01 Jan 1601 00:00:00 GMT"),
    ])
    func `an expiry is a second or the date that it is`(second: Int, date: String) {
        #expect(line { $0.expires = .second(second) } == .success("a=b; Path=/; Expires=\(date)"))
        #expect(line { $0.expires = .date(date) } == .success("a=b; Path=/; Expires=\(date)"))
    }

    @Test(arguments: [253_402_300_800, -11_644_473_601, .max, .min])
    func `a second of a year without four digits is refused`(second: Int) {
        #expect(line { $0.expires = .second(second) } == .failure(.expires))
    }

    @Test(arguments: [SetCookie.SameSite.strict, .lax, .none])
    func `SameSite is written, and None only with Secure`(site: SetCookie.SameSite) {
        let secure = line { cookie in
            cookie.sameSite = site
            cookie.isSecure = true
        }
        #expect(secure == .success("a=b; Path=/; Secure; SameSite=\(site.rawValue)"))
        let open = line { $0.sameSite = site }
        #expect(
            open
                == (site == .none
                    ? .failure(.crossSiteWithoutSecure) : .success("a=b; Path=/; SameSite=\(site.rawValue)")))
    }

    @Test(arguments: ["__Secure-a", "__secure-a", "__SECURE-"])
    func `the prefix __Secure- wants Secure`(name: String) {
        #expect(line(name) == .failure(.prefixWithoutSecure))
        #expect(line(name) { $0.isSecure = true } == .success("\(name)=b; Path=/; Secure"))
    }

    @Test(arguments: ["__Host-a", "__host-a"])
    func `the prefix __Host- wants Secure, the path / and no domain`(name: String) {
        #expect(line(name) == .failure(.prefixOfHost))
        #expect(line(name) { $0.isSecure = true } == .success("\(name)=b; Path=/; Secure"))
        let elsewhere = line(name) { cookie in
            cookie.isSecure = true
            cookie.path = "/a"
        }
        #expect(elsewhere == .failure(.prefixOfHost))
        let wider = line(name) { cookie in
            cookie.isSecure = true
            cookie.domain = "example.com"
        }
        #expect(wider == .failure(.prefixOfHost))
    }

    @Test(arguments: 1...20)
    func `no random text forges an attribute or a header`(seed: Int) {
        var dice = SplitMix64(seed: UInt64(seed))
        func draw() -> String {
            String(
                (0..<Int.random(in: 0...6, using: &dice)).map { _ in
                    "ab/-.;=, \r\n\"\u{0}é".randomElement(using: &dice)!
                })
        }
        for _ in 0..<300 {
            let (name, value, path, domain) = (draw(), draw(), "/" + draw(), draw())
            let found = line(name, value) { cookie in
                cookie.path = path
                cookie.domain = domain
            }
            guard case .success(let text) = found else { continue }
            #expect(text.split(separator: "; ", omittingEmptySubsequences: false).count == 3)
            #expect(text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
            #expect(text == "\(name)=\(value); Path=\(path); Domain=\(domain)")
        }
    }
}
