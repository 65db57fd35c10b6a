import NIOCore
import TestKit
import Testing

@testable import HTTP

@Suite(.timeLimit(.minutes(5))) struct OpenFileTests {
    private let tree: FileTree

    init() throws { tree = try FileTree() }

    private func open(_ name: String) throws -> OpenFile? {
        try OpenFile(path: tree.root + "/" + name, beneath: tree.root)
    }

    @Test func `its size and bytes are the file's`() throws {
        try tree.directory.write("0123456789", to: "public/digits")
        let file = try #require(try open("digits"))
        #expect(file.size == 10)
        #expect(file.read(at: 0, count: 100) == ByteBuffer(string: "0123456789"))
        #expect(file.read(at: 0, count: 4) == ByteBuffer(string: "0123"))
        #expect(file.read(at: 8, count: 4) == ByteBuffer(string: "89"))
        #expect(file.read(at: 10, count: 4) == nil)
        #expect(file.read(at: 11, count: 4) == nil)
    }

    @Test func `an empty file opens`() throws {
        let file = try #require(try open("empty.txt"))
        #expect(file.size == 0)
        #expect(file.read(at: 0, count: 1) == nil)
    }

    @Test(arguments: [
        "", "nothing", "sub", "fifo", "link-out", "link-absolute-out", "link-chain", "link-nowhere", "link-self",
        "../secret.txt",
        "link-twin/a.txt", "a.txt/",
    ])
    func `what is not a regular file beneath the root does not open`(_ name: String) throws {
        #expect(try open(name) == nil)
        #expect(try tree.openCount == 0)
    }

    @Test func `the root's name is compared byte by byte`() throws {
        // Both names are one and the same to Unicode.
        let directory = try TemporaryDirectory()
        try directory.write("inside", to: "caf\u{e9}/a")
        try directory.write("outside", to: "cafe\u{301}/a")
        let root = directory.path + "/caf\u{e9}"
        #expect(try OpenFile(path: root + "/a", beneath: root) != nil)
        #expect(try OpenFile(path: directory.path + "/cafe\u{301}/a", beneath: root) == nil)
        #expect(try OpenDirectory(path: root, beneath: root) != nil)
        #expect(try OpenDirectory(path: directory.path + "/cafe\u{301}", beneath: root) == nil)
    }

    @Test func `it closes when nobody holds it`() throws {
        var file = try open("a.txt")
        #expect(try tree.openCount == 1)
        #expect(file?.size == 1)
        file = nil
        #expect(try tree.openCount == 0)
    }

    @Test func `a name is never cut at a NUL`() throws {
        #expect(try open("a.txt\0") == nil)
        #expect(try OpenFile(path: tree.root + "/a.txt\0b", beneath: nil) == nil)
    }

    @Test func `without a root a file may lie anywhere, and must be one`() throws {
        #expect(try OpenFile(path: tree.root + "/../secret.txt", beneath: nil)?.size == 6)
        #expect(try OpenFile(path: tree.root + "/link-out", beneath: nil)?.size == 6)
        #expect(try OpenFile(path: tree.root + "/fifo", beneath: nil) == nil)
        #expect(try OpenFile(path: tree.root, beneath: nil) == nil)
    }

    @Test func `the whole file system may be the root`() throws {
        #expect(try OpenFile(path: "//etc/passwd", beneath: "/") != nil)
        #expect(try OpenDirectory(path: "/", beneath: "/") != nil)
    }
}
