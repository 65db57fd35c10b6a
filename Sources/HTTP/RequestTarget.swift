/// A request target in origin or absolute form (RFC 9112, 3.2), taken apart: path and query.
public struct RequestTarget: Sendable, Equatable {
    /// As it came, with the query, but without the scheme and host of the absolute form.
    public let raw: String
    /// The path, percent-decoded. Invalid UTF-8 becomes U+FFFD.
    public let path: String
    /// What follows the `?`, not decoded; empty without one.
    public let query: String
    /// The path's segments, each decoded by itself, so that an encoded `/` stays inside its segment.
    public let segments: [String]

    /// - Throws: `RequestError.badTarget` for a target that is not a path, holds a broken escape or a NUL.
    public init(_ target: String) throws(RequestError) {
        let raw = Self.originForm(target)
        guard raw.utf8.first == UInt8(ascii: "/") else { throw .badTarget }
        self.raw = raw
        let mark = raw.utf8.firstIndex(of: UInt8(ascii: "?")) ?? raw.endIndex
        let encodedPath = raw[..<mark]
        query = mark == raw.endIndex ? "" : String(raw[raw.utf8.index(after: mark)...])
        if !encodedPath.utf8.contains(UInt8(ascii: "%")) {
            guard !encodedPath.utf8.contains(0) else { throw .badTarget }
            path = mark == raw.endIndex ? raw : String(encodedPath)
            segments = Self.split(encodedPath).map(String.init)
        } else {
            var decoded: [String] = []
            for segment in Self.split(encodedPath) {
                guard let text = PercentEncoding.decode(segment), !text.utf8.contains(0) else { throw .badTarget }
                decoded.append(text)
            }
            segments = decoded
            path = "/" + decoded.joined(separator: "/")
        }
    }

    /// By bytes: to `Character`, a `/` before a combining mark is something else.
    private static func split(_ path: Substring) -> [Substring] {
        var segments: [Substring] = []
        var start = path.utf8.index(after: path.startIndex)
        while let end = path.utf8[start...].firstIndex(of: UInt8(ascii: "/")) {
            segments.append(path[start..<end])
            start = path.utf8.index(after: end)
        }
        segments.append(path[start...])
        return segments
    }

    /// `/a?b` for `http://host/a?b`, which every server must accept (RFC 9112, 3.2.2).
    static func originForm(_ target: String) -> String {
        guard target.utf8.first != UInt8(ascii: "/"),
            let scheme = ["http://", "https://"].first(where: {
                target.utf8.count > $0.utf8.count && target.prefix($0.count).lowercased() == $0
            })
        else { return target }
        let rest = target.utf8.dropFirst(scheme.utf8.count)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        guard end > rest.startIndex else { return target }
        let path = String(Substring(rest[end...]))
        return path.utf8.first == UInt8(ascii: "/") ? path : "/" + path
    }

    /// The query's pairs in their order, decoded; `+` is a space (WHATWG URL, "application/x-www-form-urlencoded").
    public var queryPairs: [(name: String, value: String)] { PercentEncoding.formPairs(query) }
}
