import HTTPTypes
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a file answers to GET or HEAD: the whole, a part, or that nothing has changed (RFC 9110, 13 to 15).
struct FileResponse {
    let file: OpenFile
    /// What the file's bytes are coded in.
    var coding: ContentCoding?
    let method: HTTPRequest.Method
    /// The request's.
    let conditions: HTTPFields
    /// What is said already: the type, and what a script has set. That is never overwritten.
    let headers: HTTPFields
    var now = time(nil)

    /// Blocks on the disk.
    func response() -> Response {
        var headers = headers
        // A file changed in the future was changed now (RFC 9110, 8.8.2.1).
        let lastModified = min(max(0, file.modified.seconds), now)
        add(EntityTag(of: file, coding: coding).description, as: .eTag, to: &headers)
        add(HTTPDate.string(lastModified), as: .lastModified, to: &headers)
        add("no-cache", as: .cacheControl, to: &headers)
        if let coding { headers[.contentEncoding] = coding.name }
        let preconditions = Preconditions(
            headers: conditions, tag: headers[.eTag].flatMap { EntityTag($0) },
            lastModified: headers[.lastModified].flatMap { HTTPDate.seconds($0, now: now) }, now: now)
        switch preconditions.outcome {
        case .failed: return Self.error(.preconditionFailed, "the file is not in the state that was asked for", headers)
        case .notModified: return notModified(headers)
        case .proceed: break
        }
        guard coding == nil else { return Self.complete(file, headers, method) }
        add("bytes", as: .acceptRanges, to: &headers)
        // Only GET has ranges (RFC 9110, 14.2).
        guard method == .get, let range = conditions[.range], preconditions.rangeCounts else {
            return Self.complete(file, headers, method)
        }
        switch ByteRanges(range, length: file.size) {
        case .whole: return Self.complete(file, headers, method)
        case .unsatisfiable:
            var response = Self.error(.rangeNotSatisfiable, "the file has \(file.size) bytes", headers)
            response.headers[.contentRange] = "bytes */\(file.size)"
            return response
        case .parts(let ranges): return partial(ranges, headers)
        }
    }

    private func add(_ value: String, as name: HTTPField.Name, to headers: inout HTTPFields) {
        if !headers.contains(name) { headers[name] = value }
    }

    /// The whole file. A small one is read here, so that it is closed before a slow client takes it.
    static func complete(
        _ file: OpenFile, status: HTTPResponse.Status = .ok, _ headers: HTTPFields, _ method: HTTPRequest.Method
    ) -> Response {
        var response = Response(status: status, headers: headers, body: read(FileBody(file), method))
        response.isFile = true
        return response
    }

    private static func read(_ body: FileBody, _ method: HTTPRequest.Method) -> Response.Body {
        guard method != .head, body.length <= FileBody.pieceSize, let (bytes, rest) = body.nextPiece(),
            rest.length == 0
        else { return .file(body) }
        return .bytes(bytes)
    }

    /// What the client has keeps its description: only what may have changed is said (RFC 9110, 15.4.5).
    private func notModified(_ headers: HTTPFields) -> Response {
        var headers = headers
        for name in [.contentType, .contentEncoding, .contentLanguage, .lastModified] as [HTTPField.Name] {
            headers[name] = nil
        }
        return Response(status: .notModified, headers: headers)
    }

    private func partial(_ ranges: [Range<Int>], _ headers: HTTPFields) -> Response {
        var headers = headers
        guard ranges.count > 1 else {
            headers[.contentRange] = Self.contentRange(ranges[0], file.size)
            return Response(
                status: .partialContent, headers: headers, body: Self.read(FileBody(file, [.range(ranges[0])]), method))
        }
        // Several parts in one body (RFC 9110, 14.6); by chance, so that no file holds the boundary.
        let boundary =
            String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
        let type = headers[.contentType].map { "Content-Type: \($0)\r\n" } ?? ""
        var parts: [FileBody.Part] = []
        for range in ranges {
            let place = "Content-Range: \(Self.contentRange(range, file.size))\r\n"
            let lineEnd = parts.isEmpty ? "" : "\r\n"
            parts.append(.text(ByteBuffer(string: "\(lineEnd)--\(boundary)\r\n\(type)\(place)\r\n")))
            parts.append(.range(range))
        }
        parts.append(.text(ByteBuffer(string: "\r\n--\(boundary)--\r\n")))
        headers[.contentType] = "multipart/byteranges; boundary=\(boundary)"
        return Response(status: .partialContent, headers: headers, body: Self.read(FileBody(file, parts), method))
    }

    private static func contentRange(_ range: Range<Int>, _ size: Int) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    }

    // MARK: no file

    /// An error instead of the file: what would have described the file goes, the rest of the headers stays.
    static func error(_ status: HTTPResponse.Status, _ explanation: String, _ headers: HTTPFields = [:]) -> Response {
        var response = Response.error(status, explanation)
        for field in headers where !describing.contains(field.name) { response.headers.append(field) }
        return response
    }

    private static let describing: Set<HTTPField.Name> = [
        .contentType, .contentEncoding, .contentLanguage, .contentDisposition, .contentLocation, .eTag, .lastModified,
        .cacheControl, .expires,
    ]

    /// No file can be opened for now.
    static func exhausted(_ headers: HTTPFields = [:]) -> Response {
        var response = error(.serviceUnavailable, "too many files are open", headers)
        response.headers[.retryAfter] = "1"
        return response
    }
}
