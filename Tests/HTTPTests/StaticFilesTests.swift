import HTTPTypes
import TestKit
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(5))) struct StaticFilesTests {
    private let tree: FileTree
    private let files: StaticFiles

    init() throws {
        tree = try FileTree()
        files = try #require(StaticFiles(directory: tree.root))
    }

    /// "200 <content>", "301 <location>", "404", or "400" for what is no target at all.
    private func answer(_ raw: String) -> String {
        guard let target = try? RequestTarget(raw) else { return "400" }
        guard let response = files.response(for: target) else { return "404" }
        return "\(response.status.code) " + (response.headers[.location] ?? response.text ?? "")
    }

    @Test(arguments: [
        ("/", "200 home"), ("/index.html", "200 home"), ("/a.txt", "200 a"), ("/a.txt?x=1", "200 a"),
        ("/%61.txt", "200 a"),
        ("/a%20b.txt", "200 space"), ("/%C3%BC.txt", "200 umlaut"), ("/100%25.txt", "200 percent"),
        ("/empty.txt", "200 "),
        ("/sub/", "200 sub"), ("/sub/?x", "200 sub"), ("/sub/b.css", "200 b"), ("/sub/index.html", "200 sub"),
        ("/link-in", "200 a"), ("/link-absolute-in", "200 a"), ("/link-dir-in/b.css", "200 b"),
        ("/sub/link-up", "200 a"),
    ])
    func `what is in the directory is served`(_ raw: String, _ answer: String) { #expect(self.answer(raw) == answer) }

    @Test(arguments: [
        "/nothing", "/bare/", "/bare", "/a.txt/", "/a.txt/b", "/index.html/", "/sub/index.html/", "/odd/", "/odd",
        "/A.TXT", "/a.txt%20", "/a.txt.", "/%2561.txt", "/sub//b.css", "//a.txt", "//", "/sub//",
    ])
    func `what is not there is not served`(_ raw: String) { #expect(answer(raw) == "404") }

    @Test(arguments: [
        "/../secret.txt", "/..", "/../", "/sub/../../secret.txt", "/sub/../a.txt", "/./a.txt", "/.", "/a.txt/..",
        "/%2e%2e/secret.txt", "/%2E%2E/secret.txt", "/.%2e/secret.txt", "/%2e./secret.txt",
        "/sub/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt", "/..%2Fsecret.txt", "/%2e%2e%2fsecret.txt", "/sub%2f..%2f..%2fsecret.txt",
        "/x%2f..%2fa.txt",
        "/%252e%252e/secret.txt", "/%252e%252e%252fsecret.txt", "/..%252fsecret.txt", "/%25252e%25252e/secret.txt",
        "/..\\secret.txt", "/..%5csecret.txt", "/%5c..%5csecret.txt", "/sub\\b.css", "/sub%5cb.css", "/%5c",
        "/%2fetc/passwd", "//etc/passwd", "///etc/passwd", "/%2f%2fetc%2fpasswd", "/sub%2fb.css", "/sub/%2e/b.css",
        "/public/../../secret.txt", "/...", "/..../secret.txt", "/..;/secret.txt", "/..%3b/secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/%uff0e%uff0e/secret.txt", "/..%c0%afsecret.txt", "/..%ef%bc%8fsecret.txt", "/C:/secret.txt", "/~/secret.txt",
        "/~root/.profile", "/public-twin/a.txt", "/../public-twin/a.txt", "/..%0a/secret.txt", "/%0d%0a",
        "/sub%2F%CC%81b.txt", "/sub%5C%CC%81b.txt",
    ])
    func `no path leads out of the directory`(_ raw: String) { #expect(["404", "400"].contains(answer(raw))) }

    @Test func `a name may begin with a combining mark`() { #expect(answer("/sub/%CC%81b.txt") == "200 mark") }

    @Test(arguments: ["/a.txt%00", "/%00", "/a%00.txt", "/..%00/secret.txt", "/sub/%00/b.css", "/a.txt%00.html"])
    func `a NUL makes no target`(_ raw: String) { #expect(answer(raw) == "400") }

    @Test(arguments: [
        "/link-out", "/link-absolute-out", "/link-dir-out/", "/link-dir-out/index.html", "/link-dir-out",
        "/link-twin/a.txt",
        "/link-root/etc/passwd", "/link-root/", "/link-parent/secret.txt", "/link-parent/", "/link-nowhere",
        "/link-self",
        "/link-chain",
    ])
    func `no symlink leads out of the directory`(_ raw: String) { #expect(answer(raw) == "404") }

    @Test(arguments: ["/.hidden", "/.git/config", "/.git/", "/.git", "/sub/.hidden", "/%2ehidden", "/%2Egit/config"])
    func `hidden files stay hidden`(_ raw: String) { #expect(answer(raw) == "404") }

    @Test(arguments: ["/fifo", "/fifo/", "/bare/index.fifo"])
    func `a FIFO is not served and blocks nobody`(_ raw: String) { #expect(answer(raw) == "404") }

    @Test(arguments: [
        ("/sub", "301 /sub/"), ("/sub?x=1&y=%20", "301 /sub/?x=1&y=%20"), ("/%73ub", "301 /%73ub/"),
        ("/sub?", "301 /sub/"),
        ("/link-dir-in", "301 /link-dir-in/"), ("/sub?//evil", "301 /sub/?//evil"),
    ])
    func `a directory with an index is sent to its closing slash, with the query`(_ raw: String, _ answer: String) {
        #expect(self.answer(raw) == answer)
    }

    @Test(arguments: [
        "//sub", "//evil", "//evil.example/%2e%2e", "/%2f/sub", "//evil/../sub", "/\\evil/sub", "/%5cevil",
    ])
    func `a redirect never names another host`(_ raw: String) { #expect(answer(raw) == "404") }

    @Test func `the type comes from the name that was asked for`() throws {
        for (raw, type) in [("/", "text/html; charset=utf-8"), ("/sub/b.css", "text/css; charset=utf-8")] {
            #expect(files.response(for: try RequestTarget(raw))?.headers[.contentType] == type)
        }
    }

    @Test func `a directory that is not there, or a file, is none`() {
        #expect(StaticFiles(directory: tree.root + "/nothing") == nil)
        #expect(StaticFiles(directory: tree.root + "/a.txt") == nil)
        #expect(StaticFiles(directory: tree.root + "/fifo") == nil)
        #expect(StaticFiles(directory: "") == nil)
        #expect(StaticFiles(directory: tree.root + "\0") == nil)
    }

    @Test func `the directory itself may be a symlink`() throws {
        let linked = try #require(StaticFiles(directory: tree.root + "/link-dir-in"))
        #expect(linked.root.hasSuffix("/public/sub"))
        #expect(linked.response(for: try RequestTarget("/b.css")) != nil)
        #expect(linked.response(for: try RequestTarget("/link-up")) == nil)
    }

    @Test func `the whole file system may be served`() throws {
        let files = try #require(StaticFiles(directory: "/"))
        #expect(files.response(for: try RequestTarget("/etc/passwd"))?.status == .ok)
        #expect(files.response(for: try RequestTarget("/../etc/passwd")) == nil)
    }

    @Test func `no answer leaves a descriptor open`() throws {
        for raw in ["/", "/a.txt", "/sub", "/nothing", "/link-out", "/fifo", "/.hidden", "/bare/"] { _ = answer(raw) }
        #expect(try tree.openCount == 0)
    }
}
