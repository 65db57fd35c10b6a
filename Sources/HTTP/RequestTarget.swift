/// A request target in origin form (RFC 9112, 3.2.1), taken apart: path and query.
public struct RequestTarget: Sendable, Equatable {
    /// As it came, with the query.
    public let raw: String
    /// The path, percent-decoded. Invalid UTF-8 becomes U+FFFD.
    public let path: String
    /// What follows the `?`, not decoded; empty without one.
    public let query: String
    /// The path's segments, each decoded by itself, so that an encoded `/` stays inside its segment.
    public let segments: [String]

    /// - Throws: `RequestError.badTarget` for a target that is not a path, holds a broken escape or a NUL.
    public init(_ raw: String) throws(RequestError) {
        guard raw.utf8.first == UInt8(ascii: "/") else { throw .badTarget }
        self.raw = raw
        let mark = raw.utf8.firstIndex(of: UInt8(ascii: "?")) ?? raw.endIndex
        let encodedPath = raw[..<mark]
        query = mark == raw.endIndex ? "" : String(raw[raw.utf8.index(after: mark)...])
        if !encodedPath.utf8.contains(UInt8(ascii: "%")) {
            guard !encodedPath.utf8.contains(0) else { throw .badTarget }
            path = String(encodedPath)
            segments = encodedPath.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        } else {
            var decoded: [String] = []
            for segment in encodedPath.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
                guard let text = PercentEncoding.decode(segment), !text.utf8.contains(0) else { throw .badTarget }
                decoded.append(text)
            }
            segments = decoded
            path = "/" + decoded.joined(separator: "/")
        }
    }

    /// The query's pairs in their order, decoded; `+` is a space (WHATWG URL, "application/x-www-form-urlencoded").
    public var queryPairs: [(name: String, value: String)] { PercentEncoding.formPairs(query) }
}
