import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import HTTP

/// Paths made by chance of what leads out of directories.
@Suite(.timeLimit(.minutes(5))) struct RandomPathTests {
    private static let pieces = [
        "..", ".", "%2e", "%2E%2e", "%252e", "%c0%ae", "/", "//", "%2f", "%252f", "%5c", "\\", "%00", "%", "%zz", "?",
        "#",
        ";", ":", "~", "\u{301}", "%CC%81", "a.txt", "a%20b.txt", "sub", "bare", "odd", "b.css", "c.txt", "index.html",
        "secret", "secret.txt", "public", "public-twin", "etc", "passwd", ".hidden", ".git", "config", "fifo",
        "link-in",
        "link-dir-in", "link-out", "link-dir-out", "link-parent", "link-root", "link-twin", "link-chain", "link-self",
    ]

    @Test(arguments: [false, true])
    func `no path leads out of the directory`(_ listsDirectories: Bool) throws {
        let tree = try FileTree()
        var files = try #require(StaticFiles(directory: tree.root))
        files.listsDirectories = listsDirectories
        var random = SplitMix64(seed: listsDirectories ? 21 : 22)
        var served = 0
        for _ in 0..<5_000 {
            let separator = Bool.random(using: &random) ? "/" : ""
            let names = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                Self.pieces.randomElement(using: &random)!
            }
            let raw = "/" + names.joined(separator: separator)
            let range: HTTPFields = Bool.random(using: &random) ? [:] : [.range: "bytes=0-", .acceptEncoding: "gzip"]
            guard let target = try? RequestTarget(raw), let response = files.response(for: target, headers: range)
            else {
                continue
            }
            served += 1
            let text = try #require(response.text)
            #expect(!text.contains("secret") && !text.contains("root:") && !text.contains(".hidden"), "\(raw)")
            switch response.status.code {
            case 200, 206: #expect(response.headers[.location] == nil)
            case 301:
                let location = try #require(response.headers[.location])
                #expect(location.hasPrefix("/") && !location.hasPrefix("//") && !location.hasPrefix("/\\"), "\(raw)")
            default: Issue.record("\(raw): \(response.status)")
            }
        }
        #expect(served > 200)
        #expect(try tree.openCount == 0)
    }
}
