import TestKit

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A public directory with all that a path may try to misuse, and things outside that it must not reach.
struct FileTree {
    let directory: TemporaryDirectory
    var root: String { directory.path + "/public" }

    init() throws {
        directory = try TemporaryDirectory([
            "secret.txt": "secret",
            "secret/index.html": "secret",
            "public-twin/a.txt": "secret",
            "public/index.html": "home",
            "public/a.txt": "a",
            "public/a b.txt": "space",
            "public/ü.txt": "umlaut",
            "public/100%.txt": "percent",
            "public/empty.txt": "",
            "public/.hidden": "secret",
            "public/.git/config": "secret",
            "public/sub/index.html": "sub",
            "public/sub/b.css": "b",
            "public/sub/.hidden": "secret",
            "public/sub/\u{301}b.txt": "mark",
            "public/bare/c.txt": "c",
            "public/odd/index.html/d.txt": "d",
        ])
        let links = [
            ("link-in", "a.txt"), ("link-absolute-in", root + "/a.txt"), ("link-dir-in", "sub"),
            ("link-out", "../secret.txt"), ("link-absolute-out", directory.path + "/secret.txt"),
            ("link-dir-out", "../secret"),
            ("link-twin", "../public-twin"), ("link-root", "/"), ("link-parent", ".."), ("link-nowhere", "nowhere"),
            ("link-self", "link-self"), ("link-chain", "link-out"), ("sub/link-up", "../a.txt"),
        ]
        for (name, destination) in links { try succeed(symlink(destination, root + "/" + name)) }
        try succeed(mkfifo(root + "/fifo", 0o600))
        try succeed(mkfifo(root + "/bare/index.fifo", 0o600))
    }

    /// A system call failed.
    struct Failure: Error { let code: CInt }

    /// How many files beneath it this process has open.
    var openCount: Int { get throws { try OpenDescriptors.paths().filter { $0.hasPrefix(directory.path) }.count } }
}

private func succeed(_ result: CInt) throws {
    guard result == 0 else { throw FileTree.Failure(code: errno) }
}
