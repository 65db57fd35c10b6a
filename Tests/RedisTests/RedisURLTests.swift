import Redis
import Testing

@Suite struct RedisURLTests {
    @Test(
        arguments: [
            ("redis://localhost", "localhost", 6379, nil, nil, 0),
            ("REDIS://Example.COM:7000/", "example.com", 7000, nil, nil, 0),
            ("redis://127.0.0.1:1/15", "127.0.0.1", 1, nil, nil, 15),
            ("redis://[::1]:65535/3", "::1", 65535, nil, nil, 3),
            ("redis://[fe80::1]", "fe80::1", 6379, nil, nil, 0),
            ("redis://redis_main:/2", "redis_main", 6379, nil, nil, 2),
            ("redis://:secret@h", "h", 6379, nil, "secret", 0),
            ("redis://ann:secret@h", "h", 6379, "ann", "secret", 0),
            ("redis://ann:@h", "h", 6379, "ann", "", 0),
            ("redis://:@h", "h", 6379, nil, nil, 0),
            ("redis://ann:a:b@c@h", "h", 6379, "ann", "a:b@c", 0),
            ("redis://a%3Ab:%2F%3f%23%40%25%C3%A9@h", "h", 6379, "a:b", "/?#@%é", 0),
        ] as [(String, String, Int, String?, String?, Int)])
    func `its parts are read`(
        _ text: String, _ host: String, _ port: Int, _ user: String?, _ password: String?, _ database: Int
    ) throws {
        let url = try RedisURL(text)
        #expect(!url.isSecure)
        #expect(url.host == host && url.port == port)
        #expect(url.user == user && url.password == password)
        #expect(url.database == database)
        #expect(url.trust == .system)
    }

    @Test(arguments: [
        ("rediss://h", RedisTrust.system), ("Rediss://h/1?ca=/etc/ca%20file.pem", .file("/etc/ca file.pem")),
        ("rediss://h?verify=none", .anyone), ("rediss://h:1/?verify=none", .anyone),
    ])
    func `over TLS it says whom to trust`(_ text: String, _ trust: RedisTrust) throws {
        let url = try RedisURL(text)
        #expect(url.isSecure)
        #expect(url.host == "h")
        #expect(url.trust == trust)
    }

    @Test(arguments: [
        ("", "must begin with redis:// or rediss://"), ("localhost:6379", "must begin with redis:// or rediss://"),
        ("http://h", "must begin with redis:// or rediss://"), ("redis:h", "must begin with redis:// or rediss://"),
        ("redis://", "has no host"), ("redis://:6379", "has no host"), ("redis:///1", "has no host"),
        ("redis://ann:secret@", "has no host"), ("redis://h:0", "must have a port from 1 to 65535"),
        ("redis://h:65536", "must have a port from 1 to 65535"), ("redis://h:x", "must have a port from 1 to 65535"),
        ("redis://h:+1", "must have a port from 1 to 65535"), ("redis://[::1]6379", "must have a port from 1 to 65535"),
        ("redis://h/x", "must have a number for a database behind its '/'"),
        ("redis://h/-1", "must have a number for a database behind its '/'"),
        ("redis://h/1/", "must have a number for a database behind its '/'"),
        ("redis://h/99999999999999999999", "must have a number for a database behind its '/'"),
        ("redis://[::1", "has a '[' without its ']'"), ("redis://[h]", "must have an IPv6 address in its brackets"),
        ("redis://h_\u{E9}", "must have a host of ASCII letters, digits, '-', '_' and '.'"),
        ("redis://h h", "holds a space or a control character"),
        ("redis://h\n", "holds a space or a control character"),
        ("redis://h#x", "has a fragment ('#'), which means nothing here"),
        ("redis://h?ca=x", "has a query, which only rediss:// may have"),
        ("rediss://h?verify=all", "has a query that is neither ca=FILE nor verify=none"),
        ("rediss://h?ca=", "has a query that is neither ca=FILE nor verify=none"),
        ("rediss://h?ca=x&verify=none", "must have only one of ca=FILE and verify=none"),
        ("redis://secret@h", "has a user without a password (expected user:password@ or :password@)"),
        (
            "redis://:secret%@h",
            "must have two hexadecimal digits behind each '%' of its password ('%' itself is %25)"
        ),
        (
            "redis://s%zz:secret@h",
            "must have two hexadecimal digits behind each '%' of its user ('%' itself is %25)"
        ),
        ("redis://:secret%FF@h", "must have a password in UTF-8"),
        ("redis://:secret%00@h", "must have a password in UTF-8"),
        ("redis://:secret/x@h", "has a '/', '?' or '#' before its '@': in a password they are %2F, %3F and %23"),
        ("redis://:?secret@h", "has a '/', '?' or '#' before its '@': in a password they are %2F, %3F and %23"),
        ("rediss://h?secret", "has a query that is neither ca=FILE nor verify=none"),
    ])
    func `what is wrong with a text is said, without its password`(_ text: String, _ reason: String) {
        let error = #expect(throws: RedisURL.Invalid.self) { try RedisURL(text) }
        #expect(error?.reason == reason)
        #expect(!"\(error as Any)".contains("secret"))
    }

    @Test func `its description masks the password`() throws {
        for (text, description) in [
            ("redis://ann:secret@h:7000/2", "redis://ann:***@h:7000/2"),
            ("rediss://:secret@[::1]", "rediss://:***@[::1]:6379"),
            ("redis://h/0", "redis://h:6379"),
        ] {
            let url = try RedisURL(text)
            #expect("\(url)" == description)
            #expect(!String(reflecting: url).contains("secret"))
        }
    }
}
