/// Why an event source asks no more.
public enum EventSourceFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// An answer that is neither 200 nor 204 nor a redirect.
    case status(HTTPURL, code: Int, reason: String)
    /// Not `text/event-stream`; nil for none at all.
    case contentType(HTTPURL, String?)
    /// The stream is compressed, which was not asked for.
    case contentCoding(HTTPURL, String)
    case redirectWithoutPlace(HTTPURL, code: Int)
    case badRedirect(HTTPURL, location: String, reason: String)
    case tooManyRedirects(HTTPURL, limit: Int)
    /// A line or an event that does not end.
    case eventTooLong(HTTPURL, limit: Int)
    /// The TLS handshake was refused by one side; asking again would not help.
    case notTrusted(HTTPURL, reason: String)

    public var description: String {
        switch self {
        case .status(let url, let code, let reason):
            "\(url): the server answered \(code)\(reason.isEmpty ? "" : " \(reason)") (expected 200)"
        case .contentType(let url, let type):
            "\(url): no event stream: the content type is \(type.map { "'\($0)'" } ?? "missing") "
                + "(expected text/event-stream)"
        case .contentCoding(let url, let coding):
            "\(url): the stream is encoded as '\(coding)', which is not understood"
        case .redirectWithoutPlace(let url, let code): "\(url): the server answered \(code) without a Location"
        case .badRedirect(let url, let location, let reason): "\(url): redirect to '\(location)': the URL \(reason)"
        case .tooManyRedirects(let url, let limit): "\(url): more than \(limit) redirects"
        case .eventTooLong(let url, let limit): "\(url): an event or a line is longer than \(limit >> 20) MiB"
        case .notTrusted(let url, let reason): "\(url): \(reason)"
        }
    }
}
