import Foundation
import TestKit
import Testing

@testable import HTTP

@Suite struct EntityTagTests {
    @Test(arguments: [#""a""#, #""""#, #"W/"a""#, #""a,b""#, #""!#[]~""#, #"W/"""#, "\"\u{e9}\""])
    func `a tag reads as it is written`(_ text: String) {
        #expect(EntityTag(text)?.description == text)
    }

    @Test(arguments: [
        "", "a", #"""#, #""a"#, #"a""#, #"w/"a""#, #"W/a"#, #"W/ "a""#, #""a" "#, #" "a""#, #""a"b"#, #""a b""#,
        "\"a\tb\"", "\"\u{7f}\"", #""a", "b""#, "*", #"W"a""#, #"/"a""#,
    ])
    func `anything else is no tag`(_ text: String) { #expect(EntityTag(text) == nil) }

    @Test(arguments: [
        (#""a""#, [#""a""#]), (#""a", "b""#, [#""a""#, #""b""#]), (#""a","b""#, [#""a""#, #""b""#]),
        (#"W/"a" ,  "b""#, [#"W/"a""#, #""b""#]), (#", ,"a",,"b","#, [#""a""#, #""b""#]),
        (#""a,b", "c""#, [#""a,b""#, #""c""#]), ("", []), ("a", []), (#""a", b, "c""#, [#""a""#]), ("*", []),
    ])
    func `a list holds tags up to what is none`(_ text: String, _ tags: [String]) {
        #expect(EntityTag.list(text).map(\.description) == tags)
    }

    // RFC 9110, 8.8.3.2, has this very table.
    @Test(arguments: [
        (#"W/"1""#, #"W/"1""#, false, true), (#"W/"1""#, #"W/"2""#, false, false), (#"W/"1""#, #""1""#, false, true),
        (#""1""#, #""1""#, true, true), (#""1""#, #"W/"1""#, false, true), (#""1""#, #""2""#, false, false),
    ])
    func `comparison is strong or weak`(_ first: String, _ second: String, _ strong: Bool, _ weak: Bool) throws {
        let (first, second) = (try #require(EntityTag(first)), try #require(EntityTag(second)))
        #expect(first.stronglyMatches(second) == strong)
        #expect(first.weaklyMatches(second) == weak)
    }

    private func tag(_ path: String, _ coding: ContentCoding? = nil) throws -> EntityTag {
        EntityTag(of: try #require(try OpenFile(path: path, beneath: nil)), coding: coding)
    }

    @Test func `a file's tag is strong, stays, and parses`() throws {
        let directory = try TemporaryDirectory(["a": "one"])
        let tag = try tag(directory.path + "/a")
        #expect(!tag.isWeak)
        #expect(try self.tag(directory.path + "/a") == tag)
        #expect(EntityTag(tag.description) == tag)
    }

    @Test func `another length, time, file or coding is another tag`() throws {
        let directory = try TemporaryDirectory(["a": "one", "b": "one"])
        let path = directory.path + "/a"
        func setTime(_ seconds: Double, _ name: String = "a") throws {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: directory.path + "/" + name)
        }
        try setTime(1000)
        try setTime(1000, "b")
        var tags = [try tag(path), try tag(path, .gzip), try tag(path, .brotli), try tag(directory.path + "/b")]
        try setTime(1000.25)
        tags.append(try tag(path))
        try setTime(1001)
        tags.append(try tag(path))
        // In place, so that only its length is another.
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.write(contentsOf: Data("four".utf8))
        try handle.close()
        try setTime(1000)
        tags.append(try tag(path))
        #expect(Set(tags.map(\.description)).count == tags.count)
    }
}
