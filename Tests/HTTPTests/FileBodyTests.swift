import Foundation
import HTTPTypes
import NIOCore
import TestKit
import Testing

@testable import HTTP

@Suite struct FileBodyTests {
    private func file(_ text: String) throws -> (TemporaryDirectory, OpenFile) {
        let directory = try TemporaryDirectory(["a": text])
        return (directory, try #require(try OpenFile(path: directory.path + "/a", beneath: nil)))
    }

    private func text(_ body: FileBody) -> String? { Response(status: .ok, body: .file(body)).text }

    @Test func `the whole, a part, and parts with text between them`() throws {
        let (_, file) = try file("0123456789")
        #expect(text(FileBody(file)) == "0123456789")
        #expect(text(FileBody(file, [.range(3..<5)])) == "34")
        let body = FileBody(
            file, [.text(ByteBuffer(string: "<")), .range(8..<10), .text(ByteBuffer(string: "|")), .range(0..<1)])
        #expect(body.length == 5)
        #expect(text(body) == "<89|0")
    }

    @Test func `an empty file has an empty body`() throws {
        let (_, file) = try file("")
        #expect(FileBody(file).length == 0)
        #expect(text(FileBody(file)) == "")
    }

    @Test func `a large body comes in pieces, whatever its parts`() throws {
        let large = String((0..<300_000).map { "\($0)," }.joined().prefix(400_000))
        let (_, file) = try file(large)
        var random = SplitMix64(seed: 2)
        for _ in 0..<20 {
            var parts: [FileBody.Part] = []
            var expected = ""
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let start = Int.random(in: 0..<400_000, using: &random)
                let end = Int.random(in: start...400_000, using: &random)
                parts += [.text(ByteBuffer(string: "\(start)")), .range(start..<end)]
                expected +=
                    "\(start)"
                    + large.utf8.dropFirst(start).prefix(end - start).map {
                        String(Unicode.Scalar($0))
                    }.joined()
            }
            var body = FileBody(file, parts)
            #expect(body.length == expected.utf8.count)
            var bytes = ByteBuffer()
            while body.length > 0 {
                let (piece, rest) = try #require(body.nextPiece())
                #expect(piece.readableBytes > 0 && piece.readableBytes < 2 * FileBody.pieceSize)
                #expect(rest.length == body.length - piece.readableBytes)
                bytes.writeImmutableBuffer(piece)
                body = rest
            }
            #expect(bytes == ByteBuffer(string: expected))
        }
    }

    @Test func `a file that became too short gives no piece`() throws {
        let (directory, file) = try file(String(repeating: "x", count: 100_000))
        let body = FileBody(file)
        let handle = try #require(FileHandle(forWritingAtPath: directory.path + "/a"))
        try handle.truncate(atOffset: 70_000)
        try handle.close()
        let (piece, rest) = try #require(body.nextPiece())
        #expect(piece.readableBytes == FileBody.pieceSize)
        #expect(text(rest) == nil)
    }
}
