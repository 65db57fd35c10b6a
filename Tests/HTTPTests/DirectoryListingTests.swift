import Foundation
import HTTPTypes
import TestKit
import Testing

@testable import HTTP

#if canImport(Glibc)
    import Glibc
#endif

@Suite(.timeLimit(.minutes(5))) struct DirectoryListingTests {
    private var served: ServedFiles

    init() throws {
        served = try ServedFiles([
            "index.html": "home", "dir/b.txt": "bb", "dir/a b.txt": "space", "dir/ü.txt": "umlaut", "dir/100%.txt": "%",
            "dir/<b>&\"'.txt": "markup", "dir/javascript:alert(1)": "script", "dir/new\nline": "line", "dir/a?b#c": "?",
            "dir/</title><script>": "markup", "dir/<\u{301}i>": "mark", "dir/B.txt": "upper", "dir/back\\slash": "no",
            "dir/.hidden": "no", "dir/.git/config": "no", "dir/sub/c.txt": "c", "dir/page/index.html": "page",
            "outer/secret": "no", "dir/z/.hidden": "no",
        ])
        served.files.listsDirectories = true
    }

    /// The names that a page links to, but for the way up, decoded.
    private func names(_ raw: String) throws -> [String] {
        let answer = try #require(try served.answer(raw))
        #expect(answer.status == 200)
        return try answer.text.matches(of: /href="\.\/([^"]*)"/).map { try #require(PercentEncoding.decode($0.1)) }
    }

    @Test func `a directory is listed in byte order, without what is hidden`() throws {
        #expect(
            try names("/dir/") == [
                "100%.txt", "</title><script>".replacing("/title><script>", with: "/"), "<b>&\"'.txt", "<\u{301}i>",
                "B.txt", "a b.txt", "a?b#c", "b.txt", "javascript:alert(1)", "new\nline", "page/", "sub/", "z/",
                "ü.txt",
            ])
        #expect(try names("/dir/sub/") == ["c.txt"])
        #expect(try names("/dir/z/") == [])
    }

    @Test func `every link leads to what it names`() throws {
        let page = try #require(try served.answer("/dir/")).text
        for link in page.matches(of: /href="\.\/([^"]*)"/) {
            #expect(try served.answer("/dir/" + link.1)?.status == 200, "\(link.1)")
        }
    }

    @Test func `names are text, whatever they hold`() throws {
        let page = try #require(try served.answer("/dir/")).text
        #expect(page.contains("&lt;b&gt;&amp;&quot;&#39;.txt</a>"))
        #expect(!page.contains("<b>") && !page.contains("<\u{301}i>") && !page.contains("<script>"))
        let title = try #require(try served.answer("/dir/%3C/")).text
        #expect(title.contains("<title>Index of /dir/&lt;/</title>"))
    }

    @Test func `the page is HTML that is asked for again`() throws {
        let answer = try #require(try served.answer("/dir/"))
        #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
        #expect(answer.headers[.cacheControl] == "no-cache")
        #expect(answer.length == answer.text.utf8.count)
        let head = try #require(try served.answer("/dir/", method: .head))
        #expect(head.headers == answer.headers)
        #expect(head.length == answer.length)
    }

    @Test func `sizes and times are shown`() throws {
        try served.setModified("dir/sub/c.txt", 784_111_777)
        let page = try #require(try served.answer("/dir/sub/")).text
        #expect(page.contains("c.txt</a><td>1<td>Sun, 06 Nov 1994 08:49:37 GMT\n"))
    }

    @Test func `the way up is shown everywhere but at the root`() throws {
        #expect(try #require(try served.answer("/dir/")).text.contains("href=\"../\""))
        try FileManager.default.removeItem(atPath: served.directory.path + "/index.html")
        #expect(!(try #require(try served.answer("/")).text.contains("href=\"../\"")))
    }

    @Test func `an index page goes before the list`() throws {
        #expect(try served.answer("/")?.text == "home")
        #expect(try served.answer("/dir/page/")?.text == "page")
    }

    @Test func `a directory is sent to its closing slash`() throws {
        let answer = try #require(try served.answer("/dir?x=1"))
        #expect(answer.status == 301)
        #expect(answer.headers[.location] == "/dir/?x=1")
        #expect(try served.answer("/dir/sub/c.txt/") == nil)
        #expect(try served.answer("/nothing") == nil)
        #expect(try served.answer("/nothing/") == nil)
    }

    @Test(arguments: [
        "/dir/.git/", "/dir/.git", "/dir//", "//dir/", "/dir/../", "/dir/%2e%2e/", "/dir/sub%2f", "/dir%00/",
    ])
    func `no list of what is hidden or outside`(_ raw: String) throws {
        guard let target = try? RequestTarget(raw) else { return }
        #expect(served.files.response(for: target) == nil)
    }

    @Test func `without the switch there is no list`() throws {
        var quiet = served
        quiet.files.listsDirectories = false
        #expect(try quiet.answer("/dir/") == nil)
        #expect(try quiet.answer("/dir") == nil)
    }

    @Test func `what would not be served is not listed`() throws {
        let outside = try TemporaryDirectory(["secret": "no"])
        let dir = served.directory.path + "/dir/sub"
        for (name, destination) in [
            ("out", outside.path + "/secret"), ("out-dir", outside.path), ("out-up", "../../../"), ("nowhere", "no"),
            ("self", "self"), ("in", "c.txt"), ("in-dir", "../page"), ("in-root", "../.."),
        ] {
            try FileManager.default.createSymbolicLink(atPath: dir + "/" + name, withDestinationPath: destination)
        }
        #expect(mkfifo(dir + "/fifo", 0o600) == 0)
        let bytes = Array((dir + "/bad").utf8).map { CChar(bitPattern: $0) } + [CChar(bitPattern: 0xFF), 0]
        close(creat(bytes, 0o600))
        #expect(try names("/dir/sub/") == ["c.txt", "in", "in-dir/", "in-root/"])
        for raw in ["/dir/sub/out-dir/", "/dir/sub/out-dir", "/dir/sub/out-up/", "/dir/sub/fifo/"] {
            #expect(try served.answer(raw) == nil)
        }
        #expect(try served.answer("/dir/sub/in-root/")?.text == "home")
    }

    @Test func `a list has an end, and says so`() throws {
        let path = served.directory.path + "/dir"
        let directory = try #require(try OpenDirectory(path: path, beneath: served.files.root))
        let page = try #require(DirectoryListing(directory: directory, path: "/dir/", maxEntries: 3).response().text)
        #expect(page.matches(of: /href="\.\//).count == 3)
        #expect(page.contains("There is more"))
        let all = try #require(DirectoryListing(directory: directory, path: "/dir/").response().text)
        #expect(!all.contains("There is more"))
    }

    @Test func `no list leaves a descriptor open`() throws {
        let before = try OpenDescriptors.paths().filter { $0.hasPrefix(served.files.root) }.count
        for raw in ["/dir/", "/dir", "/dir/.git/", "/nothing/", "/dir/b.txt/"] { _ = try served.answer(raw) }
        #expect(try OpenDescriptors.paths().filter { $0.hasPrefix(served.files.root) }.count == before)
    }
}
