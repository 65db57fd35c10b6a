/// A coding that a file may lie in beside itself (RFC 9110, 8.4.1), the better ones first.
enum ContentCoding: CaseIterable {
    case brotli
    case gzip

    /// As `Content-Encoding` and `Accept-Encoding` write it.
    var name: String {
        switch self {
        case .brotli: "br"
        case .gzip: "gzip"
        }
    }

    /// What the file's name has besides.
    var suffix: String {
        switch self {
        case .brotli: ".br"
        case .gzip: ".gz"
        }
    }
}
