import HTTPTypes
import TestKit
import Testing

@testable import HTTP

/// What files answer to GET and HEAD (RFC 9110, 13 to 15).
@Suite(.timeLimit(.minutes(5))) struct FileResponseTests {
    private let served: ServedFiles
    private static let changed = "Sun, 06 Nov 1994 08:49:37 GMT"

    init() throws {
        served = try ServedFiles([
            "digits.txt": "0123456789", "empty.txt": "", "large.txt": String(repeating: "0123456789", count: 20_000),
        ])
        for name in ["digits.txt", "empty.txt", "large.txt"] { try served.setModified(name, 784_111_777) }
    }

    private func answer(_ raw: String, _ headers: HTTPFields = [:], method: HTTPRequest.Method = .get) throws
        -> ServedFiles.Answer
    {
        try #require(try served.answer(raw, headers, method: method))
    }

    private func tag(_ raw: String = "/digits.txt") throws -> String {
        try #require(try answer(raw).headers[.eTag])
    }

    @Test func `the whole file is described`() throws {
        let answer = try answer("/digits.txt")
        #expect(answer.status == 200)
        #expect(answer.text == "0123456789")
        #expect(answer.length == 10)
        #expect(answer.headers[.lastModified] == Self.changed)
        #expect(answer.headers[.cacheControl] == "no-cache")
        #expect(answer.headers[.acceptRanges] == "bytes")
        #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
        #expect(answer.headers[.vary] == nil)
        #expect(EntityTag(try tag())?.isWeak == false)
    }

    @Test(arguments: ["/digits.txt", "/empty.txt", "/large.txt"])
    func `HEAD says what GET says`(_ raw: String) throws {
        let (get, head) = (try answer(raw), try answer(raw, method: .head))
        #expect(head.status == get.status)
        #expect(head.headers == get.headers)
        #expect(head.length == get.length)
    }

    @Test func `a file changed in the future was changed now`() throws {
        try served.setModified("digits.txt", 4_000_000_000)
        let file = try #require(try OpenFile(path: served.directory.path + "/digits.txt", beneath: nil))
        let response = FileResponse(file: file, method: .get, conditions: [:], headers: [:], now: 784_111_777)
            .response()
        #expect(response.headers[.lastModified] == Self.changed)
    }

    @Test func `a file changed before 1970 was changed then`() throws {
        try served.setModified("digits.txt", -1000)
        #expect(try answer("/digits.txt").headers[.lastModified] == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test func `a small file is closed before a slow client takes it`() throws {
        func openCount() throws -> Int {
            try OpenDescriptors.paths().filter { $0.hasPrefix(served.files.root) }.count
        }
        for (raw, count) in [("/digits.txt", 0), ("/large.txt", 1)] {
            let response = served.files.response(for: try RequestTarget(raw))
            #expect(try openCount() == count)
            #expect(response?.status == .ok)
            withExtendedLifetime(response) {}
        }
        #expect(try openCount() == 0)
    }

    // MARK: conditions

    @Test(arguments: [HTTPRequest.Method.get, .head])
    func `what has not changed is not sent again`(_ method: HTTPRequest.Method) throws {
        for headers in [[.ifNoneMatch: try tag()], [.ifModifiedSince: Self.changed]] as [HTTPFields] {
            let answer = try answer("/digits.txt", headers, method: method)
            #expect(answer.status == 304)
            #expect(answer.headers[.eTag] == (try tag()))
            #expect(answer.headers[.cacheControl] == "no-cache")
            #expect(answer.headers[.contentType] == nil)
            #expect(answer.headers[.lastModified] == nil)
            #expect(answer.length == nil)
            #expect(!answer.allowsBody)
        }
    }

    @Test func `what changed is sent`() throws {
        let old = try tag()
        try served.directory.write("changed", to: "digits.txt")
        let answer = try answer("/digits.txt", [.ifNoneMatch: old])
        #expect(answer.status == 200)
        #expect(answer.text == "changed")
        #expect(answer.headers[.eTag] != old)
    }

    @Test func `a condition that fails is 412, with what it is about gone from the head`() throws {
        for headers in [[.ifMatch: #""old""#], [.ifUnmodifiedSince: "Sun, 06 Nov 1994 08:49:36 GMT"]] as [HTTPFields] {
            let answer = try answer("/digits.txt", headers)
            #expect(answer.status == 412)
            #expect(answer.text.hasPrefix("412 Precondition Failed: "))
            #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
            #expect(answer.headers[.eTag] == nil && answer.headers[.lastModified] == nil)
        }
        #expect(try answer("/digits.txt", [.ifMatch: try tag()]).status == 200)
    }

    // MARK: ranges

    @Test(arguments: [
        ("bytes=0-3", "0123", "bytes 0-3/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=0-99", "0123456789", "bytes 0-9/10"), ("bytes=3-3,50-60", "3", "bytes 3-3/10"),
    ])
    func `a part is 206 with its place`(_ range: String, _ text: String, _ place: String) throws {
        let answer = try answer("/digits.txt", [.range: range])
        #expect(answer.status == 206)
        #expect(answer.text == text)
        #expect(answer.length == text.utf8.count)
        #expect(answer.headers[.contentRange] == place)
        #expect(answer.headers[.contentType] == "text/plain; charset=utf-8")
        #expect(answer.headers[.eTag] == (try tag()))
        #expect(answer.headers[.cacheControl] == "no-cache")
    }

    @Test func `a part of a large file is read in pieces`() throws {
        let answer = try answer("/large.txt", [.range: "bytes=5-150004"])
        #expect(answer.headers[.contentRange] == "bytes 5-150004/200000")
        #expect(answer.length == 150_000)
        #expect(answer.text == String(repeating: "5678901234", count: 15_000))
    }

    @Test func `several parts come in one body, each with its type and place`() throws {
        let answer = try answer("/digits.txt", [.range: "bytes=-1, 0-1,4-5"])
        #expect(answer.status == 206)
        #expect(answer.headers[.contentRange] == nil)
        let type = try #require(answer.headers[.contentType])
        #expect(type.hasPrefix("multipart/byteranges; boundary="))
        let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
        #expect((1...70).contains(boundary.count))
        var expected = ""
        for (text, place) in [("9", "9-9"), ("01", "0-1"), ("45", "4-5")] {
            expected += "--\(boundary)\r\nContent-Type: text/plain; charset=utf-8\r\n"
            expected += "Content-Range: bytes \(place)/10\r\n\r\n\(text)\r\n"
        }
        #expect(answer.text == expected + "--\(boundary)--\r\n")
        #expect(answer.length == answer.text.utf8.count)
        let again = try self.answer("/digits.txt", [.range: "bytes=-1, 0-1,4-5"])
        #expect(again.headers[.contentType] != type)
    }

    @Test(arguments: ["bytes=10-", "bytes=-0", "bytes=20-30,40-"])
    func `a part that is not there is 416 with the length`(_ range: String) throws {
        let answer = try answer("/digits.txt", [.range: range])
        #expect(answer.status == 416)
        #expect(answer.headers[.contentRange] == "bytes */10")
        #expect(answer.text.hasPrefix("416 "))
        #expect(answer.headers[.eTag] == nil)
    }

    @Test(arguments: ["bytes=5-2", "bytes=0-4,2-8", "lines=1-2", "bytes=x"])
    func `what is no range gets the whole`(_ range: String) throws {
        let answer = try answer("/digits.txt", [.range: range])
        #expect(answer.status == 200)
        #expect(answer.text == "0123456789")
    }

    @Test func `an empty file has no parts`() throws {
        for range in ["bytes=0-", "bytes=-1", "bytes=5-6"] {
            #expect(try answer("/empty.txt", [.range: range]).status == 200)
        }
    }

    @Test func `HEAD has no parts`() throws {
        let answer = try answer("/digits.txt", [.range: "bytes=0-1"], method: .head)
        #expect(answer.status == 200)
        #expect(answer.length == 10)
        #expect(try self.answer("/digits.txt", [.range: "bytes=90-"], method: .head).status == 200)
    }

    @Test func `a part is sent only of the state that the client has`() throws {
        for condition in [try tag(), Self.changed] {
            #expect(try answer("/digits.txt", [.range: "bytes=0-1", .ifRange: condition]).status == 206)
        }
        for condition in [#""old""#, "W/" + (try tag()), "Sun, 06 Nov 1994 08:49:36 GMT", "x"] {
            let answer = try answer("/digits.txt", [.range: "bytes=0-1", .ifRange: condition])
            #expect(answer.status == 200)
            #expect(answer.text == "0123456789")
        }
        #expect(try answer("/digits.txt", [.range: "bytes=90-", .ifRange: #""old""#]).status == 200)
    }

    @Test func `conditions go before parts`() throws {
        #expect(try answer("/digits.txt", [.range: "bytes=0-1", .ifNoneMatch: try tag()]).status == 304)
        #expect(try answer("/digits.txt", [.range: "bytes=0-1", .ifMatch: #""old""#]).status == 412)
        #expect(try answer("/digits.txt", [.range: "bytes=90-", .ifNoneMatch: try tag()]).status == 304)
    }

    /// Whatever is asked for, the length that is promised is that of the body, and what comes is of the file.
    @Test func `random requests get what the file holds`() throws {
        var random = SplitMix64(seed: 11)
        let tag = try tag()
        let ranges = ["bytes=", "0", "3", "9", "-", "-", ",", " ", "10", "99"]
        let tags = [tag, "W/" + tag, #""old""#, "*", ",", "x", Self.changed]
        var statuses: [Int: Int] = [:]
        for _ in 0..<3_000 {
            var headers = HTTPFields()
            let range = (0..<Int.random(in: 1...6, using: &random)).map { _ in ranges.randomElement(using: &random)! }
            headers[.range] = "bytes=" + range.joined()
            for name in [.ifMatch, .ifNoneMatch, .ifRange, .ifModifiedSince, .ifUnmodifiedSince] as [HTTPField.Name]
            where Int.random(in: 0..<5, using: &random) == 0 {
                headers[name] = tags.randomElement(using: &random)!
            }
            let answer = try answer("/digits.txt", headers)
            statuses[answer.status, default: 0] += 1
            if answer.allowsBody { #expect(answer.length == answer.text.utf8.count, "\(headers)") }
            switch answer.status {
            case 200: #expect(answer.text == "0123456789")
            case 206 where answer.headers[.contentRange] != nil:
                let place = try #require(answer.headers[.contentRange]?.wholeMatch(of: /bytes (\d+)-(\d+)\/10/))
                let (first, last) = (try #require(Int(place.1)), try #require(Int(place.2)))
                #expect(answer.text == (first...last).map(String.init).joined())
            case 206:
                let parts = answer.text.matches(of: /Content-Range: bytes (\d+)-(\d+)\/10\r\n\r\n(\d+)\r\n/)
                #expect(parts.count > 1)
                for part in parts {
                    let (first, last) = (try #require(Int(part.1)), try #require(Int(part.2)))
                    #expect(String(part.3) == (first...last).map(String.init).joined())
                }
            default: #expect([304, 412, 416].contains(answer.status))
            }
        }
        #expect(Set(statuses.keys) == [200, 206, 304, 412, 416], "\(statuses)")
    }

    @Test func `out of descriptors is 503, not 404`() {
        let response = FileResponse.exhausted([.eTag: "x", .vary: "Origin"])
        #expect(response.status.code == 503)
        #expect(response.headers[.retryAfter] == "1")
        #expect(response.headers[.vary] == "Origin")
        #expect(response.headers[.eTag] == nil)
    }
}
