import TestKit

/// A response as it came over the wire, taken apart by hand.
struct ReceivedResponse {
    /// What came is no response.
    struct Malformed: Error { let text: String }

    let status: Int
    let statusLine: String
    /// In their order, names as they came.
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The only value of a header; nil when it is absent or doubled.
    subscript(_ name: String) -> String? {
        let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
        return values.count == 1 ? values[0] : nil
    }

    /// Header lines without the date, sorted.
    var fieldLines: [String] { headers.filter { $0.name != "Date" }.map { "\($0.name): \($0.value)" }.sorted() }

    /// Responses at the front of what came, as many as are whole, and what is left behind them.
    /// - Parameter isHead: the requests were HEAD, so that no body follows.
    static func parse(_ bytes: [UInt8], isHead: Bool = false) throws -> (responses: [ReceivedResponse], rest: [UInt8]) {
        var responses: [ReceivedResponse] = []
        var rest = bytes[...]
        while let head = try Self.head(&rest) {
            let hasNoBody = isHead || head.status < 200 || [204, 304].contains(head.status)
            guard let length = hasNoBody ? 0 : head["Content-Length"].flatMap({ Int($0) }) else {
                throw Malformed(text: "a body without a length: \(head.statusLine) \(head.fieldLines)")
            }
            let body = rest.dropFirst(head.body.count)
            guard body.count >= length else { break }
            rest = body.dropFirst(length)
            responses.append(
                ReceivedResponse(
                    status: head.status, statusLine: head.statusLine, headers: head.headers,
                    body: Array(body.prefix(length))))
        }
        return (responses, Array(rest))
    }

    /// The head at the front, with its own bytes as the body.
    private static func head(_ bytes: inout ArraySlice<UInt8>) throws -> ReceivedResponse? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= 4,
            let end = (bytes.startIndex...bytes.endIndex - 4).first(where: { bytes[$0..<$0 + 4].elementsEqual(mark) })
        else { return nil }
        let text = String(decoding: bytes[..<end], as: UTF8.self)
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
        let status = lines[0].split(separator: " ", maxSplits: 2)
        guard status.count >= 2, status[0] == "HTTP/1.1", let code = Int(status[1]) else { throw Malformed(text: text) }
        let headers = try lines.dropFirst().map { line in
            guard let colon = line.firstIndex(of: ":"), line[colon...].hasPrefix(": ") else {
                throw Malformed(text: text)
            }
            return (name: String(line[..<colon]), value: String(line[colon...].dropFirst(2)))
        }
        return ReceivedResponse(
            status: code, statusLine: lines[0], headers: headers, body: Array(bytes[..<(end + 4)]))
    }
}

extension TestClient {
    /// Waits for that many whole responses, and takes them; nothing may have come behind them.
    func responses(_ count: Int, isHead: Bool = false) async throws -> [ReceivedResponse] {
        while true {
            let bytes = self.bytes
            let (responses, rest) = try ReceivedResponse.parse(bytes, isHead: isHead)
            if responses.count >= count {
                guard responses.count == count, rest.isEmpty else { throw ReceivedResponse.Malformed(text: text) }
                _ = take()
                return responses
            }
            try await wait(forBytes: bytes.count + 1)
        }
    }

    func response(isHead: Bool = false) async throws -> ReceivedResponse { try await responses(1, isHead: isHead)[0] }

    /// Waits until the server has ended the connection; exactly one response must have come.
    func lastResponse(isHead: Bool = false) async throws -> ReceivedResponse {
        try await waitForEnd()
        let (responses, rest) = try ReceivedResponse.parse(bytes, isHead: isHead)
        guard responses.count == 1, rest.isEmpty else { throw ReceivedResponse.Malformed(text: text) }
        return responses[0]
    }
}
