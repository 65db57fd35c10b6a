import Foundation
import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// What a script's `set_file` comes to.
@Suite(.timeLimit(.minutes(5))) struct FileAnswerTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory(["a.txt": "0123456789", "a.txt.gz": "gzip"]) }

    private func answer(
        _ name: String = "a.txt", _ method: HTTPRequest.Method = .get, _ conditions: HTTPFields = [:],
        status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> ServedFiles.Answer {
        let request = Request(method: method, target: try RequestTarget("/route"), headers: conditions)
        let path = directory.path + "/" + name
        return try #require(
            ServedFiles.Answer(FileAnswer(path: path, to: request, status: status, headers: headers).response()))
    }

    @Test func `a file is described and sent`() throws {
        let answer = try answer()
        #expect(answer.status == 200)
        #expect(answer.text == "0123456789")
        #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
        #expect(answer.headers[.eTag] != nil && answer.headers[.lastModified] != nil)
        #expect(answer.headers[.cacheControl] == "no-cache")
    }

    @Test func `what the script says goes before what the file says`() throws {
        let headers: HTTPFields = [
            .contentType: "a/b", .eTag: #""mine""#, .lastModified: "Sun, 06 Nov 1994 08:49:37 GMT",
            .cacheControl: "max-age=60", .acceptRanges: "none", .setCookie: "a=b",
        ]
        #expect(try answer(headers: headers).headers == headers)
        #expect(try answer("a.txt", .get, [.ifNoneMatch: #""mine""#], headers: headers).status == 304)
        let since: HTTPFields = [.ifModifiedSince: "Sun, 06 Nov 1994 08:49:37 GMT"]
        #expect(try answer("a.txt", .get, since, headers: headers).status == 304)
        let range: HTTPFields = [.range: "bytes=0-1", .ifRange: #""mine""#]
        let part = try answer("a.txt", .get, range, headers: headers)
        #expect(part.status == 206)
        #expect(part.headers[.setCookie] == "a=b")
    }

    @Test func `a tag that is none matches nothing`() throws {
        let headers: HTTPFields = [.eTag: "mine"]
        #expect(try answer("a.txt", .get, [.ifNoneMatch: #""mine""#], headers: headers).status == 200)
        #expect(try answer("a.txt", .get, [.range: "bytes=0-1", .ifRange: "mine"], headers: headers).status == 200)
    }

    @Test func `not modified keeps the script's headers that are not about the bytes`() throws {
        let headers: HTTPFields = [.eTag: #""mine""#, .setCookie: "a=b", .contentLanguage: "en", .expires: "0"]
        let answer = try answer("a.txt", .get, [.ifNoneMatch: "*"], headers: headers)
        #expect(answer.status == 304)
        #expect(answer.headers == [.eTag: #""mine""#, .setCookie: "a=b", .expires: "0", .cacheControl: "no-cache"])
    }

    @Test(arguments: ["nothing", "", "../nothing", "a.txt/", "a.txt/b"])
    func `what is no file is 404, with the headers that were not about it`(_ name: String) throws {
        let headers: HTTPFields = [.setCookie: "a=b", .contentType: "a/b", .cacheControl: "max-age=60", .eTag: #""x""#]
        let answer = try answer(name, headers: headers)
        #expect(answer.status == 404)
        #expect(answer.text == "404 Not Found: nothing is at /route\n")
        #expect(answer.headers == [.contentType: "text/plain; charset=utf-8", .setCookie: "a=b"])
    }

    @Test func `a name is never cut at a NUL`() throws { #expect(try answer("a.txt\0.html").status == 404) }

    @Test func `a FIFO is no file and blocks nobody`() throws {
        #expect(mkfifo(directory.path + "/fifo", 0o600) == 0)
        #expect(try answer("fifo").status == 404)
    }

    @Test func `another status goes out with the whole file, whatever the conditions`() throws {
        let conditions: HTTPFields = [.range: "bytes=0-1", .ifNoneMatch: "*"]
        let answer = try answer("a.txt", .get, conditions, status: .notFound, headers: [.setCookie: "a=b"])
        #expect(answer.status == 404)
        #expect(answer.text == "0123456789")
        #expect(answer.headers == [.setCookie: "a=b", .contentType: "text/plain; charset=utf-8"])
    }

    @Test(arguments: [HTTPRequest.Method.post, .put, .delete, .patch])
    func `conditions are for GET and HEAD`(_ method: HTTPRequest.Method) throws {
        for conditions in [[.ifNoneMatch: "*"], [.ifMatch: #""x""#], [.range: "bytes=0-1"]] as [HTTPFields] {
            let answer = try answer("a.txt", method, conditions)
            #expect(answer.status == 200)
            #expect(answer.text == "0123456789")
        }
    }

    @Test func `HEAD says what GET says`() throws {
        let (get, head) = (try answer(), try answer("a.txt", .head))
        #expect(head.headers == get.headers)
        #expect(head.length == get.length)
        #expect(try answer("a.txt", .head, [.ifNoneMatch: "*"]).status == 304)
    }

    @Test func `this very file is sent, not what lies beside it`() throws {
        let answer = try answer("a.txt", .get, [.acceptEncoding: "gzip"])
        #expect(answer.text == "0123456789")
        #expect(answer.headers[.vary] == nil)
    }
}
