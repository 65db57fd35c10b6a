import Testing

@testable import Client

@Suite struct HTTPURLTests {
    @Test(arguments: [
        ("http://a", false, "a", 80, "/", "a"), ("https://a", true, "a", 443, "/", "a"),
        ("HTTP://Example.ORG/Path", false, "example.org", 80, "/Path", "example.org"),
        ("http://a:8080/x?y=1#z", false, "a", 8080, "/x?y=1", "a:8080"), ("http://a?q", false, "a", 80, "/?q", "a"),
        ("http://a#f?g", false, "a", 80, "/", "a"), ("http://a:/", false, "a", 80, "/", "a"),
        ("https://a:443/", true, "a", 443, "/", "a"), ("http://a:443/", false, "a", 443, "/", "a:443"),
        ("http://[::1]/", false, "::1", 80, "/", "[::1]"), ("http://[::1]:81/", false, "::1", 81, "/", "[::1]:81"),
        ("http://1.2.3.4:5/", false, "1.2.3.4", 5, "/", "1.2.3.4:5"),
        ("http://a/b/../c/./d/", false, "a", 80, "/c/d/", "a"), ("http://a/../../b/..", false, "a", 80, "/", "a"),
        ("http://a/b c/é\"<>^`{|}", false, "a", 80, "/b%20c/%C3%A9%22%3C%3E%5E%60%7B%7C%7D", "a"),
        ("http://a/%20%zz?a=b+c&d='e'", false, "a", 80, "/%20%zz?a=b+c&d='e'", "a"),
        ("http://a//b", false, "a", 80, "//b", "a"), ("http://a/?x=/../y", false, "a", 80, "/?x=/../y", "a"),
    ])
    func `a URL is what a request needs of it`(
        text: String, isSecure: Bool, host: String, port: Int, target: String, authority: String
    ) throws {
        let url = try HTTPURL(text)
        #expect(url.isSecure == isSecure)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
        #expect(url.authority == authority)
        #expect(try HTTPURL(url.description) == url)
    }

    @Test(arguments: [
        ("", "must begin with http:// or https://"), ("a/b", "must begin with http:// or https://"),
        ("127.0.0.1:8080/", "must begin with http:// or https://"),
        ("localhost:8080/", "must begin with http:// or https://, not localhost:"),
        ("ftp://a/", "must begin with http:// or https://, not ftp:"), ("http:/a", "must begin with http://"),
        ("http:", "must begin with http://"), ("http://", "has no host"), ("http:///x", "has no host"),
        ("http://:80/", "has no host"), ("http://a:0/", "must have a port from 1 to 65535"),
        ("http://a:65536/", "must have a port from 1 to 65535"), ("http://a:x/", "must have a port from 1 to 65535"),
        ("http://a:+1/", "must have a port from 1 to 65535"), ("http://[::1]x/", "must have a port from 1 to 65535"),
        ("http://a:99999999999999999999/", "must have a port from 1 to 65535"),
        ("http://[::1/", "has a '[' without its ']'"), ("http://[]/", "must have an IPv6 address in its brackets"),
        ("http://[a.b]/", "must have an IPv6 address in its brackets"),
        ("http://u:p@a/", "must not hold a user name or password; send an Authorization field instead"),
        ("http://ä/", "must have a host of ASCII letters, digits, '-' and '.'"),
        ("http://a b/", "must have a host of ASCII letters, digits, '-' and '.'"),
        ("http://a\\b/", "must have a host of ASCII letters, digits, '-' and '.'"),
        ("http://a/\r\nX: y", "holds a control character"), ("http://a/\0", "holds a control character"),
        ("http://a/\u{7F}", "holds a control character"),
    ])
    func `what is none says why`(text: String, reason: String) {
        #expect(throws: HTTPURL.Invalid(reason: reason)) { try HTTPURL(text) }
    }

    /// The examples of RFC 3986, sections 5.4.1 and 5.4.2, as far as they are http.
    @Test(arguments: [
        ("g", "/b/c/g"), ("./g", "/b/c/g"), ("g/", "/b/c/g/"), ("/g", "/g"), ("?y", "/b/c/d;p?y"), ("g?y", "/b/c/g?y"),
        ("#s", "/b/c/d;p?q"), ("g#s", "/b/c/g"), ("g?y#s", "/b/c/g?y"), (";x", "/b/c/;x"), ("g;x", "/b/c/g;x"),
        ("g;x?y#s", "/b/c/g;x?y"), ("", "/b/c/d;p?q"), (".", "/b/c/"), ("./", "/b/c/"), ("..", "/b/"), ("../", "/b/"),
        ("../g", "/b/g"), ("../..", "/"), ("../../", "/"), ("../../g", "/g"), ("../../../g", "/g"),
        ("../../../../g", "/g"), ("/./g", "/g"), ("/../g", "/g"), ("g.", "/b/c/g."), (".g", "/b/c/.g"),
        ("g..", "/b/c/g.."), ("..g", "/b/c/..g"), ("./../g", "/b/g"), ("./g/.", "/b/c/g/"), ("g/./h", "/b/c/g/h"),
        ("g/../h", "/b/c/h"), ("g;x=1/./y", "/b/c/g;x=1/y"), ("g;x=1/../y", "/b/c/y"), ("g?y/./x", "/b/c/g?y/./x"),
        ("g?y/../x", "/b/c/g?y/../x"), ("g#s/../x", "/b/c/g"),
    ])
    func `a reference is resolved as RFC 3986 does`(reference: String, target: String) throws {
        let base = try HTTPURL("http://a/b/c/d;p?q")
        #expect(try base.resolving(reference) == HTTPURL("http://a" + target))
    }

    @Test(arguments: [
        ("//b:8/c", "https://b:8/c"), ("http://b/c", "http://b/c"), ("HTTPS://b", "https://b/"),
    ])
    func `a reference may lead to another server`(reference: String, place: String) throws {
        let base = try HTTPURL("https://a/x")
        let url = try base.resolving(reference)
        #expect(url.description == place)
        #expect(!url.hasSameOrigin(as: base))
        #expect(try base.resolving("/y").hasSameOrigin(as: base))
    }

    @Test(arguments: ["ftp://b/", "http://", "//", "x\ny", "http://u@b/"])
    func `a reference to what is no URL is refused`(reference: String) throws {
        let base = try HTTPURL("https://a/x")
        #expect(throws: HTTPURL.Invalid.self) { try base.resolving(reference) }
    }
}
